//! THE table of options. Each row reads: number, name, other names; kind,
//! default, access, when it takes hold, socket types, group, status; how the
//! value is written (its codec) and where it is kept; the typed option of
//! [`super::opt`] and its builder method with the argument it takes, where
//! there is one; what it does.

use super::codec;
use super::row::{Access, Default, Group, Kind, Place, Row, Status, Types, When};
use super::store::{Ask, Live, SocketOptions};
use super::{security, special};
use crate::SocketType;
use crate::pattern::Setting;

/// Hands all rows to the macro named.
macro_rules! option_table {
    ($callback:ident) => { $callback! {
    4 AFFINITY [], Kind::U64, Default::U64(0), SetGet Next ALL Socket Stable,
        Bitmap in own(affinity), as Affinity(u64) affinity(u64),
        "I/O threads that may serve new connections, one bit each; 0 for all.";
    5 ROUTING_ID [IDENTITY], bytes(1, 255), Default::Bytes(b""), SetGet Next IDENTIFIED Socket Stable,
        Blob in own(routing_id), as RoutingId(Bytes) routing_id(impl AsRef<[u8]>),
        "The identity this socket announces to ROUTER peers, 1 to 255 bytes; those with a leading 0 are reserved.";
    6 SUBSCRIBE [], any_bytes(), Default::Nothing, Set Live SUBSCRIBERS Pattern Stable,
        Blob in pattern(Subscribe), as Subscribe(Bytes) subscribe(impl AsRef<[u8]>),
        "Adds a prefix to receive; counted, so each needs its own UNSUBSCRIBE. On a manual XPUB, what the last subscriber gets.";
    7 UNSUBSCRIBE [], any_bytes(), Default::Nothing, Set Live SUBSCRIBERS Pattern Stable,
        Blob in pattern(Unsubscribe), as Unsubscribe(Bytes) unsubscribe(impl AsRef<[u8]>),
        "Takes one instance of a prefix away.";
    8 RATE [], from(1), Default::Int(100), SetGet Next ALL Multicast Stable,
        Count in own(multicast_rate),
        "The greatest multicast rate, kilobits per second.";
    9 RECOVERY_IVL [], from(0), Default::Int(10_000), SetGet Next ALL Multicast Stable,
        Count in own(multicast_recovery),
        "How long multicast data can be recovered, milliseconds.";
    11 SNDBUF [], from(-1), Default::Int(-1), SetGet Next ALL Transport Stable,
        MaybeSize in transport(send_buffer), as SendBuffer(Option<usize>) send_buffer(impl Into<Option<usize>>),
        "SO_SNDBUF in bytes; -1 (none) for the system's choice.";
    12 RCVBUF [], from(-1), Default::Int(-1), SetGet Next ALL Transport Stable,
        MaybeSize in transport(receive_buffer), as ReceiveBuffer(Option<usize>) receive_buffer(impl Into<Option<usize>>),
        "SO_RCVBUF in bytes; -1 (none) for the system's choice.";
    13 RCVMORE [], SWITCH, Default::Nothing, Get Live ALL Socket Stable,
        None in ask(MoreParts),
        "Whether parts of the message last received remain.";
    14 FD [], any_int(), Default::Nothing, Get Live ALL Socket Stable,
        None in ask(Descriptor),
        "A descriptor that becomes readable when EVENTS may have changed.";
    15 EVENTS [], any_int(), Default::Nothing, Get Live ALL Socket Stable,
        None in ask(Events),
        "Whether a send (2) or a receive (1) would succeed now.";
    16 TYPE [], any_int(), Default::Nothing, Get Live ALL Socket Stable,
        None in ask(SocketType),
        "The socket's type.";
    17 LINGER [], from(-1), Default::Int(-1), SetGet Live ALL Connection Stable,
        MillisOrNone in own_live(linger, Linger), as Linger(Option<Duration>) linger(impl Into<Option<Duration>>),
        "How long unsent messages outlive the close, milliseconds; -1 (none) for ever.";
    18 RECONNECT_IVL [], from(-1), Default::Int(100), SetGet Next ALL Connection Stable,
        MillisOrNone in own(reconnect_delay), as ReconnectInterval(Option<Duration>) reconnect_interval(impl Into<Option<Duration>>),
        "The first wait before a reconnect, milliseconds; -1 (none) and 0 for never.";
    19 BACKLOG [], from(0), Default::Int(100), SetGet Next ALL Transport Stable,
        Count in transport(backlog), as Backlog(u32) backlog(u32),
        "Connections that may wait to be accepted (listen(2)).";
    21 RECONNECT_IVL_MAX [], from(0), Default::Int(0), SetGet Next ALL Connection Stable,
        MillisOrOff in own(reconnect_interval_max), as ReconnectIntervalMax(Option<Duration>) reconnect_interval_max(impl Into<Option<Duration>>),
        "Up to where the wait before a reconnect doubles, milliseconds; 0 (none) to keep it as it is.";
    22 MAXMSGSIZE [], Kind::I64 { min: i64::MIN }, Default::I64(-1), SetGet Next ALL Connection Stable,
        Limit in own(max_message_size), as MaxMessageSize(Option<u64>) max_message_size(impl Into<Option<u64>>),
        "The longest frame to receive, bytes; a longer one ends the connection. -1 (none) for no limit.";
    23 SNDHWM [], from(0), Default::Int(1000), SetGet Live ALL Socket Stable,
        Size in own_live(send_hwm, SendHwm), as SendHighWaterMark(usize) send_high_water_mark(usize),
        "Outgoing messages to queue for each peer; 0 for no limit.";
    24 RCVHWM [], from(0), Default::Int(1000), SetGet Live ALL Socket Stable,
        Size in own_live(recv_hwm, RecvHwm), as ReceiveHighWaterMark(usize) receive_high_water_mark(usize),
        "Incoming messages to queue for each peer; 0 for no limit.";
    25 MULTICAST_HOPS [], from(1), Default::Int(1), SetGet Next ALL Multicast Stable,
        Count in own(multicast_hops),
        "How many routers a multicast packet may pass.";
    27 RCVTIMEO [], from(-1), Default::Int(-1), SetGet Live ALL Socket Stable,
        MillisOrNone in own(recv_timeout), as ReceiveTimeout(Option<Duration>) receive_timeout(impl Into<Option<Duration>>),
        "How long a receive waits, milliseconds; -1 (none) for ever.";
    28 SNDTIMEO [], from(-1), Default::Int(-1), SetGet Live ALL Socket Stable,
        MillisOrNone in own(send_timeout), as SendTimeout(Option<Duration>) send_timeout(impl Into<Option<Duration>>),
        "How long a send waits, milliseconds; -1 (none) for ever.";
    31 IPV4ONLY [], SWITCH, Default::Int(1), SetGet Next ALL Transport Deprecated,
        Inverse in transport(ipv6),
        "The contrary of IPV6.";
    32 LAST_ENDPOINT [], any_text(), Default::Nothing, Get Live ALL Socket Stable,
        None in ask(LastEndpoint),
        "The endpoint last bound, wildcards filled in, or connected to.";
    33 ROUTER_MANDATORY [FAIL_UNROUTABLE, ROUTER_BEHAVIOR], LOOSE, Default::Int(0), Set Live ROUTER Pattern Stable,
        Switch in pattern(RouterMandatory), as RouterMandatory(bool) router_mandatory(bool),
        "Whether a message to nobody is an error and one to a full peer waits, instead of being dropped.";
    34 TCP_KEEPALIVE [], int(-1, 1), Default::Int(-1), SetGet Next ALL Transport Stable,
        MaybeSwitch in transport(tcp_keepalive), as TcpKeepalive(Option<bool>) tcp_keepalive(impl Into<Option<bool>>),
        "SO_KEEPALIVE; -1 (none) for the system's choice.";
    35 TCP_KEEPALIVE_CNT [], from(-1), Default::Int(-1), SetGet Next ALL Transport Stable,
        MaybeCount in transport(tcp_keepalive_count), as TcpKeepaliveCount(Option<u32>) tcp_keepalive_count(impl Into<Option<u32>>),
        "TCP_KEEPCNT; -1 (none) for the system's choice.";
    36 TCP_KEEPALIVE_IDLE [], from(-1), Default::Int(-1), SetGet Next ALL Transport Stable,
        SecondsOrNone in transport(tcp_keepalive_idle), as TcpKeepaliveIdle(Option<Duration>) tcp_keepalive_idle(impl Into<Option<Duration>>),
        "TCP_KEEPIDLE in seconds; -1 (none) for the system's choice.";
    37 TCP_KEEPALIVE_INTVL [], from(-1), Default::Int(-1), SetGet Next ALL Transport Stable,
        SecondsOrNone in transport(tcp_keepalive_interval), as TcpKeepaliveInterval(Option<Duration>) tcp_keepalive_interval(impl Into<Option<Duration>>),
        "TCP_KEEPINTVL in seconds; -1 (none) for the system's choice.";
    38 TCP_ACCEPT_FILTER [], any_text(), Default::Nothing, Set Next ALL Transport Deprecated,
        Words in special(add_tcp_filter), as TcpAcceptFilter(String) tcp_accept_filter(impl Into<String>),
        "Adds a network, such as 10.0.0.0/8, whose peers may connect; empty text clears the list.";
    39 IMMEDIATE [DELAY_ATTACH_ON_CONNECT], SWITCH, Default::Int(0), SetGet Next ALL Connection Stable,
        Switch in own(immediate), as Immediate(bool) immediate(bool),
        "Whether messages are queued only for connections that are complete.";
    40 XPUB_VERBOSE [], LOOSE, Default::Int(0), Set Live PUBLISHERS Pattern Stable,
        Switch in pattern(XpubVerbose), as XpubVerbose(bool) xpub_verbose(bool),
        "Whether repeated subscriptions are passed up as well.";
    41 ROUTER_RAW [], LOOSE, Default::Int(0), Set Next ROUTER Pattern Stable,
        Switch in pattern(RouterRaw), as RouterRaw(bool) router_raw(bool),
        "Whether peers are raw tcp; STREAM has taken its place.";
    42 IPV6 [], SWITCH, Default::Int(0), SetGet Next ALL Transport Stable,
        Switch in transport(ipv6), as Ipv6(bool) ipv6(bool),
        "Whether tcp uses IPv6 beside IPv4.";
    43 MECHANISM [], int(0, 3), Default::Int(0), Get Next ALL Security Stable,
        None in told(mechanism),
        "The security mechanism: 0 NULL, 1 PLAIN, 2 CURVE, 3 GSSAPI.";
    44 PLAIN_SERVER [], SWITCH, Default::Int(0), SetGet Next ALL Security Stable,
        Switch in secured(set_plain_server, plain_server), as PlainServer(bool) plain_server(bool),
        "Whether this side is the server, and has passwords checked.";
    45 PLAIN_USERNAME [], octets(255), Default::Text(""), SetGet Next ALL Security Stable,
        Words in secured(set_plain_username, plain_username), as PlainUsername(String) plain_username(impl Into<String>),
        "The user to log in as.";
    46 PLAIN_PASSWORD [], octets(255), Default::Text(""), SetGet Next ALL Security Stable,
        Secret in secured(set_plain_password, plain_password), as PlainPassword(crate::security::Password) plain_password(impl Into<crate::security::Password>),
        "The password to log in with.";
    47 CURVE_SERVER [], SWITCH, Default::Int(0), SetGet Next ALL Security Stable,
        Switch in secured(set_curve_server, curve_server), as CurveServer(bool) curve_server(bool),
        "Whether this side is the server of the handshake.";
    48 CURVE_PUBLICKEY [], Kind::Key, Default::Nothing, SetGet Next ALL Security Stable,
        Public in secured(set_curve_public_key, curve_public_key), as CurvePublicKey(crate::security::PublicKey) curve_public_key(crate::security::PublicKey),
        "A client's long-term public key, 32 bytes or 40 characters of Z85.";
    49 CURVE_SECRETKEY [], Kind::Key, Default::Nothing, SetGet Next ALL Security Stable,
        SecretHalf in secured(set_curve_secret_key, curve_secret_key), as CurveSecretKey(crate::security::SecretKey) curve_secret_key(crate::security::SecretKey),
        "This side's long-term secret key, 32 bytes or 40 characters of Z85.";
    50 CURVE_SERVERKEY [], Kind::Key, Default::Nothing, SetGet Next ALL Security Stable,
        Public in secured(set_curve_server_key, curve_server_key), as CurveServerKey(crate::security::PublicKey) curve_server_key(crate::security::PublicKey),
        "The server's long-term public key, 32 bytes or 40 characters of Z85; makes this side a client.";
    51 PROBE_ROUTER [], LOOSE, Default::Int(0), Set Live PROBERS Pattern Stable,
        Switch in pattern(ProbeRouter), as ProbeRouter(bool) probe_router(bool),
        "Whether each new connection starts with an empty message.";
    52 REQ_CORRELATE [], LOOSE, Default::Int(0), Set Live REQ Pattern Stable,
        Switch in pattern(ReqCorrelate), as ReqCorrelate(bool) req_correlate(bool),
        "Whether requests carry a number that replies must match.";
    53 REQ_RELAXED [], LOOSE, Default::Int(0), Set Live REQ Pattern Stable,
        Switch in pattern(ReqRelaxed), as ReqRelaxed(bool) req_relaxed(bool),
        "Whether a new request may be sent before the reply to the last.";
    54 CONFLATE [], SWITCH, Default::Int(0), SetGet Next CONFLATING Socket Stable,
        Switch in own(conflate_wanted), as Conflate(bool) conflate(bool),
        "Whether each queue keeps only its newest message, of one part.";
    55 ZAP_DOMAIN [], text(255), Default::Text(""), SetGet Next ALL Security Stable,
        Words in security(zap_domain), as ZapDomain(String) zap_domain(impl Into<String>),
        "The domain for authentication (RFC 27).";
    56 ROUTER_HANDOVER [], LOOSE, Default::Int(0), Set Live ROUTER Pattern Stable,
        Switch in pattern(RouterHandover), as RouterHandover(bool) router_handover(bool),
        "Whether a new peer takes a routing id over from the one that has it.";
    57 TOS [], from(0), Default::Int(0), SetGet Next ALL Transport Stable,
        Count in transport(tos), as TypeOfService(u32) type_of_service(u32),
        "IP_TOS or IPV6_TCLASS of tcp connections.";
    58 IPC_FILTER_PID [], Kind::Id, Default::Nothing, Set Next ALL Transport Deprecated,
        None in special(add_pid_filter),
        "Adds a process that may connect over ipc; nothing clears the list.";
    59 IPC_FILTER_UID [], Kind::Id, Default::Nothing, Set Next ALL Transport Deprecated,
        None in special(add_uid_filter),
        "Adds a user whose processes may connect over ipc; nothing clears the list.";
    60 IPC_FILTER_GID [], Kind::Id, Default::Nothing, Set Next ALL Transport Deprecated,
        None in special(add_gid_filter),
        "Adds a group whose members may connect over ipc; nothing clears the list.";
    61 CONNECT_ROUTING_ID [CONNECT_RID], bytes(1, 255), Default::Nothing, Set Next ADDRESSING Socket Stable,
        MaybeBlob in special(set_connect_routing_id), as ConnectRoutingId(Option<Bytes>) connect_routing_id(impl AsRef<[u8]>),
        "The routing id by which to know the peer of the next connect, 1 to 255 bytes, the first not 0.";
    62 GSSAPI_SERVER [], SWITCH, Default::Int(0), SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "Whether this side is the server.";
    63 GSSAPI_PRINCIPAL [], text(255), Default::Nothing, SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "This side's principal.";
    64 GSSAPI_SERVICE_PRINCIPAL [], text(255), Default::Nothing, SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "The server's principal.";
    65 GSSAPI_PLAINTEXT [], SWITCH, Default::Int(0), SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "Whether to leave traffic unencrypted.";
    66 HANDSHAKE_IVL [], from(0), Default::Int(30_000), SetGet Next ALL Connection Stable,
        MillisOrOff in own(handshake_timeout), as HandshakeTimeout(Option<Duration>) handshake_timeout(impl Into<Option<Duration>>),
        "How long a handshake may take, milliseconds; 0 (none) for ever.";
    68 SOCKS_PROXY [], any_text(), Default::Text(""), SetGet Next ALL Transport Stable,
        MaybeWords in transport_if(is_proxy, socks_proxy), as SocksProxy(Option<String>) socks_proxy(impl Into<Option<String>>),
        "The SOCKS5 proxy through which tcp connects, `host:port` or `source:port;host:port` (RFC 1928); empty (none) for none. It is asked for names as they are. CONNECT_TIMEOUT covers what is said to it, as does HANDSHAKE_IVL.";
    69 XPUB_NODROP [], LOOSE, Default::Int(0), Set Live PUBLISHERS_AND_RADIO Pattern Stable,
        Switch in pattern(XpubNoDrop), as XpubNoDrop(bool) xpub_no_drop(bool),
        "Whether a send waits for the slowest subscriber instead of dropping its copy.";
    71 XPUB_MANUAL [], LOOSE, Default::Int(0), Set Live PUBLISHERS Pattern Stable,
        Switch in pattern(XpubManual), as XpubManual(bool) xpub_manual(bool),
        "Whether the application decides what each subscriber gets.";
    72 XPUB_WELCOME_MSG [], any_bytes(), Default::Nothing, Set Live PUBLISHERS Pattern Stable,
        Blob in pattern(XpubWelcomeMessage), as XpubWelcomeMessage(Bytes) xpub_welcome_message(impl AsRef<[u8]>),
        "A message for each new subscriber; of no bytes, none.";
    73 STREAM_NOTIFY [], SWITCH, Default::Int(1), Set Live STREAM Pattern Stable,
        Switch in pattern(StreamNotify), as StreamNotify(bool) stream_notify(bool),
        "Whether an empty message tells of each connect and disconnect.";
    74 INVERT_MATCHING [], TRUTH, Default::Int(0), SetGet Live INVERTING Pattern Stable,
        Switch in pattern_own(invert_matching, InvertMatching), as InvertMatching(bool) invert_matching(bool),
        "Whether what matches no subscription is delivered, instead of what does.";
    75 HEARTBEAT_IVL [], from(0), Default::Int(0), SetGet Next ALL Connection Stable,
        MillisOrOff in own(heartbeat_interval), as HeartbeatInterval(Option<Duration>) heartbeat_interval(impl Into<Option<Duration>>),
        "How often to ping, milliseconds; 0 (none) for never.";
    76 HEARTBEAT_TTL [], int(0, 6_553_599), Default::Int(0), SetGet Next ALL Connection Stable,
        TenthsOrOff in own(heartbeat_ttl), as HeartbeatTtl(Option<Duration>) heartbeat_ttl(impl Into<Option<Duration>>),
        "How long the peer may wait for our next ping, milliseconds in steps of 100; 0 (none) for ever.";
    77 HEARTBEAT_TIMEOUT [], from(0), Default::Int(-1), SetGet Next ALL Connection Stable,
        MillisOrNone in own(heartbeat_patience), as HeartbeatTimeout(Option<Duration>) heartbeat_timeout(impl Into<Option<Duration>>),
        "How long to wait for traffic after a ping, milliseconds; unset, as long as HEARTBEAT_IVL.";
    78 XPUB_VERBOSER [], LOOSE, Default::Int(0), Set Live PUBLISHERS Pattern Stable,
        Switch in pattern(XpubVerboser), as XpubVerboser(bool) xpub_verboser(bool),
        "Whether repeated subscriptions and all unsubscriptions are passed up as well.";
    79 CONNECT_TIMEOUT [], from(0), Default::Int(0), SetGet Next ALL Transport Stable,
        MillisOrOff in transport(connect_timeout), as ConnectTimeout(Option<Duration>) connect_timeout(impl Into<Option<Duration>>),
        "How long a connect may take, milliseconds; 0 (none) for the system's choice.";
    80 TCP_MAXRT [], from(0), Default::Int(0), SetGet Next ALL Transport Stable,
        MillisOrOff in transport(tcp_max_rt), as TcpMaxRetransmit(Option<Duration>) tcp_max_retransmit(impl Into<Option<Duration>>),
        "TCP_USER_TIMEOUT in milliseconds; 0 (none) for the system's choice.";
    81 THREAD_SAFE [], SWITCH, Default::Nothing, Get Live ALL Socket Stable,
        None in ask(ThreadSafe),
        "Whether the type is one that libzmq lets threads share.";
    84 MULTICAST_MAXTPDU [], from(1), Default::Int(1500), SetGet Next ALL Multicast Stable,
        Count in own(multicast_datagram),
        "The longest multicast datagram, bytes.";
    85 VMCI_BUFFER_SIZE [], Kind::U64, Default::Nothing, Set Next ALL OtherTransport Stable,
        None in missing("VMCI"),
        "The buffer of a VMCI connection, bytes.";
    86 VMCI_BUFFER_MIN_SIZE [], Kind::U64, Default::Nothing, Set Next ALL OtherTransport Stable,
        None in missing("VMCI"),
        "The least buffer of a VMCI connection, bytes.";
    87 VMCI_BUFFER_MAX_SIZE [], Kind::U64, Default::Nothing, Set Next ALL OtherTransport Stable,
        None in missing("VMCI"),
        "The greatest buffer of a VMCI connection, bytes.";
    88 VMCI_CONNECT_TIMEOUT [], any_int(), Default::Nothing, Set Next ALL OtherTransport Stable,
        None in missing("VMCI"),
        "How long a VMCI connect may take, milliseconds.";
    89 USE_FD [], Kind::Fd, Default::Int(-1), SetGet Next ALL Transport Stable,
        Descriptor in transport(use_fd), as UseFd(Option<ListeningFd>) use_fd(impl Into<Option<ListeningFd>>),
        "A descriptor that already listens, for the next bind to use.";
    90 GSSAPI_PRINCIPAL_NAMETYPE [], int(0, 2), Default::Int(0), SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "The kind of name in GSSAPI_PRINCIPAL.";
    91 GSSAPI_SERVICE_PRINCIPAL_NAMETYPE [], int(0, 2), Default::Int(0), SetGet Next ALL Security Stable,
        None in missing("GSSAPI"),
        "The kind of name in GSSAPI_SERVICE_PRINCIPAL.";
    92 BINDTODEVICE [], text(16), Default::Text(""), SetGet Next ALL Transport Stable,
        MaybeWords in transport(bind_to_device), as BindToDevice(Option<String>) bind_to_device(impl Into<Option<String>>),
        "SO_BINDTODEVICE: the interface to keep tcp to; empty (none) for any.";
    93 ZAP_ENFORCE_DOMAIN [], TRUTH, Default::Int(0), SetGet Next ALL Security Draft,
        Switch in security(zap_enforce_domain), as ZapEnforceDomain(bool) zap_enforce_domain(bool),
        "Whether authentication is asked only for a domain, as RFC 27 says.";
    94 LOOPBACK_FASTPATH [], TRUTH, Default::Int(0), SetGet Next ALL Transport Draft,
        Switch in own(loopback_fastpath),
        "SIO_LOOPBACK_FAST_PATH; does nothing but on Windows.";
    95 METADATA [], any_text(), Default::Nothing, Set Next ALL Connection Draft,
        Words in special(add_metadata), as Metadata(String) metadata(impl Into<String>),
        "Adds `X-name:value` to what the handshake tells of this socket.";
    96 MULTICAST_LOOP [], TRUTH, Default::Int(1), SetGet Next ALL Multicast Draft,
        Switch in own(multicast_loop),
        "Whether a multicast sender hears itself.";
    97 ROUTER_NOTIFY [], int(0, 3), Default::Int(0), SetGet Next ROUTER Connection Draft,
        Count in own(router_notify), as RouterNotify(u32) router_notify(u32),
        "Whether a message of routing id and nothing tells of connects (1) and disconnects (2) over tcp and ipc.";
    98 XPUB_MANUAL_LAST_VALUE [], LOOSE, Default::Int(0), Set Live PUBLISHERS Pattern Draft,
        Switch in pattern(XpubManualLastValue), as XpubManualLastValue(bool) xpub_manual_last_value(bool),
        "As XPUB_MANUAL, and the first send after each report received goes to the peer of that report only.";
    99 SOCKS_USERNAME [], text(255), Default::Text(""), SetGet Next ALL Transport Draft,
        MaybeWords in transport(socks_username), as SocksUsername(Option<String>) socks_username(impl Into<Option<String>>),
        "The user to log in as at the SOCKS5 proxy, in up to 255 bytes (RFC 1929); empty (none) for no login.";
    100 SOCKS_PASSWORD [], text(255), Default::Text(""), SetGet Next ALL Transport Draft,
        Secret in transport(socks_password), as SocksPassword(crate::security::Password) socks_password(impl Into<crate::security::Password>),
        "The password to log in with there, up to 255 bytes, which travel as they are; nothing without SOCKS_USERNAME.";
    101 IN_BATCH_SIZE [], from(1), Default::Int(8192), SetGet Next ALL Connection Draft,
        Batch in own(in_batch), as InBatchSize(Option<usize>) in_batch_size(impl Into<Option<usize>>),
        "The most to read from a connection at once, bytes; 8192 (none) leaves it to the library. Long messages are read into their place whatever it is.";
    102 OUT_BATCH_SIZE [], from(1), Default::Int(8192), SetGet Next ALL Connection Draft,
        Batch in own(out_batch), as OutBatchSize(Option<usize>) out_batch_size(impl Into<Option<usize>>),
        "How much to gather for one write to a connection, bytes; 8192 (none) leaves it to the library. A write takes whole messages.";
    103 WSS_KEY_PEM [], any_text(), Default::Nothing, Set Next ALL OtherTransport Draft,
        None in missing("WebSocket"),
        "The TLS key.";
    104 WSS_CERT_PEM [], any_text(), Default::Nothing, Set Next ALL OtherTransport Draft,
        None in missing("WebSocket"),
        "The TLS certificate.";
    105 WSS_TRUST_PEM [], any_text(), Default::Nothing, Set Next ALL OtherTransport Draft,
        None in missing("WebSocket"),
        "The certificate authorities to trust.";
    106 WSS_HOSTNAME [], any_text(), Default::Nothing, Set Next ALL OtherTransport Draft,
        None in missing("WebSocket"),
        "The host name that the server must prove.";
    107 WSS_TRUST_SYSTEM [], SWITCH, Default::Int(0), Set Next ALL OtherTransport Draft,
        None in missing("WebSocket"),
        "Whether to trust the system's certificate authorities.";
    108 ONLY_FIRST_SUBSCRIBE [], LOOSE, Default::Int(0), Set Live XPUB_AND_XSUB Pattern Draft,
        Switch in pattern(OnlyFirstSubscribe), as OnlyFirstSubscribe(bool) only_first_subscribe(bool),
        "Whether only the first part of a message can subscribe or unsubscribe.";
    109 RECONNECT_STOP [], int(0, 7), Default::Int(0), SetGet Next ALL Connection Draft,
        Count in own(reconnect_stop), as ReconnectStop(u32) reconnect_stop(u32),
        "After what to give an endpoint up: connection refused (1), handshake failed (2), a disconnect while there is no connection (4).";
    110 HELLO_MSG [], any_bytes(), Default::Nothing, Set Next GREETING Connection Draft,
        Blob in own(hello_message), as HelloMessage(Bytes) hello_message(impl AsRef<[u8]>),
        "A message that is sent first over each new connection; of no bytes, none.";
    111 DISCONNECT_MSG [], any_bytes(), Default::Nothing, Set Next ACCEPTING Connection Draft,
        Blob in own(disconnect_message), as DisconnectMessage(Bytes) disconnect_message(impl AsRef<[u8]>),
        "A message to receive when an accepted peer leaves, as if it had sent it; of no bytes, none.";
    112 PRIORITY [], from(0), Default::Int(0), SetGet Next ALL Transport Draft,
        Count in transport(priority), as Priority(u32) priority(u32),
        "SO_PRIORITY.";
    113 BUSY_POLL [], from(0), Default::Int(0), SetGet Next ALL Transport Draft,
        Count in transport(busy_poll), as BusyPoll(u32) busy_poll(u32),
        "SO_BUSY_POLL in microseconds.";
    114 HICCUP_MSG [], any_bytes(), Default::Nothing, Set Next CONNECTING Connection Draft,
        Blob in own(hiccup_message), as HiccupMessage(Bytes) hiccup_message(impl AsRef<[u8]>),
        "A message to receive when a connection made to a peer is lost, as if the peer had sent it; of no bytes, none.";
    115 XSUB_VERBOSE_UNSUBSCRIBE [], TRUTH, Default::Int(0), Set Live XSUB Pattern Draft,
        Switch in pattern(XsubVerboseUnsubscribe), as XsubVerboseUnsubscribe(bool) xsub_verbose_unsubscribe(bool),
        "Whether repeated unsubscriptions are passed on.";
    116 TOPICS_COUNT [], any_int(), Default::Nothing, Get Live COUNTING Pattern Draft,
        None in ask(TopicsCount),
        "How many distinct prefixes are subscribed to.";
    117 NORM_MODE [], int(0, 4), Default::Int(1), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Fixed rate (0) or one of the congestion controls (1 to 4).";
    118 NORM_UNICAST_NACK [], SWITCH, Default::Int(0), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Whether a receiver asks for repair by unicast.";
    119 NORM_BUFFER_SIZE [], from(1), Default::Int(2048), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "The buffer, kilobytes.";
    120 NORM_SEGMENT_SIZE [], from(1), Default::Int(1400), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "The payload of a packet, bytes.";
    121 NORM_BLOCK_SIZE [], int(1, 255), Default::Int(16), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Segments in a block of error correction.";
    122 NORM_NUM_PARITY [], int(0, 254), Default::Int(4), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Parity segments computed for each block.";
    123 NORM_NUM_AUTOPARITY [], int(0, 254), Default::Int(0), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Parity segments sent unasked.";
    124 NORM_PUSH [], SWITCH, Default::Int(0), SetGet Next ALL Multicast Draft,
        None in missing("NORM"),
        "Whether the stream pushes old data out.";
    10_001 IPC_TAKEOVER [], SWITCH, Default::Int(1), SetGet Next ALL Transport Own,
        Switch in transport(steal_ipc), as IpcTakeover(bool) ipc_takeover(bool),
        "Whether binding an ipc path takes it from a live listener, as in libzmq, or fails as over tcp.";
    } };
}

