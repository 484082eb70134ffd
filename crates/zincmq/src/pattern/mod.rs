//! The socket types: each a [`Pattern`] composed from the routers in
//! [`crate::route`].

mod dealer;
mod dish;
mod pair;
mod pipeline;
mod publish;
mod radio;
mod reply;
mod request;
mod router;
mod server;
mod single;
mod stream;
mod subscribe;
mod upstream;
mod xpub;

use bytes::Bytes;

use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Message, Multipart};
use crate::peer::{PeerId, Peers};

/// What a socket type does with its peers and messages. Called under the
/// socket's lock; never blocks and does no I/O.
pub(crate) trait Pattern: Send {
    /// A peer is there: its pipes may be used from now on.
    fn attached(&mut self, peers: &mut Peers, id: PeerId);

    /// A peer's pipes have ended; `id` may name another peer after this.
    fn detached(&mut self, peers: &mut Peers, id: PeerId);

    /// What is known of `id`, such as its routing id, was not when it was
    /// attached, and is now.
    fn introduced(&mut self, peers: &mut Peers, id: PeerId) {
        let _ = (peers, id);
    }

    /// The connection below `id` was replaced by a new one: what the peer was
    /// told before (subscriptions) it has forgotten.
    fn reconnected(&mut self, peers: &mut Peers, id: PeerId) {
        let _ = (peers, id);
    }

    /// Something may be popped from `id` where before nothing was.
    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        let _ = (peers, id);
    }

    /// `id` may have room where before it was full.
    fn writable(&mut self, peers: &mut Peers, id: PeerId) {
        let _ = (peers, id);
    }

    /// Routes one whole message, or gives it back with the reason.
    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError>;

    /// Hands over what sends have held back, to go to peers together
    /// ([`Peers::hold_back`]).
    fn flush(&mut self, peers: &mut Peers) {
        let _ = peers;
    }

    /// The next whole message.
    fn recv(&mut self, peers: &mut Peers) -> Result<Multipart, RecvFailure>;

    /// Whether a send would be taken now (ZMQ_POLLOUT).
    fn can_send(&mut self, peers: &mut Peers) -> bool {
        let _ = peers;
        false
    }

    /// Whether a receive would return a message now (ZMQ_POLLIN).
    fn can_recv(&mut self, peers: &mut Peers) -> bool {
        let _ = peers;
        false
    }

    /// Whether the peer that a message starting with `first` goes to is there
    /// and has room, or which of the two is wanting. Only types that address peers know; through C they have
    /// to answer when the first part is sent.
    fn route_state(&mut self, peers: &mut Peers, first: &[u8]) -> Result<(), SendFailure> {
        let _ = (peers, first);
        Ok(())
    }

    /// Whether a ROUTER's peer called `routing_id` is there and has room, or
    /// which of the two is wanting, whatever MANDATORY says.
    fn peer_state(&mut self, peers: &mut Peers, routing_id: &[u8]) -> Result<(), SendFailure> {
        self.route_state(peers, routing_id)
    }

    /// The last routing id that was made up for a peer (ZMQ_ROUTING_ID of a
    /// STREAM).
    fn last_named(&self) -> Option<&Message> {
        None
    }

    /// The peer with this number, for types that number their peers.
    fn find(&self, number: u32) -> Option<PeerId> {
        let _ = number;
        None
    }

    /// A number for the peer of a connect to come, from types that number
    /// their peers. It is to be that peer's assigned id, big-endian.
    fn number_for_next(&mut self) -> Option<u32> {
        None
    }

    /// Joins a group, of a good name; false if it was joined already. Only a
    /// DISH does.
    fn join(&mut self, peers: &mut Peers, group: &Message) -> bool {
        let _ = (peers, group);
        false
    }

    /// Leaves a group; false if it was not joined.
    fn leave(&mut self, peers: &mut Peers, group: &Message) -> bool {
        let _ = (peers, group);
        false
    }

    /// How many different topics are subscribed to (ZMQ_TOPICS_COUNT).
    fn topics(&self) -> usize {
        0
    }

    /// Changes one of the pattern's own settings.
    fn set(&mut self, peers: &mut Peers, setting: Setting) -> Result<(), SettingError>;

    /// Messages this pattern dropped, by reason.
    fn drops(&self) -> Drops {
        Drops::default()
    }
}

