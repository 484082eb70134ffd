//! A context: what its sockets share.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::SocketType;
use crate::builder::Builder;
use crate::connection::{Resolve, Stock};
use crate::error::{SocketError, TermError};
use crate::options::context::ContextOptions;
use crate::options::{OptionError, OptionValue, SocketOptions};
use crate::reactor::{
    Handle, Reactor, Signals, Threads, Waiting, Woken, deaf, fork_generation, watch_forks,
};
use crate::security::{Authenticator, Reviewed, Reviewer};
use crate::socket::{Admission, Core, Inproc, Socket};
use crate::sync::Mutex;
use crate::typed::TypedSocket;

/// How long dropping the last handle of a context waits for closed sockets
/// that linger, at most. [`Context::term`] waits for ever.
const PATIENCE_OF_DROP: Duration = Duration::from_secs(30);

/// What a group of sockets shares: the threads that do their I/O, and the
/// names of the inproc transport. One is enough for most programs.
///
/// Threads are started when a socket first uses a transport other than inproc.
/// Cloning gives another handle to the same context. Dropping the last handle
/// waits until what closed sockets have queued is sent or their linger time is
/// over, for at most 30 seconds; [`Context::term`] waits longer. In a process
/// made by `fork` every operation answers with an error; a new context works.
///
/// ```
/// let ctx = zincmq::Context::new();
/// let socket = ctx.socket(zincmq::SocketType::Pair)?;
/// socket.bind("inproc://example")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Context {
    handle: Arc<LastHandle>,
}

struct LastHandle(Arc<Shared>);

/// What the sockets of a context hold of it.
pub(crate) struct Shared {
    options: Mutex<ContextOptions>,
    reactors: Mutex<Vec<Reactor>>,
    inproc: Inproc,
    admission: Admission,
    stock: Arc<Stock>,
    sockets: Mutex<HashMap<u64, Arc<Core>>>,
    /// For who waits until there are none.
    socket_gone: Waiting,
    next_id: AtomicU64,
    terminated: AtomicBool,
    born: u32,
}

