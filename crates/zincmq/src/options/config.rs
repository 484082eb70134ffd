//! Options for sockets yet to be made.

use std::fmt;
use std::time::Duration;

use super::opt::{self, SocketOption, builder_methods};
use super::{OptionValue, Row, option_table};
use crate::security::KeyPair;
use crate::transport::ListeningFd;

/// Options to make a socket with. Values are held to their ranges when the
/// socket is made; one configuration may serve many sockets.
///
/// ```
/// use std::time::Duration;
/// use zincmq::options::SocketConfig;
///
/// let config = SocketConfig::new()
///     .send_high_water_mark(500)
///     .linger(Duration::ZERO)
///     .ipv6(true);
/// ```
#[derive(Clone, Default)]
pub struct SocketConfig {
    values: Vec<(&'static Row, OptionValue)>,
}

impl SocketConfig {
    /// No option is set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets any option; a later value of the same option comes after it.
    #[must_use]
    pub fn set<O: SocketOption>(mut self, option: O) -> Self {
        self.values.push((O::row(), option.into_value()));
        self
    }

    option_table!(builder_methods);

    /// Both of this side's own keys of CURVE, in place of `curve_public_key` and
    /// `curve_secret_key`.
    #[must_use]
    pub fn curve_key_pair(self, keys: &KeyPair) -> Self {
        self.set(opt::CurvePublicKey(*keys.public()))
            .set(opt::CurveSecretKey(keys.secret().clone()))
    }

    /// The options in the order they were given.
    pub fn values(&self) -> impl Iterator<Item = (&'static Row, &OptionValue)> {
        self.values.iter().map(|(row, value)| (*row, value))
    }
}

impl fmt::Debug for SocketConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .values()
            .map(|(row, value)| (row.name, row.show(value)));
        f.debug_map().entries(shown).finish()
    }
}
