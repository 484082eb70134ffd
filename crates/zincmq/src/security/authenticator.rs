//! The question whether a peer may come in, and who answers it.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use bytes::Bytes;
use zmtp::{Claim, Credentials, Verdict};

/// Says which clients may connect: what a handler of ZAP (RFC 27) is, without
/// the sockets. Set with [`Context::set_authenticator`](crate::Context::set_authenticator).
///
/// Calls come one at a time, from a thread that does nothing else, so they may
/// take their time: meanwhile only the clients that wait for them wait. Those take turns by
/// address and mechanism, so that a crowd from one address does not hold up the others.
/// Reviews come first, but leave a fifth of the time to who would come in.
/// Closures are authenticators.
///
/// If peers are reviewed while a client is judged, it may have been judged by what held
/// before. So where it was accepted it is reviewed, too, before it is let in; what else was
/// found is thrown away, and it is judged anew. Where that happens four times in
/// a row, as reviews are asked for faster than they are answered, the fourth verdict
/// holds, and whom it lets in is reviewed at once as all who are in. So an authenticator that
/// is slow, and has peers reviewed often, had better answer [`review`](Self::review) quickly.
pub trait Authenticator: Send + Sync {
    /// Whether the client may come in.
    fn authenticate(&self, request: &AuthRequest) -> Verdict;

    /// Whether a client that was let in may stay: asked about each of them when
    /// peers are reviewed ([`Context::review_peers`], [`Reviewer::review`]). Who
    /// is not accepted is disconnected. `request` is what it was let in with.
    ///
    /// Who is accepted stays as what it was let in as: the user id and the metadata of
    /// that verdict count for nothing here, as messages that have come say what they
    /// said. Whoever is to be known as something else has to come again: deny it with
    /// [`Denial::Temporary`](super::Denial::Temporary), and it is back in a moment and
    /// judged anew.
    ///
    /// By default it is judged as if it asked now. To do less is worth while
    /// where that is slow: many clients are reviewed at once.
    ///
    /// [`Context::review_peers`]: crate::Context::review_peers
    fn review(&self, request: &AuthRequest) -> Verdict {
        self.authenticate(request)
    }

    /// Called when a context takes the authenticator, with the means to have
    /// that context's peers reviewed whenever someone may have to go. By
    /// default nothing is done with it.
    fn installed(&self, reviewer: &Reviewer) {
        let _ = reviewer;
    }
}

impl<F: Fn(&AuthRequest) -> Verdict + Send + Sync> Authenticator for F {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        self(request)
    }
}

impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        (**self).authenticate(request)
    }

    fn review(&self, request: &AuthRequest) -> Verdict {
        (**self).review(request)
    }

    fn installed(&self, reviewer: &Reviewer) {
        (**self).installed(reviewer);
    }
}

/// A client that asks to be let in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthRequest {
    /// The domain of the socket it asks at (ZAP_DOMAIN).
    pub domain: String,
    /// Where it comes from, as in [`PeerInfo::address`](crate::PeerInfo::address). The same
    /// client may be `192.0.2.7` here, or `::ffff:192.0.2.7` where the socket takes both
    /// IPv4 and IPv6: to compare, use [`ip`](Self::ip).
    pub address: String,
    /// The routing id of the socket it asks at.
    pub routing_id: Bytes,
    /// When it asked. In a review, when it asked for what it was given.
    pub asked: Instant,
    pub(crate) claim: Claim,
}

impl AuthRequest {
    /// The address of a client over tcp: one of IPv4 if it came over that, also where the
    /// system shows it as `::ffff:192.0.2.7`. None over ipc.
    ///
    /// [`AddressList`](super::AddressList) compares whole networks with it.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        super::addresses::ip(&self.address)
    }

    /// What it has to show for itself.
    #[must_use]
    pub fn credentials(&self) -> Credentials<'_> {
        self.claim.credentials()
    }
}

/// Has the peers of one context judged again. Does not keep the context.
#[derive(Clone)]
pub struct Reviewer(Weak<dyn Reviewed>);

/// What has peers to review.
pub(crate) trait Reviewed: Send + Sync {
    fn review_peers(&self);
}

impl Reviewer {
    pub(crate) fn new(reviewed: Weak<dyn Reviewed>) -> Self {
        Self(reviewed)
    }

    /// As [`Context::review_peers`](crate::Context::review_peers). Nothing is
    /// done if the context is gone.
    pub fn review(&self) {
        if let Some(reviewed) = self.0.upgrade() {
            reviewed.review_peers();
        }
    }

    /// Whether the context is gone.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.strong_count() == 0
    }

    /// Whether `other` reviews the same context's peers.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}

impl fmt::Debug for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reviewer")
            .field("is_idle", &self.is_idle())
            .finish()
    }
}
