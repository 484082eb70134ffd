//! Who may connect to a listener: networks over tcp, users and groups over ipc.

use std::ffi::OsStr;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use rustix::net::UCred;
use thiserror::Error;

use super::TransportOptions;

/// A network such as `192.168.0.0/16`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    network: IpAddr,
    bits: u8,
}

/// Text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address or address/bits")]
pub(crate) struct BadCidr(String);

impl Cidr {
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                same_prefix(network.octets(), address.octets(), self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                same_prefix(network.octets(), address.octets(), self.bits)
            }
            _ => false,
        }
    }
}

fn same_prefix<const N: usize>(a: [u8; N], b: [u8; N], bits: u8) -> bool {
    let whole = usize::from(bits / 8);
    let rest = bits % 8;
    if a[..whole] != b[..whole] {
        return false;
    }
    rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0
}

impl FromStr for Cidr {
    type Err = BadCidr;

    fn from_str(text: &str) -> Result<Self, BadCidr> {
        let bad = || BadCidr(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address = address
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(address);
        let network: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits
                .parse()
                .ok()
                .filter(|&bits| bits <= most)
                .ok_or_else(bad)?,
            Some(_) => return Err(bad()),
        };
        Ok(Self { network, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

/// Whether the tcp filters let `address` in; with none, everybody.
pub(super) fn admits_address(options: &TransportOptions, address: IpAddr) -> bool {
    let filters = &options.tcp_accept_filters;
    filters.is_empty() || filters.iter().any(|filter| filter.contains(address))
}

/// Whether the ipc filters let the peer in: one that fits is enough.
pub(super) fn admits_peer(options: &TransportOptions, peer: &UCred) -> bool {
    let TransportOptions {
        ipc_uid_filters: uids,
        ipc_gid_filters: gids,
        ipc_pid_filters: pids,
        ..
    } = options;
    if uids.is_empty() && gids.is_empty() && pids.is_empty() {
        return true;
    }
    uids.contains(&peer.uid.as_raw())
        || gids.contains(&peer.gid.as_raw())
        || pids.contains(&peer.pid.as_raw_pid())
        || (!gids.is_empty() && belongs_to_one_of(peer.uid.as_raw(), gids))
}

/// Whether the user is a member of one of `gids` in the system's database.
fn belongs_to_one_of(uid: u32, gids: &[u32]) -> bool {
    let Some(user) = uzers::get_user_by_uid(uid) else {
        return false;
    };
    let name: &OsStr = user.name();
    uzers::get_user_groups(name, user.primary_group_id())
        .is_some_and(|groups| groups.iter().any(|group| gids.contains(&group.gid())))
}