pub(crate) use option_table;

macro_rules! static_rows {
    ($($number:literal $name:ident [$($alias:ident),*], $kind:expr, $default:expr,
       $access:ident $when:ident $types:ident $group:ident $status:ident,
       $codec:ident in $place:ident($($args:tt)*),
       $(as $option:ident($rust:ty) $method:ident($argument:ty),)? $doc:literal;)*) => {
        /// Every option, by number.
        static ROWS: &[Row] = &[$(Row {
            number: $number,
            name: stringify!($name),
            aliases: &[$(stringify!($alias)),*],
            kind: $kind,
            unit: unit!($codec),
            access: Access::$access,
            when: When::$when,
            types: $types,
            group: Group::$group,
            status: Status::$status,
            doc: $doc,
            default: $default,
            place: place!($codec $place($($args)*)),
        }),*];
    };
}

macro_rules! unit {
    (MillisOrNone) => {
        Some("milliseconds")
    };
    (MillisOrOff) => {
        Some("milliseconds")
    };
    (TenthsOrOff) => {
        Some("milliseconds")
    };
    (SecondsOrNone) => {
        Some("seconds")
    };
    ($codec:ident) => {
        None
    };
}

macro_rules! place {
    (@set $codec:ident $($field:ident).+) => {
        |store: &mut SocketOptions, value| {
            store.$($field).+ = <codec::$codec as codec::Codec>::read(value).ok_or("another kind of value")?;
            Ok(())
        }
    };
    (@get $codec:ident $($field:ident).+) => {
        |store: &SocketOptions| <codec::$codec as codec::Codec>::write(&store.$($field).+)
    };
    (@setting $codec:ident $setting:ident) => {
        |value| <codec::$codec as codec::Codec>::read(value).map(Setting::$setting)
    };
    ($codec:ident own($field:ident)) => {
        Place::Field { set: place!(@set $codec $field), get: place!(@get $codec $field) }
    };
    ($codec:ident own_live($field:ident, $live:ident)) => {
        Place::LiveField {
            set: place!(@set $codec $field),
            get: place!(@get $codec $field),
            tell: |store| Live::$live(store.$field),
        }
    };
    ($codec:ident transport($field:ident)) => {
        Place::Field {
            set: place!(@set $codec transport.$field),
            get: place!(@get $codec transport.$field),
        }
    };
    ($codec:ident transport_if($rule:ident, $field:ident)) => {
        Place::Field {
            set: |store: &mut SocketOptions, value| {
                special::$rule(value)?;
                place!(@set $codec transport.$field)(store, value)
            },
            get: place!(@get $codec transport.$field),
        }
    };
    ($codec:ident security($field:ident)) => {
        Place::Field {
            set: place!(@set $codec security.$field),
            get: place!(@get $codec security.$field),
        }
    };
    ($codec:ident secured($set:ident, $get:ident)) => {
        Place::Field { set: security::$set, get: security::$get }
    };
    ($codec:ident told($get:ident)) => { Place::Told(security::$get) };
    ($codec:ident pattern($setting:ident)) => {
        Place::Pattern(place!(@setting $codec $setting))
    };
    ($codec:ident pattern_own($field:ident, $setting:ident)) => {
        Place::PatternField {
            set: place!(@set $codec $field),
            get: place!(@get $codec $field),
            tell: place!(@setting $codec $setting),
        }
    };
    ($codec:ident special($set:ident)) => { Place::Special(special::$set) };
    ($codec:ident ask($what:ident)) => { Place::Ask(Ask::$what) };
    ($codec:ident missing($needs:literal)) => { Place::Missing($needs) };
}