/// Messages dropped by a pattern, by reason. What a publisher sends and nobody
/// subscribed to is not among them: it was for nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Drops {
    /// The peer was at its high-water mark.
    pub(crate) full: u64,
    /// No peer to route to (ROUTER without MANDATORY, REP whose requester left).
    pub(crate) no_route: u64,
    /// Received but not subscribed to, malformed for the pattern, or stale.
    pub(crate) filtered: u64,
}

/// A setting that belongs to a pattern rather than to connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    RouterMandatory(bool),
    RouterHandover(bool),
    RouterRaw(bool),
    ProbeRouter(bool),
    ReqCorrelate(bool),
    ReqRelaxed(bool),
    Subscribe(Bytes),
    Unsubscribe(Bytes),
    InvertMatching(bool),
    XpubVerbose(bool),
    XpubVerboser(bool),
    XpubNoDrop(bool),
    XpubManual(bool),
    XpubManualLastValue(bool),
    XpubWelcomeMessage(Bytes),
    OnlyFirstSubscribe(bool),
    XsubVerboseUnsubscribe(bool),
    StreamNotify(bool),
}

/// The pattern of `socket_type`, or `None` for one that is not built here.
pub(crate) fn pattern_of(socket_type: SocketType) -> Option<Box<dyn Pattern>> {
    fn single(socket_type: SocketType, inner: impl Pattern + 'static) -> Box<dyn Pattern> {
        Box::new(single::Single::new(socket_type, inner))
    }
    Some(match socket_type {
        SocketType::Pair => Box::new(pair::Pair::default()),
        SocketType::Pub => Box::new(publish::Pub::new()),
        SocketType::Xpub => Box::new(xpub::Xpub::new()),
        SocketType::Sub => Box::new(subscribe::Sub::new()),
        SocketType::Xsub => Box::new(subscribe::Xsub::new()),
        SocketType::Req => Box::new(request::Req::new()),
        SocketType::Rep => Box::new(reply::Rep::default()),
        SocketType::Dealer => Box::new(dealer::Dealer::default()),
        SocketType::Router => Box::new(router::Router::new()),
        SocketType::Push => Box::new(pipeline::Push::default()),
        SocketType::Pull => Box::new(pipeline::Pull::default()),
        SocketType::Stream => Box::new(stream::Stream::new()),
        SocketType::Server | SocketType::Peer => Box::new(server::Server::new()),
        SocketType::Client => single(socket_type, dealer::Dealer::default()),
        SocketType::Scatter => single(socket_type, pipeline::Push::default()),
        SocketType::Gather => single(socket_type, pipeline::Pull::default()),
        SocketType::Channel => single(socket_type, pair::Pair::default()),
        SocketType::Radio => Box::new(radio::Radio::default()),
        SocketType::Dish => Box::new(dish::Dish::default()),
        SocketType::Dgram => return None,
    })
}

/// How many items are read in one go from peers whose items are consumed by
/// the pattern itself. What is left is read with the next call, so that a peer
/// that sends without end holds nobody up for long.
const BATCH: usize = 16 * 1024;

/// Makes sure that `ahead` holds the next message, if there is one: whether a
/// message is there is only known once it has been taken out and looked at.
fn look<T>(ahead: &mut Option<T>, next: impl FnOnce() -> Option<T>) -> bool {
    if ahead.is_none() {
        *ahead = next();
    }
    ahead.is_some()
}

#[cfg(test)]
mod tests;
