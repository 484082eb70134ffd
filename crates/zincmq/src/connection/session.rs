//! A peer's connection as a whole: two pipe ends and, while it is connected,
//! a [`Wire`]. Whoever holds its lock drives it; whoever finds the lock taken
//! leaves word and goes, and the holder sees to it.

use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pipe::{Consumer, Producer};
use zmtp::{Claim, Config, Denial, Engine, Security, Verdict};

use super::standing::{Landed, Standing};
use super::wire::{Decoded, Filled, Wire};
use super::{Application, Ending, Link, LinkOptions, Port, Reply};
use crate::message::{Item, Message, PeerInfo};
use crate::monitor::{EventKind, Place};
use crate::peer::{Far, Peer, new_pipe};
use crate::reactor::{Driver, Interest, PollSet, Ready, Source, TimerKey, survives};
use crate::sync::Mutex;
use crate::transport::Accepted;

/// Sends in a row that the application writes itself before the reactor
/// takes over.
const DIRECT_SENDS: u32 = 2;
/// After this long without a send the application writes itself again.
const QUIET: Duration = Duration::from_micros(20);
/// Messages written since the reactor's last turn that make it expect more.
const STREAMING: u64 = 8;
/// So often a connection that panics while it ends is ended once more.
const PANICS: u32 = 4;
/// Reads or writes in a row before others get their turn.
const TURNS: u32 = 16;

/// From so many bytes on, a sealed payload is opened in its own memory.
const SEALED_DIRECT: usize = 4 * 1024;

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