impl Context {
    /// A context with the usual options: one I/O thread, 1023 sockets.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(ContextOptions::default())
    }

    /// A context with options of its own.
    ///
    /// ```
    /// use zincmq::{Context, ContextOptions};
    ///
    /// let ctx = Context::with_options(ContextOptions::default().io_threads(2).ipv6(true));
    /// ```
    #[must_use]
    pub fn with_options(options: ContextOptions) -> Self {
        watch_forks();
        Self {
            handle: Arc::new(LastHandle(Arc::new(Shared {
                options: Mutex::new(options),
                reactors: Mutex::default(),
                inproc: Inproc::default(),
                admission: Admission::default(),
                stock: Stock::new(),
                sockets: Mutex::default(),
                socket_gone: Waiting::default(),
                next_id: AtomicU64::new(1),
                terminated: AtomicBool::new(false),
                born: fork_generation(),
            }))),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.0
    }

    /// A new socket of the type chosen at run time. [`push`](crate::push) and
    /// its like make sockets that have only the operations of their type.
    ///
    /// # Errors
    ///
    /// [`SocketError`]: as many sockets as the context may have, a type that
    /// is not built in, or the context is terminated.
    pub fn socket(&self, socket_type: SocketType) -> Result<Socket, SocketError> {
        let defaults = self.shared().socket_defaults(socket_type);
        self.socket_with(socket_type, defaults)
    }

    /// A new socket of the type `S`: `ctx.build::<Push>()?`.
    ///
    /// # Errors
    ///
    /// As [`Context::socket`].
    pub fn build<S: TypedSocket>(&self) -> Result<S, SocketError> {
        self.socket(S::TYPE).map(S::wrap)
    }

    /// A builder for a socket of the type chosen at run time, which sets its
    /// options first.
    pub fn builder(&self, socket_type: SocketType) -> Builder<Socket> {
        Builder::new(self, socket_type)
    }

    pub(crate) fn socket_with(
        &self,
        socket_type: SocketType,
        options: SocketOptions,
    ) -> Result<Socket, SocketError> {
        Shared::socket(self.shared(), socket_type, options)
    }

    /// Has `authenticator` decide which clients the context's sockets let in,
    /// from now on. It is asked about every client of a server that PLAIN or
    /// CURVE protects, and with the option ZAP_DOMAIN about every other peer.
    /// Without one, none of these is let in.
    ///
    /// The context keeps it. One that has a clone of this context in itself keeps the
    /// context, too, with its threads, until [`Context::term`] or
    /// [`remove_authenticator`](Self::remove_authenticator): to have peers reviewed from
    /// within, use the [`Reviewer`] that [`Authenticator::installed`] is given.
    ///
    /// ```
    /// use zincmq::Context;
    /// use zincmq::security::{AuthRequest, Credentials, Denial, Password, Verdict};
    ///
    /// let ctx = Context::new();
    /// let secret = Password::from("open sesame");
    /// ctx.set_authenticator(move |request: &AuthRequest| match request.credentials() {
    ///     Credentials::Plain { username: b"ali", password } if secret.matches(password) => {
    ///         Verdict::accept("ali")
    ///     }
    ///     _ => Verdict::deny(Denial::Refused, "no such user, or another password"),
    /// });
    /// ```
    pub fn set_authenticator(&self, authenticator: impl Authenticator + 'static) {
        let authenticator: Arc<dyn Authenticator> = Arc::new(authenticator);
        let reviewed = Arc::downgrade(self.shared()) as Weak<dyn Reviewed>;
        authenticator.installed(&Reviewer::new(reviewed));
        self.shared().set_authenticator(Some(authenticator));
    }

    /// Has everybody who was let in judged again by who is asked now: the
    /// authenticator ([`Authenticator::review`]), or else the handler of ZAP.
    /// Who is not accepted is disconnected, and its next attempt to connect
    /// judged as any other; what came from it before can still be received. A
    /// monitor is told so ([`EventKind::Disconnected`]). Does not wait.
    ///
    /// Who is accepted stays as what it was let in as, whatever user id and metadata it
    /// would be given now. Peers that nobody was asked about stay. The authenticators of
    /// [`security`](crate::security) call it by themselves.
    ///
    /// ```
    /// use std::net::IpAddr;
    /// use std::sync::{Arc, Mutex};
    /// use zincmq::Context;
    /// use zincmq::security::{AuthRequest, Denial, Verdict};
    ///
    /// let banned: Arc<Mutex<Vec<IpAddr>>> = Arc::default();
    /// let ctx = Context::new();
    /// let list = Arc::clone(&banned);
    /// ctx.set_authenticator(move |request: &AuthRequest| {
    ///     let list = list.lock().expect("no holder panics");
    ///     match request.ip() {
    ///         Some(ip) if !list.contains(&ip) => Verdict::accept(""),
    ///         _ => Verdict::deny(Denial::Refused, "banned, or not over tcp"),
    ///     }
    /// });
    /// banned.lock().expect("no holder panics").push("192.0.2.7".parse()?);
    /// ctx.review_peers();
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    ///
    /// [`EventKind::Disconnected`]: crate::monitor::EventKind::Disconnected
    pub fn review_peers(&self) {
        self.shared().review_peers();
    }

    /// Takes the authenticator away: who would have to ask is not let in.
    pub fn remove_authenticator(&self) {
        self.shared().set_authenticator(None);
    }

    /// Sets the option called `name`, as in `zmq.h` without `ZMQ_`, to the
    /// value that `text` describes (zmq_ctx_set(3)). What concerns sockets
    /// holds for those made afterwards, what concerns I/O threads for threads
    /// that are not started yet.
    ///
    /// # Errors
    ///
    /// [`OptionError`] names the option, the value and what would be taken.
    pub fn set_by_name(&self, name: &str, text: &str) -> Result<(), OptionError> {
        self.shared().options.lock().set_by_name(name, text)
    }

    /// Sets the option with libzmq's `number`.
    ///
    /// # Errors
    ///
    /// As [`Context::set_by_name`].
    pub fn set_by_number(&self, number: i32, value: &OptionValue) -> Result<(), OptionError> {
        self.shared().options.lock().set(number, value)
    }

    /// Reads the option called `name`, as in `zmq.h` without `ZMQ_`.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for a name there is not, or an option that can only be
    /// set.
    pub fn option_by_name(&self, name: &str) -> Result<OptionValue, OptionError> {
        self.shared().options.lock().value_by_name(name)
    }

    /// Reads the option with libzmq's `number`.
    ///
    /// # Errors
    ///
    /// As [`Context::option_by_name`].
    pub fn option_by_number(&self, number: i32) -> Result<OptionValue, OptionError> {
        self.shared().options.lock().value(number)
    }

    /// Makes every call on the context's sockets fail with `Terminated` from
    /// now on, those that wait included. Does not wait (zmq_ctx_shutdown(3)).
    pub fn shutdown(&self) {
        self.shared().shutdown();
    }

    /// Shuts down, then waits until every socket is closed by its owner and
    /// has sent what its linger time allows (zmq_ctx_term(3)). The authenticator is
    /// let go in the end.
    ///
    /// # Errors
    ///
    /// [`TermError::Forked`] in a process that inherited the context.
    pub fn term(&self) -> Result<(), TermError> {
        self.shared().term(None, Signals::PassUnseen)
    }

    /// As [`Context::term`], for `limit` at most.
    ///
    /// # Errors
    ///
    /// [`TermError::TimedOut`] tells how many sockets were left.
    pub fn term_timeout(&self, limit: Duration) -> Result<(), TermError> {
        self.shared()
            .term(Instant::now().checked_add(limit), Signals::PassUnseen)
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("sockets", &self.shared().sockets.lock().len())
            .finish_non_exhaustive()
    }
}

