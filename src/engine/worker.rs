//! The worker thread: one running request, newest first, evaluation in the background.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Instant;

use super::api::{Ask, Evaluation, Reply, Request, RequestId, Say};
use super::evaluation::{Background, Plan};
use super::session::Session;
use crate::error::{Error, Result};
use crate::types::Protocol;

/// The latest request of each kind that a newer one replaces.
#[derive(Debug, Default)]
struct Latest {
    expand: AtomicU64,
    evaluate: AtomicU64,
    explain: AtomicU64,
    measure: AtomicU64,
}

/// Whether a request still is the latest of its kind.
fn current(latest: &AtomicU64, id: RequestId) -> ControlFlow<()> {
    if latest.load(Ordering::Relaxed) == id.0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// A running engine. Dropping it ends the worker after the pick it is at.
#[derive(Debug, Clone)]
pub struct Engine {
    requests: Sender<Request>,
    latest: Arc<Latest>,
}

impl Engine {
    /// Starts the worker; `reply` is called on its thread.
    pub fn start(reply: impl Fn(Reply) + Send + 'static) -> Result<Engine> {
        let (requests, inbox) = channel();
        let latest = Arc::new(Latest::default());
        let of_worker = latest.clone();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                Worker { reply: Box::new(reply), latest: of_worker, session: None, background: None }.run(&inbox)
            })
            .map_err(Error::io("start", "the engine's thread"))?;
        Ok(Engine { requests, latest })
    }

    /// Hands over a request; a newer expansion, evaluation, explanation or measurement stops the older one at its next pick.
    pub fn send(&self, request: Request) {
        let newest = |of: &AtomicU64| of.fetch_max(request.id.0, Ordering::Relaxed);
        match request.ask {
            Ask::Expand(_) => newest(&self.latest.expand),
            Ask::Evaluate(_) => newest(&self.latest.evaluate),
            Ask::Explain { .. } => newest(&self.latest.explain),
            Ask::Measure(_) => newest(&self.latest.measure),
            _ => 0,
        };
        // a worker that is gone has said why
        let _ = self.requests.send(request);
    }
}

struct Worker {
    reply: Box<dyn Fn(Reply) + Send>,
    latest: Arc<Latest>,
    session: Option<Session>,
    background: Option<(RequestId, Background, Instant)>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Request>) {
        loop {
            let request = if self.background.is_some() {
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
            let id = request.as_ref().map(|r| r.id).or(self.background.as_ref().map(|b| b.0)).unwrap_or_default();
            // a panic below is a defect; it must not take the explorer with it
            let outcome = catch_unwind(AssertUnwindSafe(|| match request {
                Some(request) => self.answer(request),
                None => self.go_on_evaluating(),
            }));
            match outcome {
                Ok(Ok(()) | Err(Error::Stopped)) => {}
                Ok(Err(error)) => self.say(id, Say::Failed(error.to_string())),
                Err(panic) => {
                    let why = format!("the engine failed: {}", panic_message(panic.as_ref()));
                    // the evaluation in the background ends with it, and whoever waits for that is told too
                    if let Some((evaluation, ..)) = self.background.take().filter(|background| background.0 != id) {
                        self.say(evaluation, Say::Failed(why.clone()));
                    }
                    self.say(id, Say::Failed(why));
                }
            }
        }
    }

    fn say(&self, id: RequestId, say: Say) {
        (self.reply)(Reply { id, say });
    }

    fn answer(&mut self, Request { id, ask }: Request) -> Result<()> {
        if let Ask::Open { index, dataset, device } = ask {
            self.background = None;
            self.session = None;
            let session = Session::open(&index, dataset.as_deref(), device)?;
            self.say(id, Say::Opened(session.catalogue.clone()));
            self.session = Some(session);
            return Ok(());
        }
        let Some(session) = self.session.as_mut() else {
            return Err(Error::Mismatch("no index is open yet".into()));
        };
        let (latest, reply) = (&self.latest, &self.reply);
        match ask {
            Ask::Open { .. } => {} // answered above
            Ask::Expand(ask) => {
                let current = || current(&latest.expand, id);
                session.stream(
                    &ask,
                    &mut |say| {
                        current()?;
                        reply(Reply { id, say });
                        current()
                    },
                    &current,
                )?;
            }
            Ask::Inspect { entity, mode } => {
                let detail = session.inspect(entity, mode)?;
                self.say(id, Say::Inspected(Box::new(detail)));
            }
            Ask::Pictures { entities } => {
                let pictures = session.first_pictures(&entities);
                self.say(id, Say::Pictures(pictures));
            }
            Ask::Compare { first, second } => {
                let comparison = session.compare(first, second)?;
                self.say(id, Say::Compared(Box::new(comparison)));
            }
            Ask::Explain { ask, entities } => {
                let explained = session.explain(ask, &entities, &|| current(&latest.explain, id))?;
                self.say(id, Say::Explained(Box::new(explained)));
            }
            Ask::Measure(ask) => {
                let measured = session.measure_only(&ask, &|| current(&latest.measure, id))?;
                self.say(id, measured);
            }
            Ask::Evaluate(Evaluation { mode, seed_count, ranking }) => {
                let plan = Plan { mode, seed_count, ranking, protocol: Protocol::Standard, class: None };
                self.background = Some((id, session.begin(&plan)?, Instant::now()));
            }
        }
        Ok(())
    }

    /// The evaluation in the background, a few milliseconds further.
    fn go_on_evaluating(&mut self) -> Result<()> {
        let (Some(session), Some((id, background, begun))) = (self.session.as_mut(), self.background.as_mut()) else {
            self.background = None;
            return Ok(());
        };
        let id = *id;
        if self.latest.evaluate.load(Ordering::Relaxed) != id.0 {
            self.background = None;
            return Ok(());
        }
        let mode = background.plan.mode;
        let step = session.go_on(background);
        let done = match step {
            Err(error) => {
                self.background = None;
                return Err(error);
            }
            Ok(done) => done,
        };
        let progress = background.progress();
        let finished = background.is_done().then(|| (background.overall(), background.interval(), begun.elapsed()));
        for (class, measures) in done {
            self.say(id, Say::ClassMeasured { class, mode, measures });
        }
        match finished {
            Some((measures, interval, took)) => {
                self.background = None;
                self.say(id, Say::Evaluated { mode, measures, interval, took });
            }
            None => self.say(id, Say::Progress(progress)),
        }
        Ok(())
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.as_deref().and_then(|t| t.lines().next()).unwrap_or("for a reason it did not give").to_owned()
}
