//! Connects, and connects again: names looked up anew each time, delays that
//! double, and some jitter so that a crowd does not come back at once.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::attempt::Attempt;
use super::backoff::Delay;
use super::session::{Redial, Session};
use super::{Ending, Link, LinkOptions, Port};
use crate::monitor::{EventKind, Place};
use crate::reactor::{Driver, Handle, Interest, Ready, Source, TimerKey, confine};
use crate::sync::Mutex;
use crate::transport::{self, Accepted, Dialing, Endpoint, Target, Undialled};

/// Why a connect under way is broken off.
const GIVEN_UP: &str = "the endpoint was given up";

/// Runs a job that may block, such as a name look-up, off the reactor.
pub(crate) trait Resolve: Send + Sync {
    fn run(&self, job: Box<dyn FnOnce() + Send>) -> io::Result<()>;
}

pub(crate) struct Dialer {
    me: Weak<Self>,
    session: Arc<Session>,
    endpoint: Endpoint,
    place: Place,
    options: Arc<LinkOptions>,
    port: Arc<dyn Port>,
    reactor: Handle,
    resolver: Arc<dyn Resolve>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    targets: VecDeque<Target>,
    timer: Option<TimerKey>,
    delay: Delay,
    /// Nobody listened at the address tried last.
    refused: bool,
    stopped: bool,
}

#[derive(Default)]
enum Phase {
    #[default]
    Idle,
    Resolving,
    Dialing(Attempt),
    Waiting,
    Connected,
}

impl Dialer {
    pub(crate) fn new(
        session: Arc<Session>,
        endpoint: Endpoint,
        options: Arc<LinkOptions>,
        port: Arc<dyn Port>,
        reactor: Handle,
        resolver: Arc<dyn Resolve>,
    ) -> Arc<Self> {
        let place = Place::connected(&endpoint.to_string());
        let dialer = Arc::new_cyclic(|me: &Weak<Self>| Self {
            me: Weak::clone(me),
            session,
            endpoint,
            place,
            options,
            port,
            reactor,
            resolver,
            state: Mutex::default(),
        });
        let redial: Weak<dyn Redial> = Weak::clone(&dialer.me) as Weak<dyn Redial>;
        dialer.session.redial_with(redial);
        dialer
    }

    /// Makes the first attempt soon, on the reactor's thread.
    pub(crate) fn start(&self) {
        if let Some(me) = self.me.upgrade() {
            self.reactor.schedule(me);
        }
    }

    /// Sends what is queued, then ends; stops connecting once that is done.
    pub(crate) fn close(&self) {
        if self.options.reconnect_stop.disconnect
            && !matches!(self.state.lock().phase, Phase::Connected)
        {
            self.session.abort();
        } else {
            self.session.close();
        }
    }

    fn stop(&self) {
        let old = {
            let mut state = self.state.lock();
            state.stopped = true;
            self.cancel_timer(&mut state);
            std::mem::take(&mut state.phase)
        };
        self.give_up(old, GIVEN_UP);
    }

    /// Breaks off what is under way in that phase.
    fn give_up(&self, phase: Phase, reason: &str) {
        if let Phase::Dialing(attempt) = phase {
            self.close_dialing(attempt.unwatched(), reason);
        }
    }

    fn close_dialing(&self, dialing: Dialing, reason: &str) {
        let fd = dialing.as_fd().as_raw_fd();
        drop(dialing);
        self.closed(fd, reason);
    }

    fn closed(&self, fd: RawFd, reason: &str) {
        let reason = reason.to_owned();
        self.port
            .event(&self.place, None, EventKind::Closed { fd, reason });
    }

    fn cancel_timer(&self, state: &mut State) {
        if let Some(timer) = state.timer.take() {
            self.reactor.cancel_timer(timer);
        }
    }

