//! What stands behind `tcp://`: `host:port`, or `source:port;host:port` to
//! connect from a given address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::EndpointError;

/// A parsed tcp address; displayed as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TcpEndpoint {
    text: String,
    source: Option<Place>,
    place: Place,
}

/// One `host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) host: Host,
    pub(super) port: Port,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// `*`: every interface.
    Any,
    Literal(IpAddr, Option<Zone>),
    /// A network interface when binding, else a host name.
    Name(String, Option<Zone>),
}

/// The interface of a link-local IPv6 address, behind its `%` (RFC 4007).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Zone {
    Index(u32),
    Name(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Port {
    /// `*`: the system chooses.
    Any,
    /// 0 means the same as `*` when binding.
    Number(u16),
}

impl TcpEndpoint {
    pub(super) fn parse(address: &str) -> Result<Self, EndpointError> {
        let parse = || {
            let (source, place) = match address.split_once(';') {
                Some((source, place)) => (Some(Place::parse(source)?), place),
                None => (None, address),
            };
            Ok(Self {
                text: address.to_owned(),
                source,
                place: Place::parse(place)?,
            })
        };
        parse().map_err(|reason: String| bad(address, reason))
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    pub(super) fn source(&self) -> Option<&Place> {
        self.source.as_ref()
    }

    /// `proxy`, from the source of this endpoint unless it has its own.
    pub(super) fn reached_by(&self, mut proxy: Self) -> Self {
        proxy.source = proxy.source.or_else(|| self.source.clone());
        proxy
    }

    pub(super) fn check_connect(&self) -> Result<(), EndpointError> {
        if self.place.host == Host::Any {
            return Err(self.bad("`*` is no host to connect to"));
        }
        if self.place.port == Port::Any {
            return Err(self.bad("`*` is no port to connect to"));
        }
        // What may follow the digits of a port when binding may not here.
        match self.text.chars().find(|&c| !is_address_char(c)) {
            Some(c) => Err(self.bad(&format!("`{c}` has no place in it"))),
            None => Ok(()),
        }
    }

    pub(super) fn check_bind(&self) -> Result<(), EndpointError> {
        match self.source {
            Some(_) => Err(self.bad("a source address is for connecting")),
            None => Ok(()),
        }
    }

    pub(super) fn bad(&self, reason: &str) -> EndpointError {
        bad(&self.text, reason.to_owned())
    }
}

impl fmt::Display for TcpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn bad(address: &str, reason: String) -> EndpointError {
    EndpointError::BadAddress {
        transport: "tcp",
        address: address.to_owned(),
        reason,
    }
}

fn is_address_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".:%;[]_*-".contains(c)
}

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` has no port"))?;
        Ok(Self {
            host: Host::parse(host)?,
            port: Port::parse(port)?,
        })
    }
}

impl Port {
    /// Digits, whatever follows them: libzmq binds `5555/` and so do programs.
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        text[..digits]
            .parse()
            .map(Self::Number)
            .map_err(|_| format!("`{text}` is no port from 0 to 65535"))
    }

    pub(super) fn number(self) -> u16 {
        match self {
            Self::Any => 0,
            Self::Number(port) => port,
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let bare = match text.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .ok_or_else(|| format!("`{text}` lacks its `]`"))?,
            None => text,
        };
        let (name, zone) = match bare.split_once('%') {
            Some((name, zone)) => (name, Some(Zone::parse(zone)?)),
            None => (bare, None),
        };
        if let Ok(v6) = name.parse::<Ipv6Addr>() {
            return Ok(Self::Literal(v6.into(), zone));
        }
        // `0` alone is the all-zeros address, as in inet_aton(3).
        let v4 = if name == "0" {
            Ok(Ipv4Addr::UNSPECIFIED)
        } else {
            name.parse::<Ipv4Addr>()
        };
        match (v4, zone) {
            (Ok(_), Some(_)) => Err(format!("`{text}` is IPv4 and has no zone")),
            (Ok(v4), None) => Ok(Self::Literal(v4.into(), None)),
            (Err(_), zone) => {
                check_name(name)?;
                Ok(Self::Name(name.to_owned(), zone))
            }
        }
    }
}

impl Zone {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<u32>() {
            Ok(0) => Err("zone 0 names no interface".to_owned()),
            Ok(index) => Ok(Self::Index(index)),
            Err(_) => check_name(text).map(|()| Self::Name(text.to_owned())),
        }
    }
}

/// Names of hosts and interfaces; `eth0:1` is an interface's alias.
fn check_name(name: &str) -> Result<(), String> {
    let plausible = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_graphic() && !"/[]*%;:".contains(c))
    };
    let is_name = match name.split_once(':') {
        Some((interface, alias)) => {
            interface.starts_with(|c: char| c.is_ascii_alphabetic())
                && plausible(interface)
                && plausible(alias)
        }
        None => plausible(name),
    };
    if is_name {
        Ok(())
    } else {
        Err(format!("`{name}` is no host or interface"))
    }
}
