//! The options of one socket, parsed.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;

use super::row::Place;
use super::{Access, OptionError, OptionValue, Row, row_by_name, rows};
use crate::SocketType;
use crate::error::SettingError;
use crate::pattern::Setting;
use crate::security::SecuritySettings;
use crate::transport::TransportOptions;

/// Every option of a socket; by default as on a new socket of libzmq.
#[derive(Debug, Clone)]
pub struct SocketOptions {
    pub(super) affinity: u64,
    pub(super) routing_id: Bytes,
    pub(super) linger: Option<Duration>,
    pub(super) reconnect_delay: Option<Duration>,
    pub(super) reconnect_interval_max: Option<Duration>,
    pub(super) max_message_size: Option<u64>,
    pub(super) send_hwm: usize,
    pub(super) recv_hwm: usize,
    pub(super) recv_timeout: Option<Duration>,
    pub(super) send_timeout: Option<Duration>,
    pub(super) immediate: bool,
    pub(super) conflate_wanted: bool,
    pub(super) invert_matching: bool,
    pub(super) connect_routing_id: Option<Bytes>,
    pub(super) handshake_timeout: Option<Duration>,
    pub(super) heartbeat_interval: Option<Duration>,
    pub(super) heartbeat_ttl: Option<Duration>,
    pub(super) heartbeat_patience: Option<Duration>,
    pub(super) metadata: Vec<(String, Bytes)>,
    pub(super) reconnect_stop: u32,
    pub(super) loopback_fastpath: bool,
    pub(super) security: SecuritySettings,
    pub(super) router_notify: u32,
    pub(super) hello_message: Bytes,
    pub(super) disconnect_message: Bytes,
    pub(super) hiccup_message: Bytes,
    pub(super) in_batch: Option<usize>,
    pub(super) out_batch: Option<usize>,
    // For transports that are not built in; kept to be read back, as in a
    // libzmq without them.
    pub(super) multicast_rate: u32,
    pub(super) multicast_recovery: u32,
    pub(super) multicast_hops: u32,
    pub(super) multicast_datagram: u32,
    pub(super) multicast_loop: bool,
    pub(super) transport: TransportOptions,
}

/// What a new value means beyond the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: whoever needs the value reads it.
    Stored,
    /// Pipes and connections that are there want to know.
    Live(Live),
    /// The pattern wants to know; nothing was stored if it refuses.
    Pattern(Setting),
}

/// A new value for pipes and connections that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    SendHwm(usize),
    RecvHwm(usize),
    Linger(Option<Duration>),
}

/// The value of an option, or who knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Known(OptionValue),
    Ask(Ask),
}

/// What only the socket itself can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    MoreParts,
    Descriptor,
    Events,
    SocketType,
    LastEndpoint,
    ThreadSafe,
    TopicsCount,
}

impl Default for SocketOptions {
    fn default() -> Self {
        static DEFAULTS: LazyLock<SocketOptions> = LazyLock::new(|| {
            let mut store = SocketOptions::blank();
            for row in rows() {
                if let Some(value) = row.default_value()
                    && let Place::Field { set, .. }
                    | Place::LiveField { set, .. }
                    | Place::PatternField { set, .. } = row.place
                {
                    set(&mut store, &value).expect("a default is of its option's kind");
                }
            }
            store
        });
        DEFAULTS.clone()
    }
}

impl SocketOptions {
    /// The options of a new socket of `socket_type`: what receives
    /// subscriptions' answers only has nothing to linger for.
    pub(crate) fn of_type(socket_type: SocketType) -> Self {
        let mut store = Self::default();
        if matches!(
            socket_type,
            SocketType::Sub | SocketType::Xsub | SocketType::Dish
        ) {
            store.linger = Some(Duration::ZERO);
        }
        store
    }

    /// Takes over what a context gives to its new sockets.
    pub(crate) fn inherit(&mut self, ipv6: bool, blocky: bool) {
        self.transport.ipv6 = ipv6;
        if !blocky {
            self.linger = Some(Duration::ZERO);
        }
    }

    /// Takes options of security as libzmq does.
    pub(crate) fn be_lenient(&mut self) {
        self.security.lenient = true;
    }

