//! From endpoint to socket address: literals, interfaces, host names.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};

use getifaddrs::{Address, getifaddrs, if_nametoindex};
use socket2::SockAddr;
use thiserror::Error;

use super::TransportOptions;
use super::endpoint::{Endpoint, IpcEndpoint};
use super::socks::{Destination, parse_proxy};
use super::stream::endpoint_of;
use super::tcp_endpoint::{Host, Place, TcpEndpoint, Zone};
use crate::error::EndpointError;

/// Why an endpoint has no address to dial now; a later attempt may find one.
#[derive(Debug, Error)]
pub(crate) enum DialError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The resolver does not know the host, or could not ask.
    #[error("cannot resolve `{host}`: {source}")]
    Lookup { host: String, source: io::Error },
    /// The host is known, but not by an address that may be used.
    #[error("`{host}` has no {family} address; IPv6 is used only if the option IPV6 is on")]
    NoAddress { host: String, family: &'static str },
}

/// One address to dial.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(super) address: SockAddr,
    pub(super) source: Option<SockAddr>,
    /// Whom to ask for if the address is that of a proxy.
    pub(super) destination: Option<Destination>,
    /// The resolved endpoint, such as `tcp://127.0.0.1:5555`.
    pub(super) endpoint: String,
}

/// Refuses what no attempt to connect could reach, whatever the network says.
pub(crate) fn check_dial(
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<(), EndpointError> {
    endpoint.check_connect()?;
    match endpoint {
        Endpoint::Tcp(tcp) => Hop::of(tcp, options).map(|_| ()),
        Endpoint::Ipc(_) | Endpoint::Inproc(_) => Ok(()),
    }
}

/// Whether [`resolve`] may block on name lookups.
pub(crate) fn needs_resolver(endpoint: &Endpoint, options: &TransportOptions) -> bool {
    let is_name = |place: &Place| matches!(place.host, Host::Name(..));
    match endpoint {
        Endpoint::Tcp(tcp) => Hop::of(tcp, options).is_ok_and(|hop| {
            is_name(hop.endpoint.place()) || hop.endpoint.source().is_some_and(is_name)
        }),
        Endpoint::Ipc(_) | Endpoint::Inproc(_) => false,
    }
}

/// Where a tcp connection goes first.
struct Hop {
    endpoint: TcpEndpoint,
    /// Where a proxy there is to take it.
    destination: Option<Destination>,
}

impl Hop {
    fn of(endpoint: &TcpEndpoint, options: &TransportOptions) -> Result<Self, EndpointError> {
        Ok(match &options.socks_proxy {
            None => Self {
                endpoint: endpoint.clone(),
                destination: None,
            },
            Some(proxy) => Self {
                endpoint: endpoint.reached_by(parse_proxy(proxy)?),
                destination: Some(Destination::of(endpoint)?),
            },
        })
    }
}

/// All addresses of `endpoint` in the order to try them; at least one. Asks
/// the system's resolver if [`needs_resolver`], and then blocks. Addresses
/// change: every attempt asks again.
pub(crate) fn resolve(
    endpoint: &Endpoint,
    options: &TransportOptions,
) -> Result<Vec<Target>, DialError> {
    endpoint.check_connect()?;
    match endpoint {
        Endpoint::Tcp(tcp) => {
            let hop = Hop::of(tcp, options)?;
            let mut targets = resolve_tcp(&hop.endpoint, options.ipv6)?;
            for target in &mut targets {
                target.destination.clone_from(&hop.destination);
            }
            Ok(targets)
        }
        Endpoint::Ipc(ipc) => {
            let address = ipc_address(ipc)?;
            Ok(vec![Target {
                endpoint: endpoint.to_string(),
                address,
                source: None,
                destination: None,
            }])
        }
        Endpoint::Inproc(name) => Err(no_stream(name).into()),
    }
}

pub(super) fn no_stream(name: &str) -> EndpointError {
    EndpointError::BadAddress {
        transport: "inproc",
        address: name.to_owned(),
        reason: "no bytes travel within a process".to_owned(),
    }
}

pub(super) fn ipc_address(endpoint: &IpcEndpoint) -> Result<SockAddr, EndpointError> {
    let (text, address) = match endpoint {
        IpcEndpoint::Path(path) => (path.clone(), SockAddr::unix(path)),
        // socket2 takes a leading NUL for the abstract namespace.
        IpcEndpoint::Abstract(name) => (format!("@{name}"), SockAddr::unix(format!("\0{name}"))),
        IpcEndpoint::Wildcard => ("*".to_owned(), SockAddr::unix("*")),
    };
    address.map_err(|_| EndpointError::PathTooLong {
        path: text,
        limit: super::endpoint::MAX_IPC_PATH,
    })
}

fn resolve_tcp(endpoint: &TcpEndpoint, ipv6: bool) -> Result<Vec<Target>, DialError> {
    let place = endpoint.place();
    let addresses = match &place.host {
        Host::Any => Vec::new(),
        Host::Literal(ip, zone) => vec![scoped(*ip, zone.as_ref())?],
        Host::Name(name, zone) => look_up(name, zone.as_ref())?,
    };
    let addresses = usable(addresses, ipv6, &place.host)?;
    let sources = match endpoint.source() {
        Some(source) => local_addresses(source, ipv6)?,
        None => Vec::new(),
    };

    let mut targets = Vec::with_capacity(addresses.len());
    for mut address in addresses {
        address.set_port(place.port.number());
        // A source of the other family cannot reach it.
        let source = sources
            .iter()
            .find(|source| source.is_ipv4() == address.is_ipv4());
        if source.is_none() && endpoint.source().is_some() {
            continue;
        }
        let address = SockAddr::from(address);
        targets.push(Target {
            endpoint: endpoint_of(&address),
            address,
            source: source.copied().map(SockAddr::from),
            destination: None,
        });
    }
    if targets.is_empty() {
        return Err(DialError::NoAddress {
            host: endpoint.to_string(),
            family: "source",
        });
    }
    Ok(targets)
}

/// The addresses to bind for `place`, best first: wildcard, literal, those of
/// an interface, else those of a host name.
pub(super) fn local_addresses(place: &Place, ipv6: bool) -> Result<Vec<SocketAddr>, DialError> {
    let port = place.port.number();
    let addresses = match &place.host {
        // A system without IPv6 still has the second.
        Host::Any if ipv6 => vec![
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ],
        Host::Any => vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))],
        Host::Literal(ip, zone) => vec![scoped(*ip, zone.as_ref())?],
        Host::Name(name, zone) => {
            let own = interface_addresses(name).unwrap_or_default();
            let own = if own.is_empty() {
                look_up(name, zone.as_ref())
            } else {
                Ok(own)
            };
            own.map_err(|_| EndpointError::NoSuchInterface(name.clone()))?
        }
    };
    let mut addresses = usable(addresses, ipv6, &place.host)?;
    for address in &mut addresses {
        address.set_port(port);
    }
    Ok(addresses)
}