impl Drop for LastHandle {
    fn drop(&mut self) {
        if self.0.is_foreign() {
            return;
        }
        // What is asked about peers keeps the context, and nobody else might.
        self.0.admission.end();
        self.0.await_lingering(Instant::now() + PATIENCE_OF_DROP);
    }
}

impl Shared {
    pub(crate) fn inproc(&self) -> &Inproc {
        &self.inproc
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Memory that its connections keep.
    pub(crate) fn stock(&self) -> &Arc<Stock> {
        &self.stock
    }

    /// A thread of this library's name and so much more.
    pub(crate) fn start_thread(&self, name: &str, job: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        let name = format!("{}/{name}", self.threads().name);
        deaf(|| std::thread::Builder::new().name(name).spawn(job)).map(drop)
    }

    fn threads(&self) -> Threads {
        let options = self.options.lock();
        Threads {
            name: match options.thread_name_prefix.as_str() {
                "" => "zincmq".to_owned(),
                prefix => format!("{prefix}/zincmq"),
            },
            cpus: options.thread_affinity.iter().copied().collect(),
            policy: options.thread_sched_policy,
            priority: options.thread_priority,
        }
    }

    /// The longest part of a message that new sockets send and receive, bytes.
    pub(crate) fn longest_part(&self) -> Option<u64> {
        self.options.lock().longest_part()
    }

    /// How long threads that wait for new sockets look again before they sleep.
    pub(crate) fn longest_spin(&self) -> Duration {
        self.options.lock().longest_spin()
    }

    pub(crate) fn is_foreign(&self) -> bool {
        self.born != fork_generation()
    }

    /// The options a new socket of `socket_type` starts with.
    pub(crate) fn socket_defaults(&self, socket_type: SocketType) -> SocketOptions {
        // The first call makes the table of defaults, which a fork must not cut short.
        let mut options =
            crate::reactor::undivided(|| self.options.lock().socket_defaults(socket_type));
        if self.admission().is_lenient() {
            options.be_lenient();
        }
        options
    }

    pub(crate) fn socket(
        this: &Arc<Self>,
        socket_type: SocketType,
        options: SocketOptions,
    ) -> Result<Socket, SocketError> {
        if this.is_foreign() {
            return Err(SocketError::Forked);
        }
        let most = this.options.lock().max_sockets as usize;
        let mut sockets = this.sockets.lock();
        if this.terminated.load(Ordering::SeqCst) {
            return Err(SocketError::Terminated);
        }
        if sockets.len() >= most {
            return Err(SocketError::TooMany(most));
        }
        let id = this.next_id.fetch_add(1, Ordering::Relaxed);
        let core = Socket::core(id, socket_type, Arc::clone(this), options)?;
        sockets.insert(id, Arc::clone(&core));
        Ok(Socket::from_core(core))
    }

    /// Called by a closed socket when nothing of it is left.
    pub(crate) fn socket_done(&self, id: u64) {
        let core = self.sockets.lock().remove(&id);
        self.socket_gone.notify();
        drop(core);
    }

    /// Timers that its reactors have set.
    pub(crate) fn timers(&self) -> usize {
        let reactors = self.reactors.lock();
        reactors.iter().map(Reactor::timers).sum()
    }

    /// A reactor among those that `affinity` allows (bit 0 is the first; none
    /// set means any), the one with the fewest users. Starts them if need be.
    /// `None` if the context is to have none.
    pub(crate) fn reactor(&self, affinity: u64) -> io::Result<Option<Handle>> {
        let wanted = self.options.lock().io_threads as usize;
        let threads = self.threads();
        let mut reactors = self.reactors.lock();
        while reactors.len() < wanted {
            let reactor = Reactor::start(reactors.len(), &threads)?;
            self.stock.set_reactor(reactor.handle());
            reactors.push(reactor);
        }
        let allowed = |index: usize| affinity == 0 || (index < 64 && affinity >> index & 1 == 1);
        let chosen = reactors
            .iter()
            .enumerate()
            .filter(|(index, _)| allowed(*index))
            .map(|(_, reactor)| reactor)
            .min_by_key(|reactor| reactor.users())
            .or(reactors.first());
        Ok(chosen.map(|reactor| reactor.handle().clone()))
    }

    fn shutdown(&self) {
        if self.is_foreign() {
            return;
        }
        self.terminated.store(true, Ordering::SeqCst);
        let open: Vec<Arc<Core>> = self.sockets.lock().values().cloned().collect();
        for core in open {
            core.terminate();
        }
        self.admission.end();
    }

    pub(crate) fn term(
        &self,
        deadline: Option<Instant>,
        signals: Signals,
    ) -> Result<(), TermError> {
        if self.is_foreign() {
            return Err(TermError::Forked);
        }
        self.shutdown();
        loop {
            let seen = self.socket_gone.epoch();
            let open = self.sockets.lock().len();
            if open == 0 {
                // Who still holds a closed socket keeps no thread alive.
                let reactors = std::mem::take(&mut *self.reactors.lock());
                drop(reactors);
                // It may hold the context itself, which would keep both.
                self.admission.set_authenticator(None);
                self.stock.close();
                return Ok(());
            }
            match self.socket_gone.wait(seen, deadline, signals) {
                Woken::News => {}
                Woken::Late => return Err(TermError::TimedOut { open }),
                Woken::Interrupted => return Err(TermError::Interrupted),
            }
        }
    }

    /// Waits for closed sockets only: open ones have owners who may go on.
    fn await_lingering(&self, deadline: Instant) {
        loop {
            let seen = self.socket_gone.epoch();
            if !self.sockets.lock().values().any(|core| core.is_closed()) {
                return;
            }
            let woken = self
                .socket_gone
                .wait(seen, Some(deadline), Signals::PassUnseen);
            if woken == Woken::Late {
                return;
            }
        }
    }
}

impl Shared {
    fn set_authenticator(&self, authenticator: Option<Arc<dyn Authenticator>>) {
        self.admission.set_authenticator(authenticator);
        if self.is_foreign() {
            return;
        }
        for core in self.all_sockets() {
            core.outdate_verdicts();
        }
    }

    fn all_sockets(&self) -> Vec<Arc<Core>> {
        self.sockets.lock().values().cloned().collect()
    }
}

impl Reviewed for Shared {
    fn review_peers(&self) {
        if self.is_foreign() {
            return;
        }
        for core in self.all_sockets() {
            core.review_peers();
        }
    }
}

impl Resolve for Shared {
    fn run(&self, job: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        // One look-up at a time for each endpoint, so their number is bounded
        // by what the program connects to.
        self.start_thread("resolve", job)
    }
}
