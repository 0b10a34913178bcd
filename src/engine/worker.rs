//! The worker thread. It answers one request at a time, and works on background jobs in between.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

use crate::engine::background_evaluation::BackgroundEvaluation;
use crate::engine::background_job::JobSlot;
use crate::engine::evaluation_cache::EvaluationCache;
use crate::engine::failure_search::FailureSearch;
use crate::engine::protocol::{
    EvaluationKey, ExpandRequest, Reply, ReplyKind, Request, RequestId, RequestKind,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::types::DeviceChoice;

/// The ids of the latest requests, for the kinds that a newer request replaces.
#[derive(Debug, Default)]
struct Latest {
    expand: AtomicU64,
    evaluate: AtomicU64,
    failures: AtomicU64,
    explain: AtomicU64,
    measure: AtomicU64,
}

impl Latest {
    /// Returns the latest id of the request's kind; `None` for a kind that is never replaced.
    fn of_kind(&self, request: &RequestKind) -> Option<&AtomicU64> {
        match request {
            RequestKind::Expand(_) => Some(&self.expand),
            RequestKind::Evaluate(_) => Some(&self.evaluate),
            RequestKind::Failures(_) => Some(&self.failures),
            RequestKind::Explain { .. } => Some(&self.explain),
            RequestKind::Measure(_) => Some(&self.measure),
            _ => None,
        }
    }
}

fn load(latest: &AtomicU64) -> RequestId {
    RequestId(latest.load(Ordering::Relaxed))
}

/// Fails with `Stopped` once there is a newer request.
fn check_is_latest(latest: &AtomicU64, id: RequestId) -> Result<()> {
    if load(latest) == id {
        Ok(())
    } else {
        Err(Error::Stopped)
    }
}

/// A running engine. When it is dropped, the worker ends after its current pick.
#[derive(Debug, Clone)]
pub struct Engine {
    requests: Sender<Request>,
    latest: Arc<Latest>,
}

impl Engine {
    /// Starts the worker thread, on which `reply` is called. `cache` is the folder in which finished
    /// evaluations are stored; with `None` they are not stored.
    pub fn start(cache: Option<PathBuf>, reply: impl Fn(Reply) + Send + 'static) -> Result<Engine> {
        let (requests, inbox) = channel();
        let latest = Arc::new(Latest::default());
        let latest_in_worker = latest.clone();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let worker = Worker {
                    reply: Box::new(reply),
                    latest: latest_in_worker,
                    cache: cache.map(EvaluationCache::new),
                    session: None,
                    evaluation: JobSlot::default(),
                    failure_search: JobSlot::default(),
                    search_is_next: false,
                };
                worker.run(&inbox);
            })
            .map_err(Error::io("start", "the engine's thread"))?;
        Ok(Engine { requests, latest })
    }

    /// Sends a request. A newer one of its kind stops an older expansion, evaluation, failure
    /// search, explanation or measurement at its next step.
    pub fn send(&self, request: Request) {
        if let Some(latest) = self.latest.of_kind(&request.kind) {
            latest.fetch_max(request.id.0, Ordering::Relaxed);
        }
        // a worker that has ended has already sent the reason
        let _ = self.requests.send(request);
    }
}

struct Worker {
    reply: Box<dyn Fn(Reply) + Send>,
    latest: Arc<Latest>,
    cache: Option<EvaluationCache>,
    session: Option<Session>,
    evaluation: JobSlot<BackgroundEvaluation>,
    failure_search: JobSlot<FailureSearch>,
    /// True if it is the failure search's turn. The two jobs take turns.
    search_is_next: bool,
}

/// The next thing that the worker does.
enum Work {
    Answer(Request),
    Evaluate(RequestId),
    SearchFailures(RequestId),
}

impl Work {
    fn id(&self) -> RequestId {
        match self {
            Work::Answer(request) => request.id,
            Work::Evaluate(id) | Work::SearchFailures(id) => *id,
        }
    }
}

