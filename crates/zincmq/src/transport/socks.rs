//! What is said to a SOCKS5 proxy until it has connected us (RFC 1928), with
//! a username and password if there is one (RFC 1929). Bytes in, bytes out:
//! somebody else reads and writes them.

use std::io;
use std::net::IpAddr;

use thiserror::Error;
use zeroize::Zeroizing;

use super::TransportOptions;
use super::tcp_endpoint::{Host, Place, TcpEndpoint};
use crate::error::EndpointError;

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const RESERVED: u8 = 0;

/// Methods of authentication (RFC 1928, 3).
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;

const LOGIN_VERSION: u8 = 1;

/// Types of address (RFC 1928, 5).
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

const SUCCEEDED: u8 = 0;

/// A reply's fixed part, a name of any length behind the length, a port.
const LONGEST_REPLY: usize = 4 + 1 + 255 + 2;

/// The proxy's address: `host:port`, or `source:port;host:port`.
pub(crate) fn parse_proxy(text: &str) -> Result<TcpEndpoint, EndpointError> {
    let proxy = TcpEndpoint::parse(text)?;
    proxy.check_connect()?;
    Ok(proxy)
}

/// Whom the proxy is to connect to: type of address, address and port, as
/// they stand in a request.
#[derive(Debug, Clone)]
pub(super) struct Destination(Vec<u8>);

impl Destination {
    /// Names stay names: the proxy may know hosts that this one does not.
    pub(super) fn of(endpoint: &TcpEndpoint) -> Result<Self, EndpointError> {
        let Place { host, port } = endpoint.place();
        let mut bytes = Vec::new();
        match host {
            Host::Literal(_, Some(_)) | Host::Name(_, Some(_)) => {
                return Err(endpoint.bad("a zone of this host means nothing to a proxy"));
            }
            Host::Any => return Err(endpoint.bad("`*` is no host to connect to")),
            Host::Literal(IpAddr::V4(v4), None) => {
                bytes.push(IPV4);
                bytes.extend(v4.octets());
            }
            Host::Literal(IpAddr::V6(v6), None) => {
                bytes.push(IPV6);
                bytes.extend(v6.octets());
            }
            Host::Name(name, None) => {
                let length = u8::try_from(name.len())
                    .map_err(|_| endpoint.bad("a proxy takes names of up to 255 bytes"))?;
                bytes.extend([NAME, length]);
                bytes.extend(name.as_bytes());
            }
        }
        if port.number() == 0 {
            return Err(endpoint.bad("0 is no port to connect to"));
        }
        bytes.extend(port.number().to_be_bytes());
        Ok(Self(bytes))
    }
}

/// The conversation. It never asks for a byte past the proxy's reply: what
/// follows there is the peer's.
pub(super) struct Handshake {
    awaited: Awaited,
    /// What is to be written before anything is read.
    output: Zeroizing<Vec<u8>>,
    written: usize,
    input: [u8; LONGEST_REPLY],
    filled: usize,
    /// Sent if the proxy chooses the method, which it is only offered if
    /// this is there.
    login: Option<Zeroizing<Vec<u8>>>,
    request: Zeroizing<Vec<u8>>,
}

/// What the proxy has to say next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Method,
    LoginStatus,
    Reply,
    Nothing,
}

/// Whose turn it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn<'a> {
    /// Ours: these bytes are to be written.
    Write(&'a [u8]),
    /// The proxy's: so many bytes may be read.
    Read(&'a mut [u8]),
    /// The peer's: it is connected.
    Done,
}

/// What a proxy did wrong, or why it did not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum SocksError {
    #[error("no SOCKS5 proxy answers there: its version is {0}")]
    Version(u8),
    #[error("it lets nobody in without a login")]
    WantsLogin,
    #[error("it takes no username and password")]
    TakesNoLogin,
    #[error("it chose the authentication method {0}, which was not offered")]
    NotOffered(u8),
    #[error("it answered the login in version {0}, not 1")]
    LoginVersion(u8),
    #[error("it refused the username or password (status {0})")]
    LoginRefused(u8),
    #[error("it did not connect: {} (reply {reply})", reason(*.reply))]
    Refused { reply: u8 },
    #[error("the reserved byte of its reply is {0}, not 0")]
    Reserved(u8),
    #[error("its reply has an address of the unknown type {0}")]
    AddressType(u8),
    #[error("it hung up before it had connected")]
    HungUp,
}

/// Replies of RFC 1928, 6.
fn reason(reply: u8) -> &'static str {
    match reply {
        1 => "general failure",
        2 => "its rules do not allow it",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "time to live expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "no reason that RFC 1928 knows",
    }
}

