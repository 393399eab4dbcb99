//! The one connection that writes to SQLite, and the thread for what waits for it. Changes that wait together are
//! committed together: each is undone by itself where it fails, and each is answered once the commit that holds it is
//! on disk.
//!
//! A lone change waits for nobody, not even for that thread to wake: it is made where it was asked for. While one
//! commit is on its way to the disk, those that come meanwhile wait, and are the next.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::failure::Error;
use super::session::Session;
use super::sqlite::Connection;
use super::{PATIENCE, Work};
use crate::volume::Volume;

/// Changes in one commit at most: what their number saves is saved long before.
const TOGETHER: usize = 128;
/// Changes that may wait.
const WAITING: usize = 4096;
/// Begins a transaction that writes, once nobody else does.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Where changes are brought to.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    desk: Arc<Desk>,
}

/// What it takes to write.
#[derive(Debug)]
struct Desk {
    session: Arc<Mutex<Session>>,
    volume: OnceLock<Arc<Volume>>,
    runtime: Handle,
    /// Whether more than one change waited for the thread when it last took what waited.
    is_crowded: AtomicBool,
}

/// A change that waits to be made.
trait Job: Send {
    /// Makes it, unless nobody waits for it any more; answers whether it is to be kept.
    fn run(&mut self, session: &mut Session) -> bool;
    /// Answers who waits: what was kept has come to the disk, or why not.
    fn answer(self: Box<Self>, fate: Result<(), Error>);
}

struct Change<T, E, W> {
    work: Option<W>,
    result: Option<Outcome<T, E>>,
    reply: oneshot::Sender<Outcome<T, E>>,
    turn: Arc<Turn>,
}

/// What came of a change, or the panic that it ended in.
type Outcome<T, E> = Result<Result<T, E>, Box<dyn Any + Send>>;

/// Whether a change still waits, is being made, or was given up.
#[derive(Debug, Default)]
struct Turn(AtomicU8);

impl Turn {
    const WAITING: u8 = 0;
    const BEGUN: u8 = 1;
    const GIVEN_UP: u8 = 2;

    fn begin(&self) -> bool {
        self.leave_for(Self::BEGUN)
    }

    fn give_up(&self) -> bool {
        self.leave_for(Self::GIVEN_UP)
    }

    fn leave_for(&self, next: u8) -> bool {
        let order = Ordering::AcqRel;
        let changed = self
            .0
            .compare_exchange(Self::WAITING, next, order, Ordering::Acquire);
        changed.is_ok()
    }
}

impl Writer {
    pub(super) fn start(session: Session) -> Result<Self, Error> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let desk = Arc::new(Desk {
            session: Arc::new(Mutex::new(session)),
            volume: OnceLock::new(),
            runtime: Handle::current(),
            is_crowded: AtomicBool::new(false),
        });
        let thread = Arc::clone(&desk);
        std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || thread.serve(waiting))?;
        Ok(Self { jobs, desk })
    }

    pub(super) async fn write<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        W: for<'s> FnOnce(&'s mut Session) -> Work<'s, T, E> + Send + 'static,
    {
        let (reply, mut answer) = oneshot::channel();
        let turn = Arc::new(Turn::default());
        let change = Change {
            work: Some(work),
            result: None,
            reply,
            turn: Arc::clone(&turn),
        };
        if let Some(change) = self.make_here(Box::new(change)) {
            let sent = self.jobs.try_send(change);
            sent.map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Busy,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })?;
        }
        let outcome = match tokio::time::timeout(PATIENCE, &mut answer).await {
            Ok(outcome) => outcome,
            Err(_) if turn.give_up() => return Err(Error::Busy.into()),
            // It is being made, so only its end says what came of it.
            Err(_) => answer.await,
        };
        match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::Closed.into()),
        }
    }

    /// Makes a change on this thread where nobody else writes; gives it back where it has to wait. To wake the thread
    /// that writes, and then again who asked, takes as long as the change.
    fn make_here(&self, change: Box<dyn Job>) -> Option<Box<dyn Job>> {
        // A runtime of one thread has no other that could go on meanwhile. Where many write, more are committed
        // together by the thread: until it is awake others have come.
        let is_possible = self.desk.runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        let is_crowded = self.desk.is_crowded.load(Ordering::Relaxed);
        let is_replaced = self.desk.volume.get().is_some_and(|it| it.is_replaced());
        if !is_possible || is_crowded || is_replaced || self.jobs.capacity() < WAITING {
            return Some(change);
        }
        let Ok(mut session) = self.desk.session.try_lock() else {
            return Some(change);
        };
        tokio::task::block_in_place(|| {
            if !matches!(connection(&mut session).begins_at_once(), Ok(true)) {
                return Some(change);
            }
            self.desk.settle(&mut session, Ok(()), &mut vec![change]);
            None
        })
    }

    pub(super) fn session(&self) -> Arc<Mutex<Session>> {
        Arc::clone(&self.desk.session)
    }

    pub(super) async fn close(&self) -> Result<(), Error> {
        let mut session = self.desk.session.lock().await;
        connection(&mut session).close()
    }

    pub(super) fn acknowledge_into(&self, volume: Arc<Volume>) {
        if self.desk.volume.set(volume).is_err() {
            unreachable!("a database has one volume");
        }
    }
}