    /// Sets the option of `row` on a socket of `socket_type`.
    pub(crate) fn set(
        &mut self,
        row: &Row,
        value: OptionValue,
        socket_type: SocketType,
    ) -> Result<Effect, OptionError> {
        if row.access == Access::Get {
            return Err(OptionError::ReadOnly(row.name));
        }
        let value = value.of_kind(row)?;
        // What is so already needs nothing that is not built in.
        if let Place::Missing(needs) = row.place {
            return if row.default_value().as_ref() == Some(&value) {
                Ok(Effect::Stored)
            } else {
                Err(OptionError::NotBuiltIn {
                    option: row.name,
                    needs,
                })
            };
        }
        if !row.is_for(socket_type) {
            return Err(OptionError::NotForThisType {
                option: row.name,
                socket_type,
            });
        }
        row.check_range(&value)?;

        let refused = |range: &str| OptionError::OutOfRange {
            option: row.name,
            value: row.show(&value),
            range: range.to_owned(),
        };
        match row.place {
            Place::Field { set, .. } | Place::Special(set) => {
                set(self, &value).map_err(refused)?;
                Ok(Effect::Stored)
            }
            Place::LiveField { set, tell, .. } => {
                set(self, &value).map_err(refused)?;
                Ok(Effect::Live(tell(self)))
            }
            Place::Pattern(tell) => tell(&value)
                .map(Effect::Pattern)
                .ok_or_else(|| row.wrong_type(row.show(&value))),
            Place::PatternField { set, tell, .. } => {
                set(self, &value).map_err(refused)?;
                Ok(match tell(&value) {
                    Some(setting) if row.heeded_by(socket_type) => Effect::Pattern(setting),
                    _ => Effect::Stored,
                })
            }
            Place::Ask(_) | Place::Told(_) => Err(OptionError::ReadOnly(row.name)),
            Place::Missing(needs) => Err(OptionError::NotBuiltIn {
                option: row.name,
                needs,
            }),
        }
    }

    /// The value of the option of `row`, or that the socket must be asked.
    pub(crate) fn value(&self, row: &Row) -> Result<Answer, OptionError> {
        if row.access == Access::Set {
            return Err(OptionError::WriteOnly(row.name));
        }
        let default = || row.default_value().map(Answer::Known);
        match row.place {
            Place::Field { get, .. }
            | Place::LiveField { get, .. }
            | Place::PatternField { get, .. }
            | Place::Told(get) => Ok(Answer::Known(get(self))),
            Place::Ask(ask) => Ok(Answer::Ask(ask)),
            Place::Pattern(_) | Place::Special(_) => Err(OptionError::WriteOnly(row.name)),
            Place::Missing(needs) => default().ok_or(OptionError::NotBuiltIn {
                option: row.name,
                needs,
            }),
        }
    }

    /// Before the table's defaults are filled in.
    fn blank() -> Self {
        Self {
            affinity: 0,
            routing_id: Bytes::new(),
            linger: None,
            reconnect_delay: None,
            reconnect_interval_max: None,
            max_message_size: None,
            send_hwm: 0,
            recv_hwm: 0,
            recv_timeout: None,
            send_timeout: None,
            immediate: false,
            conflate_wanted: false,
            invert_matching: false,
            connect_routing_id: None,
            handshake_timeout: None,
            heartbeat_interval: None,
            heartbeat_ttl: None,
            heartbeat_patience: None,
            metadata: Vec::new(),
            reconnect_stop: 0,
            loopback_fastpath: false,
            security: SecuritySettings::default(),
            router_notify: 0,
            hello_message: Bytes::new(),
            disconnect_message: Bytes::new(),
            hiccup_message: Bytes::new(),
            in_batch: None,
            out_batch: None,
            multicast_rate: 0,
            multicast_recovery: 0,
            multicast_hops: 0,
            multicast_datagram: 0,
            multicast_loop: false,
            transport: TransportOptions::default(),
        }
    }
}

/// What the engine reads.
impl SocketOptions {
    /// Settings of tcp and ipc.
    pub(crate) fn transport(&self) -> &TransportOptions {
        &self.transport
    }

    /// Mechanism, keys and the like.
    pub(crate) fn security(&self) -> &SecuritySettings {
        &self.security
    }

    /// I/O threads that may serve new connections, one bit each; 0 for all.
    pub(crate) fn affinity(&self) -> u64 {
        self.affinity
    }

    /// The identity to announce; may be empty.
    pub(crate) fn routing_id(&self) -> &Bytes {
        &self.routing_id
    }

    /// How long unsent messages outlive the close; `None` is for ever.
    pub(crate) fn linger(&self) -> Option<Duration> {
        self.linger
    }

    /// The first wait before a reconnect; `None` is never.
    pub(crate) fn reconnect_interval(&self) -> Option<Duration> {
        self.reconnect_delay.filter(|delay| !delay.is_zero())
    }

    /// Up to where that wait doubles; `None` keeps it.
    pub(crate) fn reconnect_interval_max(&self) -> Option<Duration> {
        self.reconnect_interval_max
    }