option_table!(static_rows);

/// Every option, by number.
pub fn rows() -> &'static [Row] {
    ROWS
}

/// The option with this number in `zmq.h`.
pub fn row_by_number(number: i32) -> Option<&'static Row> {
    let index = ROWS.binary_search_by_key(&number, |row| row.number).ok()?;
    ROWS.get(index)
}

/// The option of this name or alias, in any case, with or without `ZMQ_`.
pub fn row_by_name(name: &str) -> Option<&'static Row> {
    let name = match name.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ZMQ_") => &name[4..],
        _ => name,
    };
    let is_it = |own: &str| own.eq_ignore_ascii_case(name);
    ROWS.iter()
        .find(|row| is_it(row.name) || row.aliases.iter().any(|alias| is_it(alias)))
}

const SWITCH: Kind = Kind::Switch;
const LOOSE: Kind = Kind::Loose;
const TRUTH: Kind = Kind::Truth;

const fn int(min: i32, max: i32) -> Kind {
    Kind::Int { min, max }
}

const fn from(min: i32) -> Kind {
    int(min, i32::MAX)
}

const fn any_int() -> Kind {
    int(i32::MIN, i32::MAX)
}

const fn bytes(min: usize, max: usize) -> Kind {
    Kind::Bytes { min, max }
}

