//! A peer's connection as a whole: two pipe ends and, while it is connected,
//! a [`Wire`]. Whoever holds its lock drives it; whoever finds the lock taken
//! leaves word and goes, and the holder sees to it.

mod admission;
mod ending;
mod opening;
mod reading;
mod standing;
mod writing;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use bytes::Bytes;
use pipe::{Consumer, Producer};

use self::standing::Standing;
use super::wire::Wire;
use super::{Ending, Link, LinkOptions, Port, Reply};
use crate::message::{Item, PeerInfo};
use crate::reactor::{Driver, PollSet, Ready, Source, TimerKey, survives};
use crate::sync::Mutex;

pub(super) use self::ending::Redial;

/// So often a connection that panics while it ends is ended once more.
const PANICS: u32 = 4;
/// Reads or writes in a row before others get their turn.
const TURNS: u32 = 16;

const READ: u32 = 1;
const WRITE: u32 = 2;
const TIMER: u32 = 4;
const CLOSE: u32 = 8;
const ABORT: u32 = 16;
const PANIC: u32 = 32;
/// The reactor's turn, which it was scheduled for.
const TURN: u32 = 64;
/// Someone has said whether the peer may come in.
const VERDICT: u32 = 128;
/// Someone has said that the peer may not stay.
const REVOKE: u32 = 256;

pub(crate) struct Session {
    me: Weak<Self>,
    key: u64,
    origin: u64,
    options: Arc<LinkOptions>,
    port: Arc<dyn Port>,
    set: Arc<PollSet>,
    redial: OnceLock<Weak<dyn Redial>>,
    assigned_id: Option<Bytes>,
    pending: AtomicU32,
    standing: Mutex<Standing>,
    /// The connection whose peer waits for one; 0 for none.
    asking: AtomicU64,
    inner: Mutex<Inner>,
    scheduled: AtomicBool,
    direct_sends: AtomicU32,
}

#[derive(Default)]
struct Inner {
    out: Option<Consumer<Item>>,
    inn: Option<Producer<Item>>,
    wire: Option<Wire>,
    timer: Option<TimerKey>,
    /// Streams there have been.
    wires: u64,
    /// Handshakes completed.
    connections: u32,
    closing: bool,
    ended: bool,
    /// The reactor comes back before long, so nobody needs to be woken for
    /// what is queued meanwhile.
    napping: bool,
    /// Items written since the reactor's last turn.
    streamed: u64,
    /// Reading ended at the pipe's high-water mark.
    full: bool,
    info: Option<Arc<PeerInfo>>,
}

