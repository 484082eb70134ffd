//! Accepts peers and makes a session for each.

use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::session::Session;
use super::{LinkOptions, Port};
use crate::monitor::{EventKind, Place};
use crate::reactor::{Driver, Handle, Interest, PollSet, Ready, Source, Watch};
use crate::sync::Mutex;
use crate::transport::{self, Listener};

/// How long to leave the listener alone when the system has no descriptor or
/// memory for another peer: trying again at once fails again.
const PAUSE: Duration = Duration::from_millis(200);
/// Peers accepted before others get their turn.
const TURNS: u32 = 64;

pub(crate) struct Acceptor {
    me: Weak<Self>,
    origin: u64,
    place: Place,
    options: Arc<LinkOptions>,
    port: Arc<dyn Port>,
    reactor: Handle,
    set: Arc<PollSet>,
    keys: Arc<AtomicU64>,
    open: Mutex<Option<Open>>,
}

struct Open {
    listener: Listener,
    watch: Watch,
}

impl Acceptor {
    /// Starts to accept. `keys` numbers the sessions.
    pub(crate) fn start(
        listener: Listener,
        origin: u64,
        options: Arc<LinkOptions>,
        port: Arc<dyn Port>,
        set: Arc<PollSet>,
        keys: Arc<AtomicU64>,
    ) -> std::io::Result<Arc<Self>> {
        let reactor = set.reactor().clone();
        let acceptor = Arc::new_cyclic(|me: &Weak<Self>| Self {
            me: Weak::clone(me),
            origin,
            place: Place::bound(listener.endpoint()),
            options,
            port,
            reactor,
            set,
            keys,
            open: Mutex::default(),
        });
        let mut open = acceptor.open.lock();
        let source = Arc::clone(&acceptor) as Arc<dyn Source>;
        let watch = acceptor
            .reactor
            .watch(listener.as_fd(), Interest::READ, source)?;
        *open = Some(Open { listener, watch });
        drop(open);
        Ok(acceptor)
    }

    /// Stops accepting and frees the address.
    pub(crate) fn close(&self) {
        let open = self.open.lock().take();
        if let Some(Open { listener, watch }) = open {
            watch.stop(listener.as_fd());
            let fd = listener.as_fd().as_raw_fd();
            let kind = match listener.close() {
                Ok(()) => EventKind::Closed {
                    fd,
                    reason: "the endpoint was unbound".to_owned(),
                },
                Err(error) => EventKind::CloseFailed {
                    errno: transport::errno(&error),
                    reason: error.to_string(),
                },
            };
            self.port.event(&self.place, None, kind);
        }
    }

    fn accept(&self) {
        for _ in 0..TURNS {
            let accepted = {
                let open = self.open.lock();
                let Some(open) = &*open else { return };
                let accepted = open.listener.accept();
                if let Err(error) = &accepted
                    && !transport::is_transient_accept(error)
                {
                    self.pause(open);
                }
                accepted
            };
            let accepted = match accepted {
                Ok(Some(accepted)) => accepted,
                Ok(None) => return,
                Err(error) => {
                    let kind = EventKind::AcceptFailed {
                        errno: transport::errno(&error),
                        reason: error.to_string(),
                    };
                    self.port.event(&self.place, None, kind);
                    if transport::is_transient_accept(&error) {
                        continue;
                    }
                    return;
                }
            };
            let key = self.keys.fetch_add(1, Ordering::Relaxed);
            let session = Session::new(
                key,
                self.origin,
                Arc::clone(&self.options),
                Arc::clone(&self.port),
                Arc::clone(&self.set),
                None,
            );
            session.announce();
            let place = self
                .place
                .with_ends(&accepted.local_endpoint, &accepted.peer_endpoint);
            self.port.event(
                &place,
                None,
                EventKind::Accepted {
                    peer: accepted.distinct_peer().to_owned(),
                    fd: accepted.stream.fd().as_raw_fd(),
                },
            );
            session.connected(accepted, place);
        }
    }

    fn pause(&self, open: &Open) {
        let _ = open.watch.modify(open.listener.as_fd(), Interest::NONE);
        if let Some(me) = self.me.upgrade() {
            self.reactor.set_timer(Instant::now() + PAUSE, me);
        }
    }
}

impl Source for Acceptor {
    fn ready(&self, _: Ready, _: Driver) {
        self.accept();
    }

    fn timeout(&self) {
        let open = self.open.lock();
        if let Some(open) = &*open {
            let _ = open.watch.modify(open.listener.as_fd(), Interest::READ);
        }
    }
}
