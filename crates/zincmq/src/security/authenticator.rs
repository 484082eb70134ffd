//! The question whether a peer may come in, and who answers it.

use bytes::Bytes;
use zmtp::{Claim, Credentials, Verdict};

/// Says which clients may connect: what a handler of ZAP (RFC 27) is, without
/// the sockets. Set with [`Context::set_authenticator`](crate::Context::set_authenticator).
///
/// Calls come one at a time, from a thread that does nothing else, so they may
/// take their time: meanwhile only the clients that wait for them wait.
/// Closures are authenticators.
pub trait Authenticator: Send + Sync {
    /// Whether the client may come in.
    fn authenticate(&self, request: &AuthRequest) -> Verdict;
}

impl<F: Fn(&AuthRequest) -> Verdict + Send + Sync> Authenticator for F {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        self(request)
    }
}

/// A client that asks to be let in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthRequest {
    /// The domain of the socket it asks at (ZAP_DOMAIN).
    pub domain: String,
    /// Where it comes from, as in [`PeerInfo::address`](crate::PeerInfo::address).
    pub address: String,
    /// The routing id of the socket it asks at.
    pub routing_id: Bytes,
    pub(crate) claim: Claim,
}

impl AuthRequest {
    /// What it has to show for itself.
    #[must_use]
    pub fn credentials(&self) -> Credentials<'_> {
        self.claim.credentials()
    }
}
