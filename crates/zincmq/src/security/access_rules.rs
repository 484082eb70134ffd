//! Several authenticators put together.

use std::fmt;

use zmtp::{Credentials, Denial, Verdict};

use super::addresses::not_listed;
use super::{AddressList, AuthRequest, Authenticator, Reviewer};

/// Rules put together from parts: who may not try, who alone may, and who
/// judges the credentials of each mechanism. What no rule allows is denied: a
/// new `AccessRules` lets nobody in, with NULL no more than with the others.
///
/// In this order:
///
/// 1. Who is on a list of [`deny`](Self::deny) is refused.
/// 2. With [`allow_only`](Self::allow_only), who is on none of its lists is
///    refused. An empty list is a list with nobody on it, not none.
/// 3. The authenticator for the client's mechanism decides; if there is none,
///    the client is refused.
///
/// Only sockets with the option ZAP_DOMAIN ask about clients of NULL: without
/// it, such a socket is open to everybody.
///
/// Clients over ipc have no address and are on a list only if it has
/// [`AddressRange::IPC`](super::AddressRange::IPC).
///
/// ```
/// use zincmq::Context;
/// use zincmq::security::{AccessRules, AddressList, AuthRequest, Credentials, Denial, Password, Verdict};
///
/// let secret = Password::from("open sesame");
/// let banned = AddressList::new();
/// let office = AddressList::parse(["192.0.2.0/24", "ipc"])?;
/// let ctx = Context::new();
/// ctx.set_authenticator(
///     AccessRules::new()
///         .deny(&banned)
///         .allow_only(&office)
///         .plain(move |request: &AuthRequest| match request.credentials() {
///             Credentials::Plain { username: b"ali", password } if secret.matches(password) => {
///                 Verdict::accept("ali")
///             }
///             _ => Verdict::deny(Denial::Refused, "no such user, or another password"),
///         }),
/// );
/// // Whoever is connected from there has to go, and stays out.
/// banned.insert("192.0.2.66".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct AccessRules {
    denied: Vec<AddressList>,
    allowed: Option<Vec<AddressList>>,
    null: Option<Box<dyn Authenticator>>,
    plain: Option<Box<dyn Authenticator>>,
    curve: Option<Box<dyn Authenticator>>,
}

impl AccessRules {
    /// Rules by which nobody is let in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses who is on `list`, whatever the other rules say.
    #[must_use]
    pub fn deny(mut self, list: &AddressList) -> Self {
        self.denied.push(list.clone());
        self
    }

    /// Refuses who is neither on `list` nor on another one given so. Who is
    /// still needs credentials.
    #[must_use]
    pub fn allow_only(mut self, list: &AddressList) -> Self {
        self.allowed.get_or_insert_default().push(list.clone());
        self
    }

    /// Has `judge` decide on clients that show no credentials: an
    /// [`AddressList`], for example.
    #[must_use]
    pub fn null(mut self, judge: impl Authenticator + 'static) -> Self {
        self.null = Some(Box::new(judge));
        self
    }

    /// Has `judge` decide on clients with a name and a password: a
    #[cfg_attr(
        feature = "password-file",
        doc = "[`PasswordFile`](super::PasswordFile), for example."
    )]
    #[cfg_attr(not(feature = "password-file"), doc = "closure, for example.")]
    #[must_use]
    pub fn plain(mut self, judge: impl Authenticator + 'static) -> Self {
        self.plain = Some(Box::new(judge));
        self
    }

    /// Has `judge` decide on clients with a key: a
    /// [`KeyDirectory`](super::KeyDirectory), for example.
    #[must_use]
    pub fn curve(mut self, judge: impl Authenticator + 'static) -> Self {
        self.curve = Some(Box::new(judge));
        self
    }

    /// `ask` puts the question to who has to answer it.
    fn judge(
        &self,
        request: &AuthRequest,
        ask: impl FnOnce(&dyn Authenticator) -> Verdict,
    ) -> Verdict {
        let address = &request.address;
        let is_on = |list: &AddressList| list.contains(address);
        if self.denied.iter().any(is_on) {
            let reason = format!("{address} is on a list of denied addresses");
            return Verdict::deny(Denial::Refused, reason);
        }
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(is_on)
        {
            return not_listed(address);
        }
        let credentials = request.credentials();
        let judge = match credentials {
            Credentials::Null => &self.null,
            Credentials::Plain { .. } => &self.plain,
            Credentials::Curve { .. } => &self.curve,
            _ => &None,
        };
        match judge {
            Some(judge) => ask(&**judge),
            None => Verdict::deny(
                Denial::Refused,
                format!("no rule lets in clients of {}", credentials.mechanism()),
            ),
        }
    }

    fn judges(&self) -> impl Iterator<Item = &dyn Authenticator> {
        let judges = [&self.null, &self.plain, &self.curve];
        judges.into_iter().filter_map(|judge| judge.as_deref())
    }
}

impl Authenticator for AccessRules {
    fn authenticate(&self, request: &AuthRequest) -> Verdict {
        self.judge(request, |judge| judge.authenticate(request))
    }

    fn review(&self, request: &AuthRequest) -> Verdict {
        self.judge(request, |judge| judge.review(request))
    }

    fn installed(&self, reviewer: &Reviewer) {
        for list in self.denied.iter().chain(self.allowed.iter().flatten()) {
            list.installed(reviewer);
        }
        for judge in self.judges() {
            judge.installed(reviewer);
        }
    }
}

impl fmt::Debug for AccessRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessRules")
            .field("denied", &self.denied)
            .field("allowed", &self.allowed)
            .field("null", &self.null.is_some())
            .field("plain", &self.plain.is_some())
            .field("curve", &self.curve.is_some())
            .finish()
    }
}
