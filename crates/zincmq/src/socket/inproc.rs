//! Sockets of one context joined directly: two pipes, no connection.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pipe::{Consumer, Producer};

use super::core::Core;
use super::settings::conflates;
use crate::error::BindError;
use crate::message::{Item, Message, PeerInfo};
use crate::peer::{Far, News, Peer, joint_hwm, new_pipe};
use crate::sync::Mutex;

/// The names bound in a context, and the connects that wait for one.
#[derive(Default)]
pub(crate) struct Inproc(Mutex<Names>);

#[derive(Default)]
struct Names {
    bound: HashMap<String, Weak<Core>>,
    waiting: HashMap<String, Vec<Waiter>>,
}

/// A connect that came before its bind.
struct Waiter {
    core: Weak<Core>,
    key: u64,
    side: Side,
    far: Arc<Other>,
    tx: Producer<Item>,
    rx: Consumer<Item>,
    /// Its socket is closed, and lingers until then, or for ever.
    lingers: Option<Linger>,
}

struct Linger {
    until: Option<Instant>,
}

/// What each side brings to a connection.
struct Side {
    send_hwm: usize,
    recv_hwm: usize,
    conflate_out: bool,
    conflate_in: bool,
    info: Arc<PeerInfo>,
    hello: Option<Message>,
    /// What the one that has bound receives when the other leaves.
    farewell: Option<Message>,
}

/// The socket at the other end of a pair of pipes, once it is known.
#[derive(Default)]
struct Other(OnceLock<Known>);

struct Known {
    core: Weak<Core>,
    key: u64,
    last_words: Option<Message>,
}

impl Inproc {
    pub(super) fn bind(&self, name: &str, core: &Core) -> Result<(), BindError> {
        let waiters = {
            let mut names = self.0.lock();
            if names
                .bound
                .get(name)
                .is_some_and(|other| other.strong_count() > 0)
            {
                return Err(BindError::InUse(format!("inproc://{name}")));
            }
            names.bound.insert(name.to_owned(), Weak::clone(&core.me));
            names.waiting.remove(name).unwrap_or_default()
        };
        for waiter in waiters {
            waiter.meet(core);
        }
        Ok(())
    }

    /// Whether a socket is bound to `name`.
    pub(super) fn is_bound(&self, name: &str) -> bool {
        let names = self.0.lock();
        let bound = names.bound.get(name);
        bound.is_some_and(|core| core.strong_count() > 0)
    }

    /// Connects `core` to `name`, bound or yet to be; tells the peer's key.
    pub(super) fn connect(&self, name: &str, core: &Core, assigned: Option<Bytes>) -> u64 {
        let side = core.inproc_side();
        let assigned =
            assigned.or_else(|| core.with(|state| state.options.take_connect_routing_id()));
        let key = core.keys.fetch_add(1, Ordering::Relaxed);
        let far = Arc::new(Other::default());
        let bound = self.0.lock().bound(name);
        let other = bound.as_ref().map(|core| core.inproc_side());
        let conflate_in = side.conflate_in || other.as_ref().is_some_and(|o| o.conflate_out);
        let conflate_out = side.conflate_out || other.as_ref().is_some_and(|o| o.conflate_in);
        let (out_hwm, in_hwm, info) = match &other {
            Some(other) => (
                joint_hwm(side.send_hwm, other.recv_hwm),
                joint_hwm(other.send_hwm, side.recv_hwm),
                Arc::clone(&other.info),
            ),
            None => (side.send_hwm, side.recv_hwm, Arc::default()),
        };
        let (tx, far_rx) = new_pipe(conflate_out, out_hwm);
        let (far_tx, rx) = new_pipe(conflate_in, in_hwm);
        let there = Arc::clone(&far) as Arc<dyn Far>;
        let far_recv_hwm = other.as_ref().map(|other| other.recv_hwm);
        let hello = side.hello.as_ref().map(Message::unshared);
        let peer = Peer::new(key, tx, rx, there, info, assigned)
            .nearby(far_recv_hwm)
            .greet(hello);
        let waiter = Waiter {
            core: Weak::clone(&core.me),
            key,
            side,
            far,
            tx: far_tx,
            rx: far_rx,
            lingers: None,
        };
        // Before anybody can find the waiter: what a bind says of the peer must
        // come after the peer itself. And without the lock: whom it wakes may
        // bind or close at once.
        core.adopt(peer);
        if let Some(bound) = bound {
            waiter.meet(&bound);
            return key;
        }
        let mut names = self.0.lock();
        match names.bound(name) {
            Some(bound) => {
                drop(names);
                waiter.meet(&bound);
            }
            None => names
                .waiting
                .entry(name.to_owned())
                .or_default()
                .push(waiter),
        }
        key
    }