impl Worker {
    /// Works until the sender of requests is gone.
    fn run(mut self, inbox: &Receiver<Request>) {
        while let Some(work) = self.next_work(inbox) {
            let id = work.id();
            // a panic is a defect of the engine, but must not end the explorer
            let result = catch_unwind(AssertUnwindSafe(|| self.do_work(work)));
            match result {
                Ok(Ok(()) | Err(Error::Stopped)) => {}
                Ok(Err(error)) => self.send(id, ReplyKind::Failed(error.to_string())),
                Err(panic) => self.report_panic(id, panic.as_ref()),
            }
        }
    }

    /// Returns the next request, or else the job whose turn it is. Waits for a request if no job is
    /// running. Returns `None` once no request can follow.
    fn next_work(&mut self, inbox: &Receiver<Request>) -> Option<Work> {
        let (evaluation, search) = (self.evaluation.id(), self.failure_search.id());
        let request = if evaluation.is_some() || search.is_some() {
            match inbox.try_recv() {
                Ok(request) => Some(request),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => return None,
            }
        } else {
            Some(inbox.recv().ok()?)
        };
        let search = search.filter(|_| evaluation.is_none() || self.search_is_next);
        self.search_is_next = search.is_none();
        match (request, search) {
            (Some(request), _) => Some(Work::Answer(request)),
            (None, Some(id)) => Some(Work::SearchFailures(id)),
            (None, None) => Some(Work::Evaluate(evaluation.unwrap_or_default())),
        }
    }

    fn do_work(&mut self, work: Work) -> Result<()> {
        match work {
            Work::Answer(request) => self.answer(request),
            Work::Evaluate(id) => self.advance_evaluation(id),
            Work::SearchFailures(id) => self.advance_failure_search(id),
        }
    }

    /// Reports a panic to the request that caused it, and to those of the jobs, which end with it.
    fn report_panic(&mut self, id: RequestId, panic: &(dyn Any + Send)) {
        let message = format!("the engine failed: {}", panic_message(panic));
        for job in [self.evaluation.id(), self.failure_search.id()] {
            if let Some(other) = job.filter(|&other| other != id) {
                self.send(other, ReplyKind::Failed(message.clone()));
            }
        }
        self.evaluation.cancel();
        self.failure_search.cancel();
        self.send(id, ReplyKind::Failed(message));
    }

    fn send(&self, id: RequestId, kind: ReplyKind) {
        (self.reply)(Reply { id, kind });
    }

    fn send_all(&self, id: RequestId, replies: Vec<ReplyKind>) {
        for kind in replies {
            self.send(id, kind);
        }
    }

    fn answer(&mut self, Request { id, kind }: Request) -> Result<()> {
        let reply = match kind {
            RequestKind::Open {
                index,
                dataset,
                device,
            } => return self.open(id, &index, dataset.as_deref(), device),
            RequestKind::Expand(request) => return self.expand(id, &request),
            RequestKind::Failures(evaluation) => return self.start_failure_search(id, evaluation),
            RequestKind::Evaluate(evaluation) => return self.start_evaluation(id, evaluation),
            RequestKind::Inspect { entity, mode } => {
                let detail = opened(&mut self.session)?.inspect(entity, mode)?;
                ReplyKind::Inspected(Box::new(detail))
            }
            RequestKind::FirstImages { entities } => {
                ReplyKind::FirstImages(opened(&mut self.session)?.first_images(&entities))
            }
            RequestKind::Compare { first, second } => {
                let comparison = opened(&mut self.session)?.compare(first, second)?;
                ReplyKind::Compared(Box::new(comparison))
            }
            RequestKind::Explain {
                expansion,
                entities,
            } => {
                let session = opened(&mut self.session)?;
                let is_current = || check_is_latest(&self.latest.explain, id);
                let explanation = session.explain(expansion, &entities, &is_current)?;
                ReplyKind::Explained(Box::new(explanation))
            }
            RequestKind::Measure(request) => {
                let session = opened(&mut self.session)?;
                let is_current = || check_is_latest(&self.latest.measure, id);
                session.measure_expansion(&request, &is_current)?
            }
            RequestKind::Stop => self.stop()?,
            RequestKind::Import { path } => {
                ReplyKind::Imported(opened(&mut self.session)?.import(&path)?)
            }
        };
        self.send(id, reply);
        Ok(())
    }

