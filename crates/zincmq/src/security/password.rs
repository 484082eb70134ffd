//! A password on its way to a socket.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A password: left out by `Debug`, wiped from memory when dropped. To compare two
/// of the same length takes the same time wherever they differ.
#[derive(Clone, Default)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// The password itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether these bytes, such as those of
    /// [`Credentials::Plain`](super::Credentials::Plain), are the password. For bytes of its
    /// length that takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, given: impl AsRef<[u8]>) -> bool {
        self.0.as_bytes().ct_eq(given.as_ref()).into()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.reveal())
    }
}

impl Eq for Password {}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(Zeroizing::new(password))
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        password.to_owned().into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_the_same_or_not() {
        let secret = Password::from("open sesame");
        assert_eq!(secret, Password::from("open sesame".to_owned()));
        for other in [
            "",
            "open sesam",
            "open sesame!",
            "Open sesame",
            "open sesamE",
        ] {
            assert_ne!(secret, Password::from(other));
            assert!(!secret.matches(other));
        }
        assert!(secret.matches(b"open sesame"));
    }
}