impl<T, E, W> Job for Change<T, E, W>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    W: for<'s> FnOnce(&'s mut Session) -> Work<'s, T, E> + Send + 'static,
{
    fn run(&mut self, session: &mut Session) -> bool {
        if self.reply.is_closed() || !self.turn.begin() {
            return false;
        }
        let work = self.work.take().expect("a change is made once");
        let outcome = catch_unwind(AssertUnwindSafe(|| at_once(work(session))));
        let is_kept = matches!(outcome, Ok(Ok(_)));
        self.result = Some(outcome);
        is_kept
    }

    fn answer(self: Box<Self>, fate: Result<(), Error>) {
        let outcome = match (self.result, fate) {
            (Some(Ok(Ok(_))) | None, Err(error)) => Ok(Err(error.into())),
            (Some(outcome), _) => outcome,
            // Nobody waits.
            (None, Ok(())) => return,
        };
        // Who has gone is not told.
        drop(self.reply.send(outcome));
    }
}

/// The answer of a future that waits for nothing.
fn at_once<T>(mut future: std::pin::Pin<Box<dyn Future<Output = T> + Send + '_>>) -> T {
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a change waits for nothing but its session"),
    }
}

impl Desk {
    fn serve(&self, mut waiting: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(TOGETHER);
        while let Some(first) = waiting.blocking_recv() {
            let mut session = self.session.blocking_lock();
            group.push(first);
            while group.len() < TOGETHER
                && let Ok(next) = waiting.try_recv()
            {
                group.push(next);
            }
            self.is_crowded.store(group.len() > 1, Ordering::Relaxed);
            let begun = self.begin(&mut session);
            self.settle(&mut session, begun, &mut group);
        }
    }

    /// Begins a transaction, unless others are known to be in the place of the files: nothing is read from those for a
    /// change.
    fn begin(&self, session: &mut Session) -> Result<(), Error> {
        match self.volume.get() {
            Some(volume) if volume.is_replaced() => self.refuse(volume),
            _ => Ok(steer(session, BEGIN)?),
        }
    }

    fn refuse(&self, volume: &Volume) -> Result<(), Error> {
        let found = self.runtime.block_on(volume.still_ours());
        found.map_err(Error::Replaced)
    }

    /// Makes the changes in the transaction that was begun for them, and answers each.
    fn settle(
        &self,
        session: &mut Session,
        begun: Result<(), Error>,
        group: &mut Vec<Box<dyn Job>>,
    ) {
        let committed = begun.and_then(|()| commit(session, group));
        let fate = committed.and_then(|()| match self.volume.get() {
            Some(volume) if !volume.looks_ours() => {
                self.refuse(volume).inspect_err(|_| volume.disown())
            }
            _ => Ok(()),
        });
        for job in group.drain(..) {
            job.answer(fate.clone());
        }
    }
}

/// Makes the changes and brings those that are to be kept to the disk.
fn commit(session: &mut Session, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    let ended = match make(session, group) {
        Ok(true) => steer(session, "COMMIT").map_err(Error::from),
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if !connection(session).is_rolled_back() {
        // Nothing is to be kept, or the commit has failed, which leaves its transaction open.
        steer(session, "ROLLBACK")?;
    }
    ended
}

/// Makes the changes; answers whether any is to be kept.
fn make(session: &mut Session, group: &mut [Box<dyn Job>]) -> Result<bool, Error> {
    // Alone it needs no savepoint: it is undone with the transaction.
    if let [job] = group {
        return Ok(job.run(session));
    }
    let mut is_any_kept = false;
    for job in group {
        steer(session, "SAVEPOINT change")?;
        let is_kept = job.run(session);
        is_any_kept |= is_kept;
        if !is_kept {
            if connection(session).is_rolled_back() {
                // The others were undone with it.
                return Err(Error::of_code(connection(session).failed()));
            }
            steer(session, "ROLLBACK TO change")?;
        }
        steer(session, "RELEASE change")?;
    }
    Ok(is_any_kept)
}

fn steer(session: &mut Session, sql: &'static str) -> rusqlite::Result<()> {
    connection(session).steer(sql)
}

fn connection(session: &mut Session) -> &mut Connection {
    session.sqlite().expect("this is SQLite")
}
