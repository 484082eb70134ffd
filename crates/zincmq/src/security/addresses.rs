//! Lists of addresses that clients may come from, or may not.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;
use zmtp::{Denial, Verdict};

use super::audience::Audience;
use super::{AuthRequest, Authenticator, Network, Reviewer};
use crate::fork_mutex::ForkMutex;

/// Where clients come from: a network such as `192.0.2.0/24` or
/// `2001:db8::/32`, a single address, or `ipc`, which is every client over that
/// transport, as those have no address. Read from text.
///
/// A client that came over IPv4 is one of IPv4, also where the system shows it
/// as `::ffff:192.0.2.1`; `::/0` has none of them. Bits of a network's address
/// beyond its length count for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange(Range);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    Network(Network),
    Ipc,
}

/// Text that is no [`AddressRange`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no address, no network such as 192.0.2.0/24, and not `ipc`")]
pub struct NotAnAddress(String);

impl AddressRange {
    /// All clients over ipc.
    pub const IPC: Self = Self(Range::Ipc);

    /// Whether it has the address, as in [`AuthRequest::address`].
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        match (self.0, ip(address)) {
            (Range::Network(network), Some(address)) => network.contains(address),
            (Range::Ipc, None) => address.starts_with(IPC_PEER),
            _ => false,
        }
    }
}

/// The address that [`AuthRequest::address`] tells of, of IPv4 if the client came over that.
pub(super) fn ip(address: &str) -> Option<IpAddr> {
    // A link-local address comes with the interface it was seen on.
    let (host, _) = address.split_once('%').unwrap_or((address, ""));
    host.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

/// How the addresses of peers over ipc begin.
const IPC_PEER: &str = "localhost:";
const IPC: &str = "ipc";

impl From<IpAddr> for AddressRange {
    fn from(address: IpAddr) -> Self {
        Self(Range::Network(Network::from(address)))
    }
}

impl FromStr for AddressRange {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        if text == IPC {
            return Ok(Self::IPC);
        }
        match text.parse() {
            Ok(network) => Ok(Self(Range::Network(network))),
            Err(_) => Err(NotAnAddress(text.to_owned())),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Range::Network(network) => network.fmt(f),
            Range::Ipc => f.write_str(IPC),
        }
    }
}

/// A list of addresses that can be changed while it is in use. Clones are the
/// same list.
///
/// As an [`Authenticator`] it lets in who is on it, as nobody in particular,
/// and nobody else. [`AccessRules`](super::AccessRules) put it before
/// passwords and keys, as a list of who may try or of who may not.
///
/// A change has the peers judged again that were let in by it: who may not stay
/// is disconnected.
///
/// ```
/// use zincmq::Context;
/// use zincmq::security::AddressList;
///
/// let list = AddressList::parse(["192.0.2.0/24", "2001:db8::7", "ipc"])?;
/// assert!(list.contains("192.0.2.7") && list.contains("::ffff:192.0.2.7"));
/// assert!(!list.contains("198.51.100.1"));
///
/// let ctx = Context::new();
/// ctx.set_authenticator(list.clone());
/// let socket = zincmq::Rep::builder(&ctx)
///     .zap_domain("by address") // so that clients of NULL are judged, too
///     .bind("tcp://127.0.0.1:*")?;
/// list.insert("127.0.0.1".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct AddressList(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ranges: ForkMutex<Vec<AddressRange>>,
    audience: Audience,
}

