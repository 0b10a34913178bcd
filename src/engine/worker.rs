//! The worker thread: one running request, newest first, evaluation in the background.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use crate::engine::evaluation::{Background, EvaluationResult};
use crate::engine::evaluation_cache::EvaluationCache;
use crate::engine::failures::FailureSearch;
use crate::engine::protocol::{
    EvaluationKey, ExpandRequest, Reply, ReplyKind, Request, RequestId, RequestKind,
};
use crate::engine::session::Session;
use crate::error::{Error, Result};
use crate::types::DeviceChoice;

/// The latest request of each kind that a newer one replaces.
#[derive(Debug, Default)]
struct Latest {
    expand: AtomicU64,
    evaluate: AtomicU64,
    failures: AtomicU64,
    explain: AtomicU64,
    measure: AtomicU64,
}

/// Returns [`Error::Stopped`] unless the request is still the latest of its kind.
fn current(latest: &AtomicU64, id: RequestId) -> Result<()> {
    if latest.load(Ordering::Relaxed) == id.0 {
        Ok(())
    } else {
        Err(Error::Stopped)
    }
}

/// A running engine. Dropping it ends the worker after the pick it is at.
#[derive(Debug, Clone)]
pub struct Engine {
    requests: Sender<Request>,
    latest: Arc<Latest>,
}

impl Engine {
    /// Starts the worker; `reply` is called on its thread. `kept`: the folder where finished
    /// evaluations are kept, and found the next time; none: they are not.
    pub fn start(kept: Option<PathBuf>, reply: impl Fn(Reply) + Send + 'static) -> Result<Engine> {
        let (requests, inbox) = channel();
        let latest = Arc::new(Latest::default());
        let of_worker = latest.clone();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let (reply, shelf) = (Box::new(reply), kept.map(EvaluationCache::new));
                let (session, background, search, stopped) = (None, None, None, Stopped::default());
                let searches_next = false;
                Worker {
                    reply,
                    latest: of_worker,
                    shelf,
                    session,
                    background,
                    search,
                    searches_next,
                    stopped,
                }
                .run(&inbox);
            })
            .map_err(Error::io("start", "the engine's thread"))?;
        Ok(Engine { requests, latest })
    }

    /// Hands over a request; a newer one of its kind stops an older expansion, evaluation, search
    /// for failures, explanation or measurement at its next step.
    pub fn send(&self, request: Request) {
        let newest = |of: &AtomicU64| of.fetch_max(request.id.0, Ordering::Relaxed);
        match request.kind {
            RequestKind::Expand(_) => newest(&self.latest.expand),
            RequestKind::Evaluate(_) => newest(&self.latest.evaluate),
            RequestKind::Failures(_) => newest(&self.latest.failures),
            RequestKind::Explain { .. } => newest(&self.latest.explain),
            RequestKind::Measure(_) => newest(&self.latest.measure),
            _ => 0,
        };
        // a worker that is gone has said why
        let _ = self.requests.send(request);
    }
}

struct Worker {
    reply: Box<dyn Fn(Reply) + Send>,
    latest: Arc<Latest>,
    shelf: Option<EvaluationCache>,
    session: Option<Session>,
    background: Option<(RequestId, Background, Instant)>,
    /// Takes turns with the evaluation.
    search: Option<(RequestId, FailureSearch)>,
    /// Whether the search is the next to go on.
    searches_next: bool,
    stopped: Stopped,
}