    fn attempt(&self) {
        if !transport::needs_resolver(&self.endpoint, &self.options.transport) {
            let targets = transport::resolve(&self.endpoint, &self.options.transport);
            self.resolved(targets.map_err(|error| error.to_string()));
            return;
        }
        {
            let mut state = self.state.lock();
            if state.stopped {
                return;
            }
            state.phase = Phase::Resolving;
        }
        let me = Weak::clone(&self.me);
        let endpoint = self.endpoint.clone();
        let options = self.options.transport.clone();
        let job = Box::new(move || {
            let targets = transport::resolve(&endpoint, &options);
            if let Some(me) = me.upgrade() {
                let targets = targets.map_err(|error| error.to_string());
                confine(&*me, |_| me.resolved(targets));
            }
        });
        if let Err(error) = self.resolver.run(job) {
            self.retry(&error.to_string());
        }
    }

    fn resolved(&self, targets: Result<Vec<Target>, String>) {
        match targets {
            Ok(targets) => {
                self.state.lock().targets = targets.into();
                self.dial_next("the name has no address");
            }
            Err(reason) => self.retry(&reason),
        }
    }

    /// Tries the next address; `reason` is why the last one failed.
    fn dial_next(&self, reason: &str) {
        let mut reason = reason.to_owned();
        loop {
            let target = {
                let mut state = self.state.lock();
                if state.stopped {
                    return;
                }
                state.targets.pop_front()
            };
            let Some(target) = target else { break };
            let error = match transport::dial(&target, &self.options.transport) {
                Ok(dialing) => {
                    let fd = dialing.as_fd().as_raw_fd();
                    let under_way = dialing.is_under_way();
                    self.begin(dialing);
                    if under_way {
                        // Before the outcome can be: this may not be the
                        // reactor's thread.
                        self.port
                            .event(&self.place, None, EventKind::ConnectDelayed);
                    }
                    match self.await_outcome() {
                        Ok(()) => return,
                        Err(error) => {
                            self.closed(fd, &error.to_string());
                            error
                        }
                    }
                }
                Err(Undialled { error, fd }) => {
                    if let Some(fd) = fd {
                        self.closed(fd, &error.to_string());
                    }
                    error
                }
            };
            self.state.lock().refused = error.kind() == io::ErrorKind::ConnectionRefused;
            reason = error.to_string();
        }
        if self.options.reconnect_stop.refused && self.state.lock().refused {
            self.session.abort();
            return;
        }
        self.retry(&reason);
    }

    /// Whoever stops the dialer from here on ends the connect as well.
    fn begin(&self, dialing: Dialing) {
        let mut state = self.state.lock();
        if state.stopped {
            drop(state);
            return self.close_dialing(dialing, GIVEN_UP);
        }
        let limit = self.options.connect_timeout;
        let give_up = limit.map(|limit| Instant::now() + limit);
        state.phase = Phase::Dialing(Attempt {
            dialing,
            watch: None,
            give_up,
            with_proxy: false,
        });
    }

    fn await_outcome(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let Phase::Dialing(attempt) = &mut state.phase else {
            return Ok(());
        };
        let Some(me) = self.me.upgrade() else {
            return Ok(());
        };
        match self
            .reactor
            .watch(attempt.dialing.as_fd(), Interest::WRITE, me)
        {
            Ok(watch) => attempt.watch = Some(watch),
            Err(error) => {
                state.phase = Phase::default();
                return Err(error);
            }
        }
        if let Some(give_up) = attempt.give_up {
            self.set_timer(&mut state, give_up);
        }
        Ok(())
    }