impl From<SocksError> for io::Error {
    fn from(error: SocksError) -> Self {
        let kind = match error {
            SocksError::WantsLogin | SocksError::TakesNoLogin | SocksError::LoginRefused(_) => {
                io::ErrorKind::PermissionDenied
            }
            SocksError::Refused { reply } => match reply {
                2 => io::ErrorKind::PermissionDenied,
                3 => io::ErrorKind::NetworkUnreachable,
                4 => io::ErrorKind::HostUnreachable,
                5 => io::ErrorKind::ConnectionRefused,
                6 => io::ErrorKind::TimedOut,
                _ => io::ErrorKind::Other,
            },
            SocksError::HungUp => io::ErrorKind::UnexpectedEof,
            SocksError::Version(_)
            | SocksError::NotOffered(_)
            | SocksError::LoginVersion(_)
            | SocksError::Reserved(_)
            | SocksError::AddressType(_) => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

impl Handshake {
    /// Asks for `destination` with the username and password of `options`;
    /// without a username, the proxy has to do without.
    pub(super) fn new(destination: &Destination, options: &TransportOptions) -> Self {
        let login = options
            .socks_username
            .as_ref()
            .map(|username| login(username, options.socks_password.reveal()));
        let method = if login.is_some() { LOGIN } else { NO_LOGIN };
        let mut request = vec![VERSION, CONNECT, RESERVED];
        request.extend(&destination.0);
        Self {
            awaited: Awaited::Method,
            output: vec![VERSION, 1, method].into(),
            written: 0,
            input: [0; LONGEST_REPLY],
            filled: 0,
            login,
            request: request.into(),
        }
    }

    pub(super) fn turn(&mut self) -> Turn<'_> {
        if self.written < self.output.len() {
            return Turn::Write(&self.output[self.written..]);
        }
        let due = self.due();
        if self.filled < due {
            Turn::Read(&mut self.input[self.filled..due])
        } else {
            Turn::Done
        }
    }

    /// So many of the bytes to write were written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.written += count;
    }

    /// So many of the bytes to read were read; none is the end.
    pub(super) fn read(&mut self, count: usize) -> Result<(), SocksError> {
        if count == 0 {
            return Err(SocksError::HungUp);
        }
        self.filled += count;
        // As soon as something is wrong: the rest may never come.
        self.check()?;
        if self.filled < self.due() {
            return Ok(());
        }
        match self.awaited {
            Awaited::Method => match self.login.take() {
                Some(login) => self.say(login, Awaited::LoginStatus),
                None => self.ask(),
            },
            Awaited::LoginStatus => self.ask(),
            Awaited::Reply => self.say(Zeroizing::default(), Awaited::Nothing),
            Awaited::Nothing => {}
        }
        Ok(())
    }

    fn ask(&mut self) {
        let request = std::mem::take(&mut self.request);
        self.say(request, Awaited::Reply);
    }

    fn say(&mut self, output: Zeroizing<Vec<u8>>, awaited: Awaited) {
        self.output = output;
        self.written = 0;
        self.filled = 0;
        self.awaited = awaited;
    }

    /// How long the message that is awaited is, as far as is known: a reply
    /// has at least five bytes, and these tell the rest.
    fn due(&self) -> usize {
        match self.awaited {
            Awaited::Nothing => 0,
            Awaited::Method | Awaited::LoginStatus => 2,
            Awaited::Reply if self.filled < 5 => 5,
            Awaited::Reply => match self.input[3] {
                IPV4 => 4 + 4 + 2,
                IPV6 => 4 + 16 + 2,
                _ => 4 + 1 + usize::from(self.input[4]) + 2,
            },
        }
    }

    /// Judges what is there of the message that is awaited.
    fn check(&self) -> Result<(), SocksError> {
        let input = &self.input[..self.filled];
        match (self.awaited, input) {
            (Awaited::Method | Awaited::Reply, &[version, ..]) if version != VERSION => {
                Err(SocksError::Version(version))
            }
            (Awaited::Method, &[_, NO_METHOD]) => Err(match self.login {
                Some(_) => SocksError::TakesNoLogin,
                None => SocksError::WantsLogin,
            }),
            (Awaited::Method, &[_, method]) => match (method, &self.login) {
                (NO_LOGIN, None) | (LOGIN, Some(_)) => Ok(()),
                _ => Err(SocksError::NotOffered(method)),
            },
            (Awaited::LoginStatus, &[version, ..]) if version != LOGIN_VERSION => {
                Err(SocksError::LoginVersion(version))
            }
            (Awaited::LoginStatus, &[_, status]) if status != SUCCEEDED => {
                Err(SocksError::LoginRefused(status))
            }
            (Awaited::Reply, &[_, reply, ..]) if reply != SUCCEEDED => {
                Err(SocksError::Refused { reply })
            }
            (Awaited::Reply, &[_, _, reserved, ..]) if reserved != RESERVED => {
                Err(SocksError::Reserved(reserved))
            }
            (Awaited::Reply, &[_, _, _, kind, ..]) if !matches!(kind, IPV4 | NAME | IPV6) => {
                Err(SocksError::AddressType(kind))
            }
            _ => Ok(()),
        }
    }
}

/// Username and password, each behind its length (RFC 1929, 2). The options
/// hold both to 255 bytes.
fn login(username: &str, password: &str) -> Zeroizing<Vec<u8>> {
    // With room for all of it, lest growing leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(3 + 2 * 255));
    bytes.push(LOGIN_VERSION);
    for text in [username, password] {
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        bytes.push(length);
        bytes.extend(&text.as_bytes()[..length.into()]);
    }
    bytes
}