impl AddressList {
    /// A list with nobody on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A list of what the texts say.
    ///
    /// # Errors
    ///
    /// [`NotAnAddress`] for the first that says nothing.
    pub fn parse<'a>(ranges: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAnAddress> {
        let ranges: Result<Vec<AddressRange>, _> = ranges.into_iter().map(str::parse).collect();
        Ok(ranges?.into_iter().collect())
    }

    /// Whether the address, as in [`AuthRequest::address`], is on it.
    #[must_use]
    pub fn contains(&self, address: &str) -> bool {
        self.0
            .ranges
            .with(|ranges| ranges.iter().any(|range| range.contains(address)))
    }

    /// Puts `range` on it; false if it was there.
    pub fn insert(&self, range: AddressRange) -> bool {
        self.change(|ranges| {
            let is_new = !ranges.contains(&range);
            if is_new {
                ranges.push(range);
            }
            is_new
        })
    }

    /// Takes `range` off it; false if it was not there. A larger network that
    /// has it as a part stays.
    pub fn remove(&self, range: AddressRange) -> bool {
        self.change(|ranges| {
            let before = ranges.len();
            ranges.retain(|known| *known != range);
            ranges.len() < before
        })
    }

    /// Has it be these and no others, in one step.
    pub fn replace(&self, ranges: impl IntoIterator<Item = AddressRange>) {
        let new: Vec<AddressRange> = ranges.into_iter().collect();
        self.change(|ranges| {
            let differs = *ranges != new;
            *ranges = new;
            differs
        });
    }

    /// What is on it.
    #[must_use]
    pub fn ranges(&self) -> Vec<AddressRange> {
        self.0.ranges.with(|ranges| ranges.clone())
    }

    /// `work` says whether it changed something.
    fn change(&self, work: impl FnOnce(&mut Vec<AddressRange>) -> bool) -> bool {
        let changed = self.0.ranges.with(work);
        if changed {
            self.0.audience.review();
        }
        changed
    }
}

impl FromIterator<AddressRange> for AddressList {
    fn from_iter<I: IntoIterator<Item = AddressRange>>(ranges: I) -> Self {
        Self(Arc::new(Inner {
            ranges: ForkMutex::new(ranges.into_iter().collect()),
            audience: Audience::default(),
        }))
    }
}

impl Authenticator for AddressList {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        match self.contains(&request.address) {
            true => Verdict::accept(""),
            false => not_listed(&request.address),
        }
    }

    fn installed(&self, reviewer: &Reviewer) {
        self.0.audience.join(reviewer);
    }
}

pub(super) fn not_listed(address: &str) -> Verdict {
    let reason = format!("{address} is not on the list of addresses");
    Verdict::deny(Denial::Refused, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_what_they_are_read_from() {
        for text in ["192.0.2.0/24", "2001:db8::/32", "ipc"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
        let one: AddressRange = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(one.to_string(), "192.0.2.1/32");
        for text in [
            "",
            "tcp",
            "IPC",
            "localhost",
            "192.0.2.0/33",
            "tcp://192.0.2.1",
        ] {
            let error = text.parse::<AddressRange>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn peers_over_ipc_are_in_no_network() {
        let ipc_peer = "localhost:1000:1000:42";
        let everywhere = AddressList::parse(["0.0.0.0/0", "::/0"]).unwrap();
        assert!(!everywhere.contains(ipc_peer));
        everywhere.insert(AddressRange::IPC);
        assert!(everywhere.contains(ipc_peer));
        assert!(!AddressRange::IPC.contains("192.0.2.1"));
        assert!(!AddressRange::IPC.contains(""));
    }

    #[test]
    fn an_interface_is_no_part_of_an_address() {
        let range: AddressRange = "fe80::/10".parse().unwrap();
        assert!(range.contains("fe80::1%eth0"));
        assert!(!range.contains("2001:db8::1%eth0"));
    }

    #[test]
    fn who_came_over_ipv4_has_an_address_of_ipv4() {
        for (address, wanted) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("localhost:1000:1000:42", None),
            ("", None),
        ] {
            let wanted = wanted.map(|wanted| wanted.parse().unwrap());
            assert_eq!(ip(address), wanted, "{address}");
        }
    }

    #[test]
    fn a_list_says_whether_it_changed() {
        let list = AddressList::new();
        let range: AddressRange = "192.0.2.0/24".parse().unwrap();
        assert!(list.insert(range) && !list.insert(range));
        // Another clone is the same list.
        let other = list.clone();
        assert!(other.contains("192.0.2.1"));
        assert!(!list.remove("192.0.2.1".parse().unwrap()));
        assert!(list.remove(range) && !other.contains("192.0.2.1"));
    }
}
