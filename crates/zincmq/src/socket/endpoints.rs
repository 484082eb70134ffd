//! What a socket is bound and connected to.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rustix::io::Errno;

use super::core::{Core, Refusal};
use super::settings::link_options;
use crate::SocketType;
use crate::connection::{Acceptor, Dialer, LinkOptions, Port, Session};
use crate::error::{BindError, ConnectError, EndpointError, PeerError, UnbindError};
use crate::monitor::{EventKind, Place};
use crate::options::SocketOptions;
use crate::peer::Peer;
use crate::reactor::PollSet;
use crate::transport::{self, Endpoint};

#[derive(Default)]
pub(crate) struct Endpoints {
    entries: Vec<Entry>,
    last: String,
}

struct Entry {
    /// As the user wrote it.
    given: String,
    /// As it turned out to be.
    actual: String,
    kind: Kind,
}

enum Kind {
    Bound {
        acceptor: Arc<Acceptor>,
        origin: u64,
    },
    Dialled {
        dialer: Arc<Dialer>,
        key: u64,
    },
    InprocBound,
    InprocConnected {
        key: u64,
    },
}

impl Core {
    /// Binds and tells the endpoint as it turned out to be.
    pub(crate) fn bind(&self, given: &str) -> Result<String, BindError> {
        self.check_open()?;
        let endpoint = Endpoint::parse(given)?;
        self.with(|state| state.options.security().check())?;
        let (actual, kind) = match &endpoint {
            Endpoint::Inproc(name) => {
                self.check_fits(given, self.socket_type() != SocketType::Stream)?;
                self.context.inproc().bind(name, self)?;
                (given.to_owned(), Kind::InprocBound)
            }
            Endpoint::Tcp(_) => self.listen(given, &endpoint)?,
            Endpoint::Ipc(_) => {
                self.check_fits(given, self.socket_type() != SocketType::Stream)?;
                self.listen(given, &endpoint)?
            }
        };
        self.keep(Entry {
            given: given.to_owned(),
            actual: actual.clone(),
            kind,
        })?;
        Ok(actual)
    }

    /// Connects, now or as soon as the peer is there.
    pub(crate) fn connect(&self, given: &str) -> Result<(), ConnectError> {
        self.connect_as(given, None)
    }

    /// Connects and tells the number by which the peer is known, connected or
    /// not.
    pub(crate) fn connect_peer(&self, given: &str) -> Result<u32, ConnectError> {
        self.check_open()?;
        if self.socket_type() != SocketType::Peer {
            return Err(ConnectError::NoNumbers(self.socket_type()));
        }
        let number = self.with(|state| {
            let early = !state.options.immediate();
            early.then(|| state.pattern.number_for_next()).flatten()
        });
        let Some(number) = number else {
            return Err(ConnectError::NoNumberYet(given.to_owned()));
        };
        let name = Bytes::copy_from_slice(&number.to_be_bytes());
        self.connect_as(given, Some(name))?;
        Ok(number)
    }