/// What the option IPV6 permits, IPv6 before IPv4.
fn usable(
    mut addresses: Vec<SocketAddr>,
    ipv6: bool,
    host: &Host,
) -> Result<Vec<SocketAddr>, DialError> {
    if !ipv6 {
        addresses.retain(SocketAddr::is_ipv4);
    }
    addresses.sort_by_key(SocketAddr::is_ipv4);
    if addresses.is_empty() {
        return Err(DialError::NoAddress {
            host: match host {
                Host::Any => "*".to_owned(),
                Host::Literal(ip, _) => ip.to_string(),
                Host::Name(name, _) => name.clone(),
            },
            family: if ipv6 { "IP" } else { "IPv4" },
        });
    }
    Ok(addresses)
}

fn look_up(name: &str, zone: Option<&Zone>) -> Result<Vec<SocketAddr>, DialError> {
    let found = (name, 0)
        .to_socket_addrs()
        .map_err(|source| DialError::Lookup {
            host: name.to_owned(),
            source,
        })?;
    let Some(zone) = zone else {
        return Ok(found.collect());
    };
    let index = zone_index(zone)?;
    Ok(found.map(|address| with_scope(address, index)).collect())
}

fn scoped(ip: IpAddr, zone: Option<&Zone>) -> Result<SocketAddr, DialError> {
    let address = SocketAddr::new(ip, 0);
    match zone {
        Some(zone) => Ok(with_scope(address, zone_index(zone)?)),
        None => Ok(address),
    }
}

fn with_scope(address: SocketAddr, index: u32) -> SocketAddr {
    match address {
        SocketAddr::V6(v6) => SocketAddrV6::new(*v6.ip(), v6.port(), 0, index).into(),
        v4 => v4,
    }
}

fn zone_index(zone: &Zone) -> Result<u32, DialError> {
    match zone {
        Zone::Index(index) => Ok(*index),
        Zone::Name(name) => {
            if_nametoindex(name).map_err(|_| EndpointError::NoSuchInterface(name.clone()).into())
        }
    }
}

/// The addresses of the interface `name`; none if there is no such interface.
fn interface_addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    let of_name = getifaddrs()?.filter(|interface| interface.name == name);
    Ok(of_name
        .filter_map(|interface| match interface.address {
            Address::V4(v4) => Some(SocketAddr::from((v4.address, 0))),
            Address::V6(v6) => {
                // Only link-local addresses (fe80::/10) need their zone.
                let local = v6.address.is_unicast_link_local();
                let scope = interface.index.filter(|_| local).unwrap_or(0);
                Some(SocketAddrV6::new(v6.address, 0, 0, scope).into())
            }
            Address::Mac(_) => None,
        })
        .collect())
}
