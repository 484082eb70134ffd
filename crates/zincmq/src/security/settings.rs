//! What a socket's options say of security.

use thiserror::Error;
use zmtp::{CurveClient, KeyPair, Login, PublicKey, SecretKey, Security};

/// The options of the group, with the mechanism that the last one set implies.
#[derive(Debug, Clone)]
pub(crate) struct SecuritySettings {
    pub(crate) mechanism: Mechanism,
    /// Which side of it this is.
    pub(crate) server: bool,
    pub(crate) login: Login,
    pub(crate) public_key: PublicKey,
    pub(crate) secret_key: SecretKey,
    pub(crate) server_key: PublicKey,
    pub(crate) zap_domain: String,
    pub(crate) zap_enforce_domain: bool,
    /// As in libzmq, whatever the options ask for is taken: switching off any
    /// mechanism is NULL, the last one set holds, and keys may be missing.
    pub(crate) lenient: bool,
    /// What was asked for and holds, in order.
    pub(crate) asked: Vec<Asked>,
}

/// What an option asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) option: &'static str,
    pub(crate) mechanism: Mechanism,
    /// To be the server or the client, if it says which.
    pub(crate) server: Option<bool>,
}

/// Options of security that make no server and no client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecurityFault {
    /// PLAIN and CURVE are both asked for.
    #[error("{0} asks for PLAIN and {1} for CURVE: a socket has one mechanism")]
    TwoMechanisms(&'static str, &'static str),
    /// To be a server and to be a client are both asked for.
    #[error("{0} asks for a server and {1} for a client: a socket is one of them")]
    BothSides(&'static str, &'static str),
    /// A key that the mechanism needs was not set.
    #[error("{option} is not set, which a {side} of CURVE needs")]
    NoKey {
        /// The option's name.
        option: &'static str,
        /// `server` or `client`.
        side: &'static str,
    },
    /// The two keys are not a pair.
    #[error("CURVE_PUBLICKEY is {given}, but CURVE_SECRETKEY goes with {expected}")]
    NoPair {
        /// The public key that was set.
        given: PublicKey,
        /// The public key that goes with the secret one.
        expected: PublicKey,
    },
}

/// The numbers of MECHANISM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mechanism {
    Null = 0,
    Plain = 1,
    Curve = 2,
}

impl Default for SecuritySettings {
    fn default() -> Self {
        Self {
            mechanism: Mechanism::Null,
            server: false,
            login: Login::default(),
            public_key: PublicKey::from_bytes([0; 32]),
            secret_key: SecretKey::from_bytes([0; 32]),
            server_key: PublicKey::from_bytes([0; 32]),
            zap_domain: String::new(),
            zap_enforce_domain: false,
            lenient: false,
            asked: Vec::new(),
        }
    }
}

impl SecuritySettings {
    /// Notes what an option asks for.
    pub(crate) fn ask(&mut self, option: &'static str, mechanism: Mechanism, server: Option<bool>) {
        self.asked.retain(|asked| asked.option != option);
        self.asked.push(Asked {
            option,
            mechanism,
            server,
        });
        self.settle();
    }

    /// Takes back what an option asked for, and whatever else was asked of its
    /// mechanism if it was to be the server of it.
    pub(crate) fn take_back(&mut self, option: &'static str) {
        let Some(gone) = self.asked.iter().find(|asked| asked.option == option) else {
            return;
        };
        let gone = *gone;
        self.asked.retain(|asked| match gone.server {
            Some(true) => asked.mechanism != gone.mechanism,
            _ => asked.option != option,
        });
        self.settle();
    }

    /// The last one that asks decides, until all are heard.
    fn settle(&mut self) {
        self.mechanism = match self.asked.last() {
            Some(asked) => asked.mechanism,
            None => Mechanism::Null,
        };
        let mut sides = self.asked.iter().rev().filter_map(|asked| asked.server);
        self.server = sides.next() == Some(true);
    }

    fn is_set(&self, option: &str) -> bool {
        self.asked.iter().any(|asked| asked.option == option)
    }

    /// Whether the options together make a server or a client.
    pub(crate) fn check(&self) -> Result<(), SecurityFault> {
        if self.lenient {
            return Ok(());
        }
        let first = |wanted: &dyn Fn(&Asked) -> bool| {
            let found = self.asked.iter().find(|asked| wanted(asked));
            found.map(|asked| asked.option)
        };
        let of = |mechanism| first(&|asked| asked.mechanism == mechanism);
        if let (Some(plain), Some(curve)) = (of(Mechanism::Plain), of(Mechanism::Curve)) {
            return Err(SecurityFault::TwoMechanisms(plain, curve));
        }
        let side = |server| first(&|asked| asked.server == Some(server));
        if let (Some(server), Some(client)) = (side(true), side(false)) {
            return Err(SecurityFault::BothSides(server, client));
        }
        match self.mechanism {
            Mechanism::Null | Mechanism::Plain => Ok(()),
            Mechanism::Curve => self.check_keys(),
        }
    }

    fn check_keys(&self) -> Result<(), SecurityFault> {
        let (side, needed): (_, &[_]) = match self.server {
            true => ("server", &["CURVE_SECRETKEY"]),
            false => ("client", &["CURVE_SERVERKEY", "CURVE_SECRETKEY"]),
        };
        if let Some(option) = needed.iter().find(|option| !self.is_set(option)) {
            return Err(SecurityFault::NoKey { option, side });
        }
        let expected = self.secret_key.public_key();
        match self.is_set("CURVE_PUBLICKEY") && self.public_key != expected {
            true => Err(SecurityFault::NoPair {
                given: self.public_key,
                expected,
            }),
            false => Ok(()),
        }
    }

    /// For a connection's engine.
    pub(crate) fn security(&self) -> Security {
        match (self.mechanism, self.server) {
            (Mechanism::Null, _) => Security::Null,
            (Mechanism::Plain, true) => Security::PlainServer,
            (Mechanism::Plain, false) => Security::PlainClient(self.login.clone()),
            (Mechanism::Curve, true) => {
                Security::CurveServer(KeyPair::from(self.secret_key.clone()))
            }
            (Mechanism::Curve, false) => Security::CurveClient(CurveClient {
                public_key: match self.lenient || self.is_set("CURVE_PUBLICKEY") {
                    true => self.public_key,
                    false => self.secret_key.public_key(),
                },
                secret_key: self.secret_key.clone(),
                server_key: self.server_key,
            }),
        }
    }
}
