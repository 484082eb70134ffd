//! Who may connect, and what others on the way can read.
//!
//! A socket has one mechanism, the one its options speak of: NULL if they speak of none,
//! PLAIN (a name and a password in the clear) or CURVE (both ends prove who they
//! are, and all is encrypted). Options that speak of both, or of a server and a client
//! at once, or lack a key, are refused when the socket is bound or connected
//! ([`SecurityFault`]). A server asks the context's [`Authenticator`]
//! about each client; without one, nobody is let in. Some are made ready:
//!
//! | | Lets in |
//! |---|---|
//! | [`AddressList`] | clients from networks and addresses |
#![cfg_attr(
    feature = "password-file",
    doc = "| [`PasswordFile`] | clients of PLAIN whose name and password are in a file |"
)]
//! | [`KeyDirectory`] | clients of CURVE whose certificate is in a directory |
//! | [`AccessRules`] | whom these and others let in, put together |
//!
//! They can be changed while they are in use, also by a change of their file:
//! whom they do not let in any more is disconnected. So a server among
//! strangers is
//!
//! ```no_run
//! use zincmq::Context;
//! use zincmq::security::{AccessRules, AddressList, Certificate, KeyDirectory};
//!
//! let banned = AddressList::new();
//! let clients = KeyDirectory::open("/etc/my-server/clients")?;
//! clients.watch(|reloaded| {
//!     if let Err(error) = reloaded {
//!         eprintln!("{error}");
//!     }
//! })?;
//! let ctx = Context::new();
//! ctx.set_authenticator(AccessRules::new().deny(&banned).curve(clients));
//!
//! let mine = Certificate::load("/etc/my-server/server.key_secret")?;
//! let server = zincmq::Rep::builder(&ctx)
//!     .curve_server(true)
//!     .curve_secret_key(mine.secret_key().ok_or("a public key only")?.clone())
//!     .bind("tcp://*:5555")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An authenticator of one's own is a closure, or more:
//!
//! ```
//! use zincmq::Context;
//! use zincmq::security::{AuthRequest, Credentials, Denial, KeyPair, Verdict};
//!
//! let (server_keys, client_keys) = (KeyPair::generate()?, KeyPair::generate()?);
//!
//! let ctx = Context::new();
//! let known = *client_keys.public();
//! ctx.set_authenticator(move |request: &AuthRequest| match request.credentials() {
//!     Credentials::Curve { public_key } if *public_key == known => Verdict::accept("alice"),
//!     _ => Verdict::deny(Denial::Refused, "not on the list"),
//! });
//! let server = zincmq::Rep::builder(&ctx)
//!     .curve_server(true)
//!     .curve_secret_key(server_keys.secret().clone())
//!     .bind("tcp://127.0.0.1:*")?;
//!
//! let client = zincmq::Req::builder(&Context::new())
//!     .curve_server_key(*server_keys.public())
//!     .curve_public_key(*client_keys.public())
//!     .curve_secret_key(client_keys.secret().clone())
//!     .connect(&server.last_endpoint())?;
//! client.send("hello")?;
//! let request = server.recv()?;
//! let peer = request.first().peer().expect("it came over a connection");
//! assert_eq!(peer.user_id.as_deref(), Some(&b"alice"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod access_rules;
mod addresses;
mod audience;
mod authenticator;
mod certificate;
mod file;
mod key_directory;
mod network;
mod password;
#[cfg(feature = "password-file")]
mod password_file;
mod settings;
mod source;

pub use zmtp::z85;
pub use zmtp::{
    Credentials, Denial, Grant, KeyPair, NoRandomness, PublicKey, SecretKey, Verdict, VerdictFault,
    Z85Error,
};

pub use access_rules::AccessRules;
pub use addresses::{AddressList, AddressRange, NotAnAddress};
pub(crate) use authenticator::Reviewed;
pub use authenticator::{AuthRequest, Authenticator, Reviewer};
pub use certificate::{Certificate, CertificateError, LineFault, MetadataError};
pub use key_directory::{KeyDirectory, KeyDirectoryError};
pub(crate) use network::Network;
pub use password::Password;
#[cfg(feature = "password-file")]
pub use password_file::{PasswordFault, PasswordFile, PasswordFileError};
pub use settings::SecurityFault;
pub(crate) use settings::{Mechanism, SecuritySettings};