    pub(super) fn unbind(&self, name: &str, core: &Core) {
        let mut names = self.0.lock();
        if names
            .bound
            .get(name)
            .is_some_and(|bound| bound.ptr_eq(&core.me))
        {
            names.bound.remove(name);
        }
    }

    /// Takes back everything a closing socket has entered here, but for what
    /// it has sent to a name that may still be bound within its linger time.
    pub(super) fn forget(&self, core: &Core, linger: Option<Duration>) {
        let now = Instant::now();
        let until = linger.map(|linger| now.checked_add(linger));
        let mut gone = Vec::new();
        {
            let mut names = self.0.lock();
            names.bound.retain(|_, bound| !bound.ptr_eq(&core.me));
            names.waiting.retain(|_, waiters| {
                gone.extend(waiters.extract_if(.., |waiter| {
                    if waiter.core.ptr_eq(&core.me) && !waiter.rx.is_empty_hint() {
                        waiter.lingers = Some(Linger {
                            until: until.flatten(),
                        });
                        return linger == Some(Duration::ZERO);
                    }
                    waiter.core.ptr_eq(&core.me) || waiter.is_over(now)
                }));
                !waiters.is_empty()
            });
        }
        // Dropped without the lock: closing a pipe may call back.
        drop(gone);
    }
}

impl Names {
    fn bound(&self, name: &str) -> Option<Arc<Core>> {
        self.bound.get(name).and_then(Weak::upgrade)
    }
}

impl Waiter {
    /// Its socket is closed and has lingered long enough.
    fn is_over(&self, now: Instant) -> bool {
        let until = self.lingers.as_ref().and_then(|linger| linger.until);
        until.is_some_and(|until| until <= now)
    }

    /// Joins the one that waited with `core`, which has bound the name.
    fn meet(mut self, core: &Core) {
        let side = core.inproc_side();
        if self.lingers.is_some() && self.is_over(Instant::now()) {
            return;
        }
        let Some(waiting) = self.core.upgrade() else {
            // What it has sent is here all the same.
            let key = core.keys.fetch_add(1, Ordering::Relaxed);
            let far = Arc::new(Other::default());
            core.adopt(Peer::new(key, self.tx, self.rx, far, self.side.info, None));
            return;
        };
        let key = core.keys.fetch_add(1, Ordering::Relaxed);
        let _ = self.far.0.set(Known {
            core: Weak::clone(&core.me),
            key,
            last_words: side.farewell,
        });
        // It may have changed since the connect.
        let recv_hwm = waiting.with(|state| state.options.recv_hwm());
        // Conflated pipes have no mark, and ignore this.
        self.tx
            .set_high_water_mark(joint_hwm(side.send_hwm, recv_hwm));
        waiting.far_recv_hwm(self.key, side.recv_hwm);
        waiting.introduce(self.key, side.info);
        let far = Arc::new(Other::default());
        let _ = far.0.set(Known {
            core: Weak::clone(&waiting.me),
            key: self.key,
            last_words: None,
        });
        let peer = Peer::new(key, self.tx, self.rx, far, self.side.info, None);
        core.adopt(peer.nearby(Some(recv_hwm)).greet(side.hello));
    }
}

impl Core {
    fn inproc_side(&self) -> Side {
        self.with(|state| {
            let options = &state.options;
            let (conflate_out, conflate_in) = conflates(options, self.socket_type());
            let message = |bytes: &Bytes| Message::copy_from_slice(bytes);
            let hello = options.hello_message(self.socket_type());
            let farewell = options.disconnect_message(self.socket_type());
            Side {
                hello: hello.map(message),
                farewell: farewell.map(message),
                conflate_out,
                conflate_in,
                send_hwm: options.send_hwm(),
                recv_hwm: options.recv_hwm(),
                info: Arc::new(PeerInfo {
                    socket_type: Some(self.socket_type()),
                    routing_id: Bytes::clone(options.routing_id()),
                    ..PeerInfo::default()
                }),
            }
        })
    }
}

impl Other {
    fn tell(&self, what: News) {
        if let Some(known) = self.0.get()
            && let Some(core) = known.core.upgrade()
        {
            core.news(known.key, what);
        }
    }
}

impl Far for Other {
    fn data(&self) {
        self.tell(News::Data);
    }

    fn batch(&self) {
        // The other socket reads for itself.
    }

    fn room(&self) {
        self.tell(News::Room);
    }

    fn hang_up(&self) {
        self.tell(News::HangUp);
    }

    fn recv_hwm(&self, high_water_mark: usize) {
        if let Some(known) = self.0.get()
            && let Some(core) = known.core.upgrade()
        {
            core.far_recv_hwm(known.key, high_water_mark);
        }
    }

    fn last_words(&self) -> Option<Message> {
        self.0.get()?.last_words.clone()
    }

    fn discarded(&self, messages: u64) {
        self.tell(News::Discarded(messages));
    }
}