    /// The longest frame to receive, bytes.
    pub(crate) fn max_message_size(&self) -> Option<u64> {
        self.max_message_size
    }

    /// Outgoing messages to queue for each peer; 0 is no limit.
    pub(crate) fn send_hwm(&self) -> usize {
        self.send_hwm
    }

    /// Incoming messages to queue for each peer; 0 is no limit.
    pub(crate) fn recv_hwm(&self) -> usize {
        self.recv_hwm
    }

    /// How long a receive waits; `None` is for ever.
    pub(crate) fn recv_timeout(&self) -> Option<Duration> {
        self.recv_timeout
    }

    /// How long a send waits; `None` is for ever.
    pub(crate) fn send_timeout(&self) -> Option<Duration> {
        self.send_timeout
    }

    /// Whether to queue only for complete connections.
    pub(crate) fn immediate(&self) -> bool {
        self.immediate
    }

    /// Whether queues of a socket of `socket_type` keep only the newest
    /// message; types that cannot ignore the option.
    pub(crate) fn conflate(&self, socket_type: SocketType) -> bool {
        self.conflate_wanted
            && row_by_name("CONFLATE").is_some_and(|row| row.heeded_by(socket_type))
    }

    /// Takes the routing id asked for the peer of the next connect.
    pub(crate) fn take_connect_routing_id(&mut self) -> Option<Bytes> {
        self.connect_routing_id.take()
    }

    /// How long a handshake may take; `None` is for ever.
    pub(crate) fn handshake_timeout(&self) -> Option<Duration> {
        self.handshake_timeout
    }

    /// How often to ping; `None` is never.
    pub(crate) fn heartbeat_interval(&self) -> Option<Duration> {
        self.heartbeat_interval
    }

    /// How long the peer may wait for the next ping, in whole tenths of a
    /// second; `None` is for ever.
    pub(crate) fn heartbeat_ttl(&self) -> Option<Duration> {
        self.heartbeat_ttl
    }

    /// How long to wait for traffic after a ping: HEARTBEAT_TIMEOUT, or
    /// unless set HEARTBEAT_IVL; `None` is for ever.
    pub(crate) fn heartbeat_timeout(&self) -> Option<Duration> {
        self.heartbeat_patience
            .or(self.heartbeat_interval)
            .filter(|timeout| !timeout.is_zero())
    }

    /// What a ROUTER hears of connections: their begin (1) and end (2).
    pub(crate) fn router_notify(&self) -> u32 {
        self.router_notify
    }

    /// What goes first over each connection of a socket of `socket_type`.
    pub(crate) fn hello_message(&self, socket_type: SocketType) -> Option<&Bytes> {
        heeded("HELLO_MSG", socket_type, &self.hello_message)
    }

    /// What a socket of `socket_type` receives when an accepted peer leaves.
    pub(crate) fn disconnect_message(&self, socket_type: SocketType) -> Option<&Bytes> {
        heeded("DISCONNECT_MSG", socket_type, &self.disconnect_message)
    }

    /// What a socket of `socket_type` receives when it loses a connection that
    /// it made.
    pub(crate) fn hiccup_message(&self, socket_type: SocketType) -> Option<&Bytes> {
        heeded("HICCUP_MSG", socket_type, &self.hiccup_message)
    }

    /// The most to read at once, bytes; `None` for what is usual.
    pub(crate) fn in_batch(&self) -> Option<usize> {
        self.in_batch
    }

    /// How much to gather for a write, bytes; `None` for what is usual.
    pub(crate) fn out_batch(&self) -> Option<usize> {
        self.out_batch
    }

    /// `X-` properties for the handshake, in the order they were set.
    pub(crate) fn metadata(&self) -> &[(String, Bytes)] {
        &self.metadata
    }

    /// After what to give an endpoint up: refusal (1), failed handshake (2),
    /// disconnect (4).
    pub(crate) fn reconnect_stop(&self) -> u32 {
        self.reconnect_stop
    }
}

/// The message that option `name` holds, if there is one and the type heeds it.
fn heeded<'a>(name: &str, socket_type: SocketType, message: &'a Bytes) -> Option<&'a Bytes> {
    let row = row_by_name(name).filter(|row| row.heeded_by(socket_type));
    row.and(Some(message)).filter(|message| !message.is_empty())
}

impl OptionError {
    /// A pattern's refusal, as the refusal of an option.
    pub(crate) fn from_setting(row: &Row, source: SettingError) -> Self {
        Self::Setting {
            option: row.name,
            source,
        }
    }
}