impl Session {
    pub(crate) fn new(
        key: u64,
        origin: u64,
        options: Arc<LinkOptions>,
        port: Arc<dyn Port>,
        set: Arc<PollSet>,
        assigned_id: Option<Bytes>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            key,
            origin,
            options,
            port,
            set,
            redial: OnceLock::new(),
            assigned_id,
            pending: AtomicU32::new(0),
            standing: Mutex::default(),
            asking: AtomicU64::new(0),
            inner: Mutex::default(),
            scheduled: AtomicBool::new(false),
            direct_sends: AtomicU32::new(0),
        })
    }

    /// Tells the socket of it.
    pub(crate) fn announce(self: &Arc<Self>) {
        let link: Arc<dyn Link> = Arc::clone(self) as Arc<dyn Link>;
        self.port.link_started(self.key, self.origin, link);
    }

    pub(super) fn redial_with(&self, redial: Weak<dyn Redial>) {
        let _ = self.redial.set(redial);
    }

    /// False if somebody else holds the lock, who will see to it.
    fn drive(&self, work: u32, by: Driver) -> bool {
        self.pending.fetch_or(work, Ordering::SeqCst);
        let mut panics = 0;
        loop {
            let Some(mut inner) = self.inner.try_lock() else {
                return false;
            };
            let work = self.pending.swap(0, Ordering::SeqCst);
            // Here, whoever drives: a panic is this connection's end, and nobody's
            // call fails. One on the way there leaves less to do.
            if work != 0 && !survives(|| self.work(&mut inner, work, by)) {
                panics += 1;
                if panics <= PANICS {
                    self.pending.fetch_or(PANIC, Ordering::SeqCst);
                }
            }
            drop(inner);
            if self.pending.load(Ordering::SeqCst) == 0 {
                return true;
            }
        }
    }

    fn work(&self, inner: &mut Inner, work: u32, by: Driver) {
        if inner.ended {
            return;
        }
        if let Err(ending) = self.try_work(inner, work, by) {
            self.end_connection(inner, ending);
        } else if inner.closing && inner.wire.is_none() && self.nothing_left(inner) {
            self.end(inner);
        }
    }

    fn try_work(&self, inner: &mut Inner, work: u32, by: Driver) -> Result<(), Ending> {
        if work & TURN != 0 {
            // Whatever becomes of it, the turn is used up.
            self.scheduled.store(false, Ordering::SeqCst);
        }
        if work & PANIC != 0 {
            return Err(Ending::Panicked);
        }
        if work & ABORT != 0 {
            inner.closing = true;
            if inner.wire.is_some() {
                // What the system takes at once still goes.
                let _ = self.write(inner);
            }
            return Err(Ending::HungUp);
        }
        if work & CLOSE != 0 {
            inner.closing = true;
            inner.napping = false;
        }
        if work & TURN != 0 && inner.wire.is_none() {
            inner.napping = false;
        }
        if inner.wire.is_none() {
            return Ok(());
        }
        if work & REVOKE != 0
            && let Some(reason) = self.standing.lock().take_revoked(inner.wires)
        {
            return Err(Ending::Revoked(reason));
        }
        if work & VERDICT != 0
            && let Some(verdict) = self.standing.lock().take_verdict(inner.wires)
            && let Some(engine) = inner.wire.as_mut().and_then(Wire::engine)
        {
            self.asking.store(0, Ordering::SeqCst);
            engine.verdict(verdict);
        }
        if work & (READ | TIMER | VERDICT) != 0 {
            // Before the clock is asked: what came while this process was
            // held up came in time.
            self.read(inner, by)?;
        }
        if work & TIMER != 0 {
            inner.timer = None;
            if let Some(engine) = inner.wire.as_mut().and_then(Wire::engine) {
                let now = Instant::now();
                if inner.full {
                    // It is not the peer who is silent: nobody listens.
                    engine.note_traffic(now);
                }
                engine.handle_timeout(now)?;
            }
        }
        if work & TURN != 0 {
            self.take_turn(inner)?;
        } else {
            self.write(inner)?;
        }
        if let Some(wire) = &mut inner.wire {
            wire.rest();
        }
        self.set_timer(inner);
        Ok(())
    }

    fn set_timer(&self, inner: &mut Inner) {
        let Some(wire) = &inner.wire else { return };
        match (inner.timer, wire.next_timeout()) {
            (None, None) => {}
            // Going off early costs less than moving it with every message.
            (Some(timer), Some(next)) if timer.at() <= next && wire.is_ready() => {}
            (Some(timer), Some(next)) if timer.at() == next => {}
            (old, next) => {
                if let Some(old) = old {
                    self.set.reactor().cancel_timer(old);
                }
                inner.timer = None;
                if let Some(next) = next
                    && let Some(me) = self.me.upgrade()
                {
                    inner.timer = Some(self.set.reactor().set_timer(next, me));
                }
            }
        }
    }
}

impl Source for Session {
    fn ready(&self, ready: Ready, by: Driver) {
        let mut work = 0;
        if ready.read {
            work |= READ;
        }
        if ready.write {
            work |= WRITE;
        }
        let found_idle = self.drive(work, by);
        self.set.found(found_idle, by);
    }

    fn timeout(&self) {
        self.drive(TIMER, Driver::Reactor);
    }

    fn run(&self) {
        self.drive(TURN, Driver::Reactor);
    }

    fn panicked(&self) {
        self.drive(PANIC, Driver::Reactor);
    }
}

impl Link for Session {
    fn close(&self) {
        self.drive(CLOSE | WRITE, Driver::Application);
    }

    fn abort(&self) {
        self.drive(ABORT, Driver::Application);
    }

    fn review(&self) {
        let admitted = self.standing.lock().review();
        if let Some((connection, number, application)) = admitted {
            let reply = Reply::review(Weak::clone(&self.me), connection, number);
            self.options.gate.ask(application, reply);
        }
    }

    fn outdate(&self) {
        self.standing.lock().replace_judge();
    }

    fn set_recv_hwm(&self, high_water_mark: usize) {
        if let Some(inn) = &mut self.inner.lock().inn {
            inn.set_high_water_mark(high_water_mark);
        }
        self.drive(READ, Driver::Application);
    }
}