    /// Opens an index in place of the open one.
    fn open(
        &mut self,
        id: RequestId,
        index: &Path,
        dataset: Option<&Path>,
        device: DeviceChoice,
    ) -> Result<()> {
        self.evaluation = JobSlot::default();
        self.failure_search = JobSlot::default();
        self.session = None;
        let mut session = Session::open(index, dataset, device)?;
        session.evaluation_cache.clone_from(&self.cache);
        self.send(id, ReplyKind::Opened(session.catalogue.clone()));
        self.session = Some(session);
        Ok(())
    }

    fn expand(&mut self, id: RequestId, request: &ExpandRequest) -> Result<()> {
        let session = opened(&mut self.session)?;
        let (latest, reply) = (&self.latest, &self.reply);
        let is_current = || check_is_latest(&latest.expand, id);
        let mut send = |kind| {
            is_current()?;
            reply(Reply { id, kind });
            is_current()
        };
        session.stream(request, &mut send, &is_current)
    }

    /// Starts a failure search, or resumes the stopped one.
    fn start_failure_search(&mut self, id: RequestId, evaluation: EvaluationKey) -> Result<()> {
        let session = opened(&mut self.session)?;
        let job = match self.failure_search.take_stopped(evaluation) {
            Some(stopped) => stopped,
            None => FailureSearch::new(session, evaluation, self.evaluation.running(evaluation))?,
        };
        self.failure_search.start(id, job);
        Ok(())
    }

    /// Sends the results of a known evaluation, or else starts it or resumes the stopped one.
    fn start_evaluation(&mut self, id: RequestId, evaluation: EvaluationKey) -> Result<()> {
        let session = opened(&mut self.session)?;
        if let Some(replies) = session.known_evaluation(evaluation) {
            self.evaluation.cancel();
            self.send_all(id, replies);
            return Ok(());
        }
        let job = match self.evaluation.take_stopped(evaluation) {
            Some(stopped) => stopped,
            None => BackgroundEvaluation::new(session, evaluation)?,
        };
        self.evaluation.start(id, job);
        Ok(())
    }

    /// Stops the background jobs so that they can be resumed.
    fn stop(&mut self) -> Result<ReplyKind> {
        opened(&mut self.session)?;
        self.evaluation.stop();
        self.failure_search.stop();
        Ok(ReplyKind::Stopped)
    }

    fn advance_evaluation(&mut self, id: RequestId) -> Result<()> {
        let session = opened(&mut self.session)?;
        let latest = load(&self.latest.evaluate);
        let replies = self.evaluation.advance(session, latest, None)?;
        self.send_all(id, replies);
        Ok(())
    }

    fn advance_failure_search(&mut self, id: RequestId) -> Result<()> {
        let session = opened(&mut self.session)?;
        let latest = load(&self.latest.failures);
        let partial = self
            .failure_search
            .evaluation()
            .and_then(|evaluation| self.evaluation.running(evaluation))
            .map(BackgroundEvaluation::rankings);
        let replies = self.failure_search.advance(session, latest, partial)?;
        self.send_all(id, replies);
        Ok(())
    }
}

/// Returns the session. Fails if no index is open yet.
fn opened(session: &mut Option<Session>) -> Result<&mut Session> {
    session
        .as_mut()
        .ok_or_else(|| Error::Mismatch("no index is open yet".into()))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.as_deref()
        .and_then(|text| text.lines().next())
        .unwrap_or("for an unknown reason")
        .to_owned()
}