const fn any_bytes() -> Kind {
    bytes(0, usize::MAX)
}

const fn text(max: usize) -> Kind {
    Kind::Text { max }
}

const fn octets(max: usize) -> Kind {
    Kind::Octets { max }
}

const fn any_text() -> Kind {
    text(usize::MAX)
}

const ALL: Types = Types::All;

// Only these take the option; libzmq's PUB has all of XPUB's.
const SUBSCRIBERS: Types = Types::Only(&[SocketType::Sub, SocketType::Xpub]);
const PUBLISHERS: Types = Types::Only(&[SocketType::Xpub, SocketType::Pub]);
const PUBLISHERS_AND_RADIO: Types =
    Types::Only(&[SocketType::Xpub, SocketType::Pub, SocketType::Radio]);
const ROUTER: Types = Types::Only(&[SocketType::Router]);
const REQ: Types = Types::Only(&[SocketType::Req]);
const STREAM: Types = Types::Only(&[SocketType::Stream]);
const XSUB: Types = Types::Only(&[SocketType::Xsub]);
const XPUB_AND_XSUB: Types = Types::Only(&[SocketType::Xpub, SocketType::Xsub, SocketType::Pub]);
const PROBERS: Types = Types::Only(&[SocketType::Router, SocketType::Dealer, SocketType::Req]);
const ADDRESSING: Types = Types::Only(&[SocketType::Router, SocketType::Stream]);
const COUNTING: Types = Types::Only(&[
    SocketType::Pub,
    SocketType::Xpub,
    SocketType::Sub,
    SocketType::Xsub,
]);

// Others take it and do nothing with it.
const IDENTIFIED: Types = Types::Mainly(&[
    SocketType::Req,
    SocketType::Rep,
    SocketType::Router,
    SocketType::Dealer,
]);
const CONFLATING: Types = Types::Mainly(&[
    SocketType::Pull,
    SocketType::Push,
    SocketType::Sub,
    SocketType::Pub,
    SocketType::Dealer,
]);
const INVERTING: Types = Types::Mainly(&[SocketType::Pub, SocketType::Xpub, SocketType::Sub]);
const GREETING: Types = Types::Mainly(&[
    SocketType::Router,
    SocketType::Dealer,
    SocketType::Client,
    SocketType::Server,
    SocketType::Peer,
]);
const ACCEPTING: Types = Types::Mainly(&[SocketType::Router, SocketType::Server, SocketType::Peer]);
const CONNECTING: Types =
    Types::Mainly(&[SocketType::Dealer, SocketType::Client, SocketType::Peer]);