    /// Ends the conversation with the peer of that number, after what is
    /// queued for it, and does not connect to it again.
    pub(crate) fn disconnect_peer(&self, number: u32) -> Result<(), PeerError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        if !matches!(self.socket_type(), SocketType::Server | SocketType::Peer) {
            return Err(PeerError::NoNumbers(self.socket_type()));
        }
        let key = self.with(|state| {
            let id = state.pattern.find(number)?;
            state.peers.part(id);
            state.peers.peer(id).map(Peer::key)
        });
        let Some(key) = key else {
            return Err(PeerError::Unknown(number));
        };
        let is_its = |kind: &Kind| match kind {
            Kind::Dialled { key: own, .. } | Kind::InprocConnected { key: own } => *own == key,
            Kind::Bound { .. } | Kind::InprocBound => false,
        };
        let taken: Vec<Entry> = self
            .endpoints
            .lock()
            .entries
            .extract_if(.., |entry| is_its(&entry.kind))
            .collect();
        for entry in taken {
            if let Kind::Dialled { dialer, .. } = entry.kind {
                dialer.close();
            }
        }
        self.end_links(self.linger(), |own, _| own == key);
        Ok(())
    }

    /// Connects to a peer that is known by the routing id `assigned`, else by
    /// that of CONNECT_ROUTING_ID.
    fn connect_as(&self, given: &str, assigned: Option<Bytes>) -> Result<(), ConnectError> {
        self.check_open()?;
        let endpoint = Endpoint::parse(given)?;
        endpoint.check_connect()?;
        self.with(|state| state.options.security().check())?;
        if self.is_repeated(given) {
            return Ok(());
        }
        let kind = match &endpoint {
            Endpoint::Inproc(name) => {
                self.check_fits(given, self.socket_type() != SocketType::Stream)?;
                let key = self.context.inproc().connect(name, self, assigned);
                Kind::InprocConnected { key }
            }
            Endpoint::Tcp(_) => self.dial(given, endpoint, assigned)?,
            Endpoint::Ipc(_) => {
                self.check_fits(given, self.socket_type() != SocketType::Stream)?;
                self.dial(given, endpoint, assigned)?
            }
        };
        self.keep(Entry {
            given: given.to_owned(),
            actual: given.to_owned(),
            kind,
        })
    }

    /// Takes `entry` in, unless a close on another thread was faster.
    fn keep(&self, entry: Entry) -> Result<(), BindError> {
        {
            let mut endpoints = self.endpoints.lock();
            endpoints.last.clone_from(&entry.actual);
            endpoints.entries.push(entry);
        }
        if self.is_closed() {
            self.close_endpoints();
            return Err(BindError::Closed);
        }
        Ok(())
    }

    /// Stops listening at `endpoint` and closes what came in there.
    pub(crate) fn unbind(&self, endpoint: &str) -> Result<(), UnbindError> {
        self.take_entries(endpoint, |kind| {
            matches!(kind, Kind::Bound { .. } | Kind::InprocBound)
        })
    }

    /// Ends the connections made to `endpoint`, after what is queued has gone.
    pub(crate) fn disconnect(&self, endpoint: &str) -> Result<(), UnbindError> {
        self.take_entries(endpoint, |kind| {
            matches!(kind, Kind::Dialled { .. } | Kind::InprocConnected { .. })
        })
    }

    /// The endpoint of the last bind or connect, empty before.
    pub(crate) fn last_endpoint(&self) -> String {
        self.endpoints.lock().last.clone()
    }

    pub(super) fn close_endpoints(&self) {
        let entries = std::mem::take(&mut self.endpoints.lock().entries);
        for entry in entries {
            if let Kind::Bound { acceptor, .. } = &entry.kind {
                acceptor.close();
            }
        }
        self.context.inproc().forget(self, self.linger());
    }

    fn take_entries(
        &self,
        endpoint: &str,
        chosen: impl Fn(&Kind) -> bool,
    ) -> Result<(), UnbindError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        Endpoint::parse(endpoint)?;
        let taken: Vec<Entry> = self
            .endpoints
            .lock()
            .entries
            .extract_if(.., |entry| {
                chosen(&entry.kind) && (entry.actual == endpoint || entry.given == endpoint)
            })
            .collect();
        if taken.is_empty() {
            return Err(UnbindError::Unknown(endpoint.to_owned()));
        }
        for entry in taken {
            match entry.kind {
                Kind::Bound { acceptor, origin } => {
                    acceptor.close();
                    self.dismiss_links(origin);
                }
                Kind::Dialled { dialer, key } => {
                    self.part_with(key);
                    dialer.close();
                    self.end_links(self.linger(), |_, from| from == key);
                }
                Kind::InprocBound => {
                    if let Ok(Endpoint::Inproc(name)) = Endpoint::parse(&entry.actual) {
                        self.context.inproc().unbind(&name, self);
                    }
                }
                Kind::InprocConnected { key } => self.part_with(key),
            }
        }
        Ok(())
    }

    fn listen(&self, given: &str, endpoint: &Endpoint) -> Result<(String, Kind), BindError> {
        let set = self.poll_set(given)?;
        let options = self.with(|state| self.link_options(&state.options, true));
        let listener = match transport::listen(endpoint, &options.transport) {
            Ok(listener) => listener,
            Err(error) => {
                let kind = EventKind::BindFailed {
                    errno: errno_of(&error),
                    reason: error.to_string(),
                };
                self.event(&Place::bound(given), None, kind);
                return Err(error);
            }
        };
        let actual = listener.endpoint().to_owned();
        let fd = listener.as_fd().as_raw_fd();
        let Some(me) = self.me.upgrade() else {
            return Err(BindError::Closed);
        };
        let origin = self.keys.fetch_add(1, Ordering::Relaxed);
        let keys = Arc::clone(&self.keys);
        self.event(&Place::bound(&actual), None, EventKind::Listening { fd });
        let acceptor = Acceptor::start(listener, origin, Arc::new(options), me, set, keys)
            .map_err(|source| BindError::System {
                endpoint: given.to_owned(),
                source,
            })?;
        Ok((actual, Kind::Bound { acceptor, origin }))
    }

    fn dial(
        &self,
        given: &str,
        endpoint: Endpoint,
        assigned: Option<Bytes>,
    ) -> Result<Kind, ConnectError> {
        let set = self.poll_set(given)?;
        let (options, assigned) = self.with(|state| {
            let options = self.link_options(&state.options, false);
            transport::check_dial(&endpoint, &options.transport)?;
            let assigned = assigned.or_else(|| state.options.take_connect_routing_id());
            Ok::<_, ConnectError>((options, assigned))
        })?;
        let Some(me) = self.me.upgrade() else {
            return Err(ConnectError::Closed);
        };
        let options = Arc::new(options);
        let key = self.keys.fetch_add(1, Ordering::Relaxed);
        let reactor = set.reactor().clone();
        let port: Arc<dyn Port> = me;
        let session = Session::new(
            key,
            key,
            Arc::clone(&options),
            Arc::clone(&port),
            set,
            assigned,
        );
        let resolver = Arc::clone(&self.context) as Arc<dyn crate::connection::Resolve>;
        let attach_late = options.attach_late;
        // The dialer first: a session that is closed at once tells it to stop.
        let dialer = Dialer::new(
            Arc::clone(&session),
            endpoint,
            options,
            port,
            reactor,
            resolver,
        );
        session.announce();
        if !attach_late {
            session.attach_early(given);
        }
        dialer.start();
        Ok(Kind::Dialled { dialer, key })
    }

    fn link_options(&self, options: &SocketOptions, accepting: bool) -> LinkOptions {
        let (socket_type, longest) = (self.socket_type(), self.longest_part);
        link_options(&self.context, options, socket_type, longest, accepting)
    }

    /// The socket's poll set, made at its first use of a transport.
    fn poll_set(&self, given: &str) -> Result<Arc<PollSet>, BindError> {
        if let Some(set) = self.waiting().set() {
            return Ok(Arc::clone(set));
        }
        let affinity = self.with(|state| state.options.affinity());
        let failed = |source| BindError::System {
            endpoint: given.to_owned(),
            source,
        };
        let reactor = self.context.reactor(affinity).map_err(failed)?;
        let Some(reactor) = reactor else {
            return Err(BindError::NoIoThread(given.to_owned()));
        };
        let set = PollSet::new(&reactor).map_err(failed)?;
        Ok(Arc::clone(self.waiting().set_or_init(set)))
    }

    fn check_open(&self) -> Result<(), BindError> {
        match self.refusal() {
            None => Ok(()),
            Some(Refusal::Closed) => Err(BindError::Closed),
            Some(Refusal::Terminated) => Err(BindError::Terminated),
            Some(Refusal::Forked) => Err(BindError::Forked),
        }
    }

    fn check_fits(&self, given: &str, fits: bool) -> Result<(), BindError> {
        if fits {
            return Ok(());
        }
        Err(BindError::Incompatible {
            socket_type: self.socket_type(),
            endpoint: given.to_owned(),
        })
    }

    /// Types that connect to one endpoint but once (zmq_connect(3)).
    fn is_repeated(&self, given: &str) -> bool {
        use SocketType::{Dealer, Pub, Req, Sub};
        matches!(self.socket_type(), Dealer | Pub | Req | Sub)
            && self
                .endpoints
                .lock()
                .entries
                .iter()
                .any(|entry| matches!(entry.kind, Kind::Dialled { .. }) && entry.given == given)
    }
}

/// The system's number that says why a socket cannot listen.
fn errno_of(error: &BindError) -> i32 {
    match error {
        BindError::System { source, .. } => transport::errno(source),
        BindError::InUse(_) => Errno::ADDRINUSE.raw_os_error(),
        BindError::Endpoint(EndpointError::NoSuchInterface(_)) => Errno::NODEV.raw_os_error(),
        _ => Errno::INVAL.raw_os_error(),
    }
}

impl From<Refusal> for PeerError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}

impl From<Refusal> for UnbindError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}
