//! How a session gets its connections, and its socket a peer.

use std::sync::Arc;
use std::time::Instant;

use zmtp::{Config, Engine, Security};

use super::{Inner, READ, Session, WRITE};
use crate::connection::Ending;
use crate::connection::wire::Wire;
use crate::message::{Item, Message, Origins, PeerInfo};
use crate::monitor::{EventKind, Place};
use crate::peer::{Peer, new_pipe};
use crate::reactor::{Driver, Interest, Source};
use crate::transport::Accepted;

/// From so many bytes on, a sealed payload is opened in its own memory.
const SEALED_DIRECT: usize = 4 * 1024;

impl Session {
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
    pub(in crate::connection) fn connected(&self, accepted: Accepted, place: Place) {
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
        let stock = Arc::clone(&self.options.stock);
        let mut wire = Wire::new(accepted.stream, engine, place, accepted.peer, stock);
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

    pub(super) fn handshake_done(&self, inner: &mut Inner) {
        let notices = &self.options.notices;
        let Some(wire) = &mut inner.wire else { return };
        let info = wire.peer_info();
        if let Some(hello) = &notices.hello {
            wire.greet(hello.clone());
        }
        wire.know(Arc::clone(&info));
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
        let peer = Peer::new(self.key, tx, rx, me, info, assigned);
        // Who says how much goes into a write gets that.
        let whole = options.conflate_out || options.raw || options.out_batch.is_some();
        self.port.attach(match whole {
            true => peer,
            false => peer.taking_runs(),
        });
    }

    /// Has the socket receive messages as if the peer had sent them.
    pub(super) fn notify<'a>(
        &self,
        inner: &mut Inner,
        messages: impl Iterator<Item = &'a Message>,
    ) {
        let Some(inn) = &mut inner.inn else { return };
        let origins = inner.info.clone().map(Origins::new);
        for message in messages {
            let mut message = message.unshared();
            message.set_peer(origins.as_ref().map(Origins::another));
            // Whatever the high-water mark; if the socket is closed, nobody
            // is to be told.
            let _ = inn.push_over(Item::Data(message.into()));
        }
        if inn.publish() {
            self.port.readable(self.key);
        }
    }
}