    /// Goes on with the connect under way. Its descriptor and how it ended,
    /// once it has.
    fn advance(&self) -> Option<(RawFd, io::Result<Accepted>)> {
        let mut state = self.state.lock();
        let Phase::Dialing(attempt) = &mut state.phase else {
            return None;
        };
        let done = attempt.advance();
        if matches!(done, Ok(false)) {
            if !std::mem::replace(&mut attempt.with_proxy, true) {
                let give_up = attempt.give_up;
                self.limit_proxy(&mut state, give_up);
            }
            return None;
        }
        self.cancel_timer(&mut state);
        let Phase::Dialing(attempt) = std::mem::replace(&mut state.phase, Phase::Connected) else {
            return None;
        };
        drop(state);
        let dialing = attempt.unwatched();
        let fd = dialing.as_fd().as_raw_fd();
        Some((fd, done.and_then(|_| dialing.finish())))
    }

    /// What is said to a proxy is part of the connect, and a handshake.
    fn limit_proxy(&self, state: &mut State, give_up: Option<Instant>) {
        let handshake = self.options.handshake_timeout;
        let end = handshake.map(|limit| Instant::now() + limit);
        if let Some(end) = give_up.into_iter().chain(end).min() {
            self.set_timer(state, end);
        }
    }

    /// A connect on the descriptor `fd` has ended.
    fn dialled(&self, fd: RawFd, result: io::Result<Accepted>) {
        match result {
            Ok(accepted) => {
                let place = self
                    .place
                    .with_ends(&accepted.local_endpoint, &accepted.peer_endpoint);
                let peer = accepted.distinct_peer().to_owned();
                self.port
                    .event(&place, None, EventKind::Connected { peer, fd });
                self.session.connected(accepted, place);
            }
            Err(error) => {
                self.closed(fd, &error.to_string());
                self.state.lock().refused = error.kind() == io::ErrorKind::ConnectionRefused;
                self.dial_next(&error.to_string());
            }
        }
    }

    /// Tries again later, or never.
    fn retry(&self, reason: &str) {
        let (old, delay) = {
            let mut state = self.state.lock();
            if state.stopped {
                return;
            }
            // Nothing is under way, unless a panic has led here.
            let old = std::mem::replace(&mut state.phase, Phase::Waiting);
            let Some(backoff) = self.options.reconnect else {
                drop(state);
                self.session.abort();
                return;
            };
            let delay = state.delay.next(backoff);
            self.set_timer(&mut state, Instant::now() + delay);
            (old, delay)
        };
        self.give_up(old, reason);
        self.port.event(
            &self.place,
            None,
            EventKind::ConnectRetried {
                after: delay,
                reason: reason.to_owned(),
            },
        );
    }

    fn set_timer(&self, state: &mut State, at: Instant) {
        self.cancel_timer(state);
        if let Some(me) = self.me.upgrade() {
            state.timer = Some(self.reactor.set_timer(at, me));
        }
    }
}

impl Source for Dialer {
    fn run(&self) {
        self.attempt();
    }

    fn ready(&self, _: Ready, _: Driver) {
        if let Some((fd, result)) = self.advance() {
            self.dialled(fd, result);
        }
    }

    fn timeout(&self) {
        let old = {
            let mut state = self.state.lock();
            state.timer = None;
            if state.stopped {
                return;
            }
            std::mem::take(&mut state.phase)
        };
        match old {
            Phase::Waiting => self.attempt(),
            Phase::Dialing(attempt) => {
                let dialing = attempt.unwatched();
                let error = dialing.timed_out();
                let fd = dialing.as_fd().as_raw_fd();
                drop(dialing);
                self.dialled(fd, Err(error));
            }
            other => self.state.lock().phase = other,
        }
    }

    fn panicked(&self) {
        self.session.panicked();
    }
}

impl Redial for Dialer {
    fn lost(&self, ending: &Ending, was_ready: bool) {
        if matches!(ending, Ending::Panicked) {
            // Not the peer's fault, and it may happen again: each time later.
        } else if was_ready {
            self.state.lock().delay.reset();
        } else if self.options.reconnect_stop.handshake || ending.is_final() {
            self.session.abort();
            return;
        }
        self.retry(&ending.to_string());
    }

    fn over(&self) {
        self.stop();
    }
}