/// What a session reports its losses to, if it was dialled.
pub(super) trait Redial: Send + Sync {
    /// The connection is gone; the pipes stay, and wait for another.
    /// `was_ready` tells whether its handshake had been completed.
    fn lost(&self, ending: &Ending, was_ready: bool);
    /// The session is over.
    fn over(&self);
}

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
    started: Instant,
    direct_sends: AtomicU32,
    last_direct: AtomicU64,
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
            started: Instant::now(),
            direct_sends: AtomicU32::new(0),
            last_direct: AtomicU64::new(0),
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

    /// Gives the socket its pipe ends before there is a connection, so that
    /// messages can be queued for it.
    pub(crate) fn attach_early(&self, endpoint: &str) {
        {
            let mut inner = self.inner.lock();
            if inner.ended {
                return;
            }
            let info = Arc::new(PeerInfo {
                remote: endpoint.to_owned(),
                ..PeerInfo::default()
            });
            self.attach(&mut inner, info);
        }
        // The socket may have been closed meanwhile, and found the lock taken.
        self.drive(WRITE, Driver::Application);
    }

    /// Starts to talk over a new connection.
    pub(super) fn connected(&self, accepted: Accepted, place: Place) {
        let engine = (!self.options.raw).then(|| {
            let mut config = Config::new(self.options.socket_type);
            config.routing_id = self.options.routing_id.to_vec();
            config.properties = self.options.properties.clone();
            config.security = self.options.security.clone();
            config.authenticate_null = self.options.authenticate_null;
            config.max_message_size = self.options.max_message_size;
            if matches!(
                config.security,
                Security::CurveClient(_) | Security::CurveServer(_)
            ) {
                config.direct_payload = SEALED_DIRECT;
            }
            config.handshake_timeout = self.options.handshake_timeout;
            config.heartbeat = self.options.heartbeat;
            Engine::new(config, Instant::now())
        });
        let mut wire = Wire::new(accepted.stream, engine, place, accepted.peer);
        wire.set_batches(self.options.in_batch, self.options.out_batch);
        let mut inner = self.inner.lock();
        if inner.ended {
            drop(inner);
            self.report(&wire, &Ending::HungUp, None);
            return;
        }
        let me: Arc<dyn Source> = match self.me.upgrade() {
            Some(me) => me,
            None => return,
        };
        let raw = self.options.raw;
        inner.wires += 1;
        let wire = inner.wire.insert(wire);
        match self.set.join(wire.stream().fd(), Interest::READ, me) {
            Ok(membership) => wire.joined(membership),
            Err(error) => {
                self.end_connection(&mut inner, Ending::System(error));
                drop(inner);
                // Who found the lock taken left word.
                self.drive(0, Driver::Reactor);
                return;
            }
        }
        if raw {
            self.handshake_done(&mut inner);
        }
        drop(inner);
        self.drive(READ | WRITE, Driver::Reactor);
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
            inner.closing = true;
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

    fn read(&self, inner: &mut Inner, by: Driver) -> Result<(), Ending> {
        let mut progress = false;
        let result = self.read_some(inner, by, &mut progress);
        if progress {
            self.direct_sends.store(0, Ordering::Relaxed);
        }
        if let Some(inn) = &mut inner.inn
            && inn.publish()
        {
            self.port.readable(self.key);
        }
        let full = result?;
        inner.full = full;
        if let Some(wire) = &mut inner.wire {
            // Only who finds the pipe still full turns the poller off: one
            // who has just filled it will find it empty before long.
            let Interest { read, write } = wire.interest();
            if read && full && !progress {
                wire.want(Interest { read: false, write })?;
            } else if !read && !full {
                wire.want(Interest { read: true, write })?;
            }
        }
        Ok(())
    }

    /// Reads and decodes for as long as there is something and it is this
    /// driver's turn. True if it ended at the pipe's high-water mark, or the
    /// peer waits to be let in and has said much meanwhile.
    fn read_some(
        &self,
        inner: &mut Inner,
        by: Driver,
        progress: &mut bool,
    ) -> Result<bool, Ending> {
        let mut turns = 0;
        loop {
            let Some(wire) = &mut inner.wire else {
                return Ok(false);
            };
            let before = wire.items();
            let decoded = wire.decode(inner.inn.as_mut(), Instant::now());
            if wire.items() > before
                && let Some(inn) = &mut inner.inn
            {
                *progress = true;
                if inn.publish() {
                    self.port.readable(self.key);
                }
            }
            match decoded? {
                Decoded::Ready => {
                    self.handshake_done(inner);
                    continue;
                }
                Decoded::Asks(claim) => {
                    self.ask(inner, claim);
                    continue;
                }
                Decoded::Full => return Ok(true),
                // Whether the peer hangs up meanwhile shows in reading only.
                Decoded::Paused if wire.is_crowded() => return Ok(true),
                Decoded::Paused | Decoded::NeedsInput => {}
            }
            if turns == TURNS || (*progress && by == Driver::Application) {
                return Ok(false);
            }
            turns += 1;
            if wire.fill()? == Filled::Nothing {
                return Ok(false);
            }
        }
    }

    fn write(&self, inner: &mut Inner) -> Result<(), Ending> {
        let mut turns = 0;
        loop {
            let Some(wire) = &mut inner.wire else {
                return Ok(());
            };
            if wire.is_broken() {
                return self.read_to_the_end(inner);
            }
            // What the protocol has to say goes first: our READY may wait there.
            wire.transmit();
            if wire.is_ready()
                && let Some(out) = &mut inner.out
            {
                inner.streamed += wire.encode_from(out, inner.napping);
                if out.release() {
                    self.port.writable(self.key);
                }
            }
            if !wire.has_unwritten() {
                break;
            }
            match wire.flush() {
                Ok(true) => {}
                Ok(false) => {
                    let read = wire.interest().read;
                    wire.want(Interest { read, write: true })?;
                    return Ok(());
                }
                Err(error) if wire.is_ready() => {
                    wire.break_off(error);
                    return self.read_to_the_end(inner);
                }
                Err(error) => return Err(error.into()),
            }
            turns += 1;
            if turns == TURNS {
                self.schedule();
                return Ok(());
            }
        }
        if let Some(wire) = &mut inner.wire
            && wire.interest().write
        {
            let read = wire.interest().read;
            wire.want(Interest { read, write: false })?;
        }
        if self.nothing_left(inner) {
            return Err(Ending::Drained);
        }
        Ok(())
    }

    /// Nothing more can be written. What the peer sent before is still wanted,
    /// unless the socket is closed; at its end the connection is over.
    fn read_to_the_end(&self, inner: &mut Inner) -> Result<(), Ending> {
        let Some(wire) = &mut inner.wire else {
            return Ok(());
        };
        if inner.closing {
            return Err(wire.take_break());
        }
        let read = wire.interest().read;
        wire.want(Interest { read, write: false })?;
        Ok(())
    }

    /// The reactor's turn: writes what gathered since the last one. While that
    /// is a stream it comes back after a nap, and senders need not wake
    /// anybody; else it goes to sleep.
    fn take_turn(&self, inner: &mut Inner) -> Result<(), Ending> {
        inner.napping = true;
        self.write(inner)?;
        let stream = inner.streamed >= STREAMING && !inner.closing;
        inner.streamed = 0;
        if stream && !self.scheduled.swap(true, Ordering::SeqCst) {
            if let Some(me) = self.me.upgrade() {
                self.set.reactor().nap(me);
            }
            return Ok(());
        }
        inner.napping = false;
        self.direct_sends.store(0, Ordering::Relaxed);
        self.write(inner)
    }

    /// Whether the socket has closed its end and all it sent has gone.
    fn nothing_left(&self, inner: &mut Inner) -> bool {
        match &mut inner.out {
            Some(out) => out.is_finished(),
            None => inner.closing,
        }
    }

    /// Has someone decide whether the peer may come in.
    fn ask(&self, inner: &Inner, claim: Claim) {
        let Some(wire) = &inner.wire else { return };
        self.asking.store(inner.wires, Ordering::SeqCst);
        let application = Application {
            address: wire.peer_address.clone(),
            claim,
            asked: Instant::now(),
        };
        self.standing.lock().asks(inner.wires, application.clone());
        self.have_judged(inner.wires, application);
    }

    fn have_judged(&self, connection: u64, application: Application) {
        let reply = Reply::admission(Weak::clone(&self.me), connection);
        self.options.gate.ask(application, reply);
    }

    /// Whether the peer of that connection still waits to be let in.
    pub(super) fn awaits(&self, connection: u64) -> bool {
        self.asking.load(Ordering::SeqCst) == connection
    }

    /// Takes the verdict on the peer of that connection.
    pub(super) fn judged(&self, connection: u64, verdict: Verdict) {
        if !self.awaits(connection) {
            return;
        }
        let landed = self.standing.lock().land(connection, verdict);
        match landed {
            Landed::Stands => {
                self.drive(VERDICT | WRITE, Driver::Application);
            }
            Landed::AskAgain(application) => self.have_judged(connection, application),
            Landed::Late => {}
        }
    }

    /// Whether the peer of that connection was let in and is there.
    pub(super) fn hosts(&self, connection: u64) -> bool {
        self.standing.lock().is_admitted(connection)
    }

    /// Takes the verdict on whether the peer of that connection may stay.
    pub(super) fn reviewed(&self, connection: u64, verdict: Verdict) {
        let reason = match verdict {
            Verdict::Accept(_) => return,
            Verdict::Deny { reason, .. } => reason,
            Verdict::Fail(fault) => fault.to_string(),
        };
        let revoked = self.standing.lock().revoke(connection, reason);
        if revoked {
            self.drive(REVOKE, Driver::Application);
        }
    }

    fn handshake_done(&self, inner: &mut Inner) {
        let notices = &self.options.notices;
        let Some(wire) = &mut inner.wire else { return };
        let info = wire.peer_info();
        if let Some(hello) = &notices.hello {
            wire.greet(hello.clone());
        }
        inner.info = Some(Arc::clone(&info));
        let place = wire.place.clone();
        let again = inner.connections > 0;
        inner.connections += 1;
        if inner.inn.is_none() {
            self.attach(inner, Arc::clone(&info));
        } else {
            self.port.connected(self.key, Arc::clone(&info), again);
        }
        self.notify(inner, notices.at_begin.iter());
        // Last: who hears of it may send at once.
        if !self.options.raw {
            self.port
                .event(&place, Some(&info), EventKind::HandshakeSucceeded);
        }
    }

    fn attach(&self, inner: &mut Inner, info: Arc<PeerInfo>) {
        let options = &self.options;
        let (tx, out) = new_pipe(options.conflate_out, options.send_hwm);
        let (inn, rx) = new_pipe(options.conflate_in, options.recv_hwm);
        inner.out = Some(out);
        inner.inn = Some(inn);
        let Some(me) = self.me.upgrade() else { return };
        let assigned = self.assigned_id.clone();
        self.port
            .attach(Peer::new(self.key, tx, rx, me, info, assigned));
    }

    /// Has the socket receive messages as if the peer had sent them.
    fn notify<'a>(&self, inner: &mut Inner, messages: impl Iterator<Item = &'a Message>) {
        let Some(inn) = &mut inner.inn else { return };
        for message in messages {
            // Whatever the high-water mark; if the socket is closed, nobody
            // is to be told.
            let _ = inn.push_over(Item::Data(message.unshared().into()));
        }
        if inn.publish() {
            self.port.readable(self.key);
        }
    }

    /// The connection is gone, for better or worse.
    fn end_connection(&self, inner: &mut Inner, ending: Ending) {
        let mut lost = 0;
        let mut was_ready = false;
        // Who sends over the next connection has to wake us again.
        inner.napping = false;
        inner.full = false;
        self.asking.store(0, Ordering::SeqCst);
        *self.standing.lock() = Standing::default();
        if let Some(mut wire) = inner.wire.take() {
            // An ERROR for the peer may be waiting. After a panic nobody knows
            // what is.
            if !matches!(ending, Ending::Panicked) {
                wire.transmit();
                let _ = wire.flush();
            }
            lost = wire.unfinished();
            was_ready = wire.is_ready();
            self.report(&wire, &ending, inner.info.as_ref());
        }
        if let Some(timer) = inner.timer.take() {
            self.set.reactor().cancel_timer(timer);
        }
        if lost > 0 {
            self.port.lost(lost);
        }
        if was_ready {
            self.notify(inner, self.options.notices.at_end.iter());
        }
        let dialled = self.redial.get().and_then(Weak::upgrade);
        let over = inner.closing
            && (matches!(ending, Ending::HungUp | Ending::Panicked) || self.nothing_left(inner))
            || matches!(ending, Ending::Drained | Ending::HungUp);
        match dialled {
            Some(redial) if !over => {
                if self.options.detach_on_loss || self.options.raw {
                    self.detach(inner);
                }
                redial.lost(&ending, was_ready);
            }
            _ => self.end(inner),
        }
    }

    /// Ends the session's own part of the pipes.
    fn detach(&self, inner: &mut Inner) {
        let attached = inner.inn.is_some();
        if let Some(mut inn) = inner.inn.take() {
            let _ = inn.close();
        }
        if let Some(mut out) = inner.out.take()
            && out.close()
        {
            self.port.writable(self.key);
        }
        if attached {
            self.port.ended(self.key);
        }
    }

    /// Ends the session for good.
    fn end(&self, inner: &mut Inner) {
        if std::mem::replace(&mut inner.ended, true) {
            return;
        }
        let left = inner.out.as_ref().map_or(0, |out| out.len() as u64);
        // Drops what is left, of which any may panic: the socket waits for what
        // comes after it all the same.
        if !survives(|| self.detach(inner)) {
            survives(|| self.port.ended(self.key));
        }
        inner.info = None;
        if left > 0 {
            self.port.lost(left);
        }
        // The socket may be done with the link, and its monitors with that.
        if let Some(redial) = self.redial.get().and_then(Weak::upgrade) {
            survives(|| redial.over());
        }
        self.port.link_ended(self.key);
    }

    fn report(&self, wire: &Wire, ending: &Ending, info: Option<&Arc<PeerInfo>>) {
        let deliberate = ending.is_deliberate();
        let revoked = matches!(ending, Ending::Revoked(_));
        if !wire.is_ready() && (!deliberate || revoked) {
            let error = match ending {
                Ending::Protocol(error) => Some(error),
                _ => None,
            };
            let status = match revoked {
                true => Some(Denial::Refused.code()),
                false => error.and_then(zmtp::Error::auth_status),
            };
            self.port.event(
                &wire.place,
                info,
                EventKind::HandshakeFailed {
                    code: error.and_then(zmtp::Error::code),
                    status,
                    errno: ending.errno(),
                    reason: ending.to_string(),
                },
            );
        }
        self.port.event(
            &wire.place,
            info,
            EventKind::Disconnected {
                fd: wire.stream().fd().as_raw_fd(),
                deliberate,
                reason: ending.to_string(),
            },
        );
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

    fn schedule(&self) {
        if self.scheduled.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(me) = self.me.upgrade() {
            self.set.reactor().schedule(me);
        }
    }

    fn now(&self) -> u64 {
        // 584 years of nanoseconds fit.
        self.started.elapsed().as_nanos() as u64
    }
}

