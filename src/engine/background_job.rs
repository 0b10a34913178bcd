//! Long work that the worker does step by step between requests.

use std::time::{Duration, Instant};

use crate::engine::protocol::{EvaluationKey, ReplyKind, RequestId};
use crate::engine::query_rankings::QueryRankings;
use crate::engine::session::Session;
use crate::error::Result;
use crate::progress::Progress;

/// The time that a job works before the worker looks for a request. Together with the step that a
/// job is at, this stays below 10 ms.
pub(super) const STEP_TIME: Duration = Duration::from_millis(5);

/// Work that is done in short steps and can be stopped and resumed between them.
pub(super) trait BackgroundJob {
    /// Returns the evaluation that the job is about.
    fn evaluation(&self) -> EvaluationKey;

    /// Works for about [`STEP_TIME`], and returns the results to send. `partial` holds the rankings
    /// that the running evaluation has so far, if it is the one that this job is about.
    fn advance(
        &mut self,
        session: &Session,
        partial: Option<&QueryRankings>,
    ) -> Result<Vec<ReplyKind>>;

    /// Returns the progress, or `None` while the job waits for another one.
    fn progress(&self) -> Option<Progress>;

    fn is_done(&self) -> bool;

    /// Stores the results of a job that is done, and returns the last reply.
    fn finish(self, session: &mut Session, elapsed: Duration) -> Option<ReplyKind>;
}

/// A job and the request that it answers.
struct RunningJob<J> {
    id: RequestId,
    job: J,
    started: Instant,
}

/// The background jobs of one kind: the running one, and one that was stopped.
pub(super) struct JobSlot<J> {
    running: Option<RunningJob<J>>,
    stopped: Option<J>,
}

impl<J> Default for JobSlot<J> {
    fn default() -> Self {
        JobSlot {
            running: None,
            stopped: None,
        }
    }
}

impl<J: BackgroundJob> JobSlot<J> {
    /// Returns the id of the request that the running job answers.
    pub(super) fn id(&self) -> Option<RequestId> {
        self.running.as_ref().map(|running| running.id)
    }

    /// Returns the evaluation that the running job is about.
    pub(super) fn evaluation(&self) -> Option<EvaluationKey> {
        self.running
            .as_ref()
            .map(|running| running.job.evaluation())
    }

    /// Returns the running job if it is about this evaluation.
    pub(super) fn running(&self, evaluation: EvaluationKey) -> Option<&J> {
        let running = self.running.as_ref()?;
        (running.job.evaluation() == evaluation).then_some(&running.job)
    }

    /// Starts a job in place of the running one.
    pub(super) fn start(&mut self, id: RequestId, job: J) {
        self.running = Some(RunningJob {
            id,
            job,
            started: Instant::now(),
        });
    }

    /// Drops the running job.
    pub(super) fn cancel(&mut self) {
        self.running = None;
    }

    /// Stops the running job so that it can be resumed.
    pub(super) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.stopped = Some(running.job);
        }
    }

    /// Takes the stopped job out if it is about this evaluation; drops it otherwise.
    pub(super) fn take_stopped(&mut self, evaluation: EvaluationKey) -> Option<J> {
        let stopped = self.stopped.take();
        stopped.filter(|job| job.evaluation() == evaluation)
    }

    /// Advances the running job and returns the replies to send: its results, and either its
    /// progress or, if it is done, its last reply. A job that fails, or that is not for the request
    /// `latest`, is dropped.
    pub(super) fn advance(
        &mut self,
        session: &mut Session,
        latest: RequestId,
        partial: Option<&QueryRankings>,
    ) -> Result<Vec<ReplyKind>> {
        let Some(mut running) = self.running.take() else {
            return Ok(Vec::new());
        };
        if running.id != latest {
            return Ok(Vec::new());
        }
        let mut replies = running.job.advance(session, partial)?;
        if running.job.is_done() {
            let elapsed = running.started.elapsed();
            replies.extend(running.job.finish(session, elapsed));
        } else {
            replies.extend(running.job.progress().map(ReplyKind::Progress));
            self.running = Some(running);
        }
        Ok(replies)
    }
}