/// What was stopped, as far as it came.
#[derive(Default)]
struct Stopped {
    evaluation: Option<Background>,
    search: Option<FailureSearch>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Request>) {
        loop {
            let request = if self.background.is_some() || self.search.is_some() {
                match inbox.try_recv() {
                    Ok(request) => Some(request),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                }
            } else {
                match inbox.recv() {
                    Ok(request) => Some(request),
                    Err(_) => return,
                }
            };
            let searches =
                self.search.is_some() && (self.background.is_none() || self.searches_next);
            self.searches_next = !searches;
            let id = request
                .as_ref()
                .map_or_else(|| self.under_way(searches), |r| r.id);
            // a panic below is a defect; it must not take the explorer with it
            let outcome = catch_unwind(AssertUnwindSafe(|| match request {
                Some(request) => self.answer(request),
                None if searches => self.go_on_searching(),
                None => self.go_on_evaluating(),
            }));
            match outcome {
                Ok(Ok(()) | Err(Error::Stopped)) => {}
                Ok(Err(error)) => self.say(id, ReplyKind::Failed(error.to_string())),
                Err(panic) => {
                    let why = format!("the engine failed: {}", panic_message(panic.as_ref()));
                    // what is in the background ends with it, and whoever waits for that is told
                    // too
                    let others = [
                        self.background.take().map(|b| b.0),
                        self.search.take().map(|s| s.0),
                    ];
                    for other in others.into_iter().flatten().filter(|&other| other != id) {
                        self.say(other, ReplyKind::Failed(why.clone()));
                    }
                    self.say(id, ReplyKind::Failed(why));
                }
            }
        }
    }

    /// Whose turn it is while nothing is asked.
    fn under_way(&self, searches: bool) -> RequestId {
        match (&self.search, &self.background) {
            (Some((id, _)), _) if searches => *id,
            (_, background) => background
                .as_ref()
                .map(|background| background.0)
                .unwrap_or_default(),
        }
    }

    fn say(&self, id: RequestId, kind: ReplyKind) {
        (self.reply)(Reply { id, kind });
    }

    fn answer(&mut self, Request { id, kind }: Request) -> Result<()> {
        let said = match kind {
            RequestKind::Open {
                index,
                dataset,
                device,
            } => return self.open(id, &index, dataset.as_deref(), device),
            RequestKind::Expand(ask) => return self.expand(id, &ask),
            RequestKind::Inspect { entity, mode } => {
                let detail = opened(&mut self.session)?.inspect(entity, mode)?;
                ReplyKind::Inspected(Box::new(detail))
            }
            RequestKind::FirstImages { entities } => {
                ReplyKind::FirstImages(opened(&mut self.session)?.first_pictures(&entities))
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
                let is_current = || current(&self.latest.explain, id);
                let explained = session.explain(expansion, &entities, &is_current)?;
                ReplyKind::Explained(Box::new(explained))
            }
            RequestKind::Measure(ask) => {
                let session = opened(&mut self.session)?;
                session.measure_only(&ask, &|| current(&self.latest.measure, id))?
            }
            RequestKind::Failures(wanted) => return self.begin_searching(id, wanted),
            RequestKind::Evaluate(wanted) => return self.begin_evaluating(id, wanted),
            RequestKind::Stop => self.stop()?,
            RequestKind::Import { path } => {
                ReplyKind::Imported(opened(&mut self.session)?.bring(&path)?)
            }
        };
        self.say(id, said);
        Ok(())
    }

    /// Opens an index in the place of the one that is open.
    fn open(
        &mut self,
        id: RequestId,
        index: &Path,
        dataset: Option<&Path>,
        device: DeviceChoice,
    ) -> Result<()> {
        (self.background, self.search, self.stopped) = (None, None, Stopped::default());
        self.session = None;
        let mut session = Session::open(index, dataset, device)?;
        session.shelf.clone_from(&self.shelf);
        self.say(id, ReplyKind::Opened(session.catalogue.clone()));
        self.session = Some(session);
        Ok(())
    }

    fn expand(&mut self, id: RequestId, ask: &ExpandRequest) -> Result<()> {
        let session = opened(&mut self.session)?;
        let (latest, reply) = (&self.latest, &self.reply);
        let is_current = || current(&latest.expand, id);
        session.stream(
            ask,
            &mut |kind| {
                is_current()?;
                reply(Reply { id, kind });
                is_current()
            },
            &is_current,
        )
    }

    /// Begins a search for failures, or goes on with one that was stopped.
    fn begin_searching(&mut self, id: RequestId, wanted: EvaluationKey) -> Result<()> {
        let session = opened(&mut self.session)?;
        let running = self.background.as_ref().map(|(_, running, _)| running);
        let running = running.filter(|running| running.evaluation == wanted);
        let stopped = self.stopped.search.take();
        let search = match stopped.filter(|stopped| stopped.evaluation == wanted) {
            Some(stopped) => stopped,
            None => session.begin_failures(wanted, running)?,
        };
        self.search = Some((id, search));
        Ok(())
    }

    /// Sends the results of an evaluation that is at hand; else begins it, or goes on with one that
    /// was stopped.
    fn begin_evaluating(&mut self, id: RequestId, wanted: EvaluationKey) -> Result<()> {
        let session = opened(&mut self.session)?;
        if let Some(outcome) = session.at_hand(wanted) {
            self.background = None;
            for &(class, metrics) in &outcome.classes {
                self.say(id, ReplyKind::ClassEvaluated { class, metrics });
            }
            self.say(id, evaluated(&outcome, Duration::ZERO));
            return Ok(());
        }
        let stopped = self.stopped.evaluation.take();
        let background = match stopped.filter(|stopped| stopped.evaluation == wanted) {
            Some(stopped) => stopped,
            None => session.begin(wanted)?,
        };
        self.background = Some((id, background, Instant::now()));
        Ok(())
    }

    /// Stops what is in the background, and keeps it to go on with.
    fn stop(&mut self) -> Result<ReplyKind> {
        opened(&mut self.session)?;
        if let Some((_, background, _)) = self.background.take() {
            self.stopped.evaluation = Some(background);
        }
        if let Some((_, search)) = self.search.take() {
            self.stopped.search = Some(search);
        }
        Ok(ReplyKind::Stopped)
    }

    /// The evaluation in the background, a few milliseconds further.
    fn go_on_evaluating(&mut self) -> Result<()> {
        let (Some(session), Some((id, background, begun))) =
            (self.session.as_mut(), self.background.as_mut())
        else {
            self.background = None;
            return Ok(());
        };
        let id = *id;
        if self.latest.evaluate.load(Ordering::Relaxed) != id.0 {
            self.background = None;
            return Ok(());
        }
        let step = session.go_on(background);
        let done = match step {
            Err(error) => {
                self.background = None;
                return Err(error);
            }
            Ok(done) => done,
        };
        let progress = background.progress();
        let (finished, took) = (background.is_done(), begun.elapsed());
        let outcome = self
            .background
            .take_if(|_| finished)
            .map(|(_, background, _)| session.finish(background));
        for (class, metrics) in done {
            self.say(id, ReplyKind::ClassEvaluated { class, metrics });
        }
        match outcome {
            Some(outcome) => self.say(id, evaluated(&outcome, took)),
            None => self.say(id, ReplyKind::Progress(progress)),
        }
        Ok(())
    }

    /// The search for failures, a few milliseconds further.
    fn go_on_searching(&mut self) -> Result<()> {
        let (Some(session), Some((id, mut search))) = (&self.session, self.search.take()) else {
            return Ok(());
        };
        if self.latest.failures.load(Ordering::Relaxed) != id.0 {
            return Ok(());
        }
        let running = self.background.as_ref().map(|(_, running, _)| running);
        let running = running.filter(|running| running.evaluation == search.evaluation);
        session.go_on_with_failures(&mut search, running)?;
        let part = search.part();
        if !search.is_done() {
            // while it waits, the evaluation tells how far that is
            if !search.waits() {
                self.say(id, ReplyKind::Progress(search.progress()));
            }
            self.search = Some((id, search));
        }
        if let Some(part) = part {
            self.say(id, ReplyKind::Failures(Box::new(part)));
        }
        Ok(())
    }
}

/// Returns the session, or the error of a request that comes before an index is open.
fn opened(session: &mut Option<Session>) -> Result<&mut Session> {
    session
        .as_mut()
        .ok_or_else(|| Error::Mismatch("no index is open yet".into()))
}

fn evaluated(outcome: &EvaluationResult, elapsed: Duration) -> ReplyKind {
    ReplyKind::Evaluated {
        metrics: outcome.overall,
        interval: outcome.interval,
        elapsed,
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.as_deref()
        .and_then(|t| t.lines().next())
        .unwrap_or("for a reason it did not give")
        .to_owned()
}