impl Far for Session {
    fn data(&self) {
        let sends = self.direct_sends.fetch_add(1, Ordering::Relaxed) + 1;
        if sends > DIRECT_SENDS {
            let now = self.now();
            let last = self.last_direct.load(Ordering::Relaxed);
            self.last_direct.store(now, Ordering::Relaxed);
            if u128::from(now.saturating_sub(last)) < QUIET.as_nanos() {
                self.schedule();
                return;
            }
            self.direct_sends.store(1, Ordering::Relaxed);
        } else if sends == DIRECT_SENDS {
            self.last_direct.store(self.now(), Ordering::Relaxed);
        }
        self.drive(WRITE, Driver::Application);
    }

    fn batch(&self) {
        self.drive(WRITE, Driver::Application);
    }

    fn room(&self) {
        self.drive(READ, Driver::Application);
    }

    fn hang_up(&self) {
        self.drive(ABORT, Driver::Application);
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
        if by == Driver::Reactor {
            self.set.found(found_idle);
        }
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
        if let Some((connection, application)) = admitted {
            let reply = Reply::review(Weak::clone(&self.me), connection);
            self.options.gate.ask(application, reply);
        }
    }

    fn outdate(&self) {
        self.standing.lock().outdate();
    }

    fn set_recv_hwm(&self, high_water_mark: usize) {
        if let Some(inn) = &mut self.inner.lock().inn {
            inn.set_high_water_mark(high_water_mark);
        }
        self.drive(READ, Driver::Application);
    }
}
