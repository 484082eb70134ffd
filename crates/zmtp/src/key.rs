//! Keys of CURVE: 32 bytes each, in text 40 characters of Z85 (RFC 32).

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Z85Error, crypto, z85};

/// A public key on Curve25519. Prints as Z85 and parses from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key in these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl ConstantTimeEq for PublicKey {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.ct_eq(&other.0)
    }
}

impl FromStr for PublicKey {
    type Err = Z85Error;

    fn from_str(text: &str) -> Result<Self, Z85Error> {
        let mut key = Self([0; 32]);
        z85::decode_into(text.as_bytes(), &mut key.0)?;
        Ok(key)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&z85::encode(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A secret key on Curve25519. Wiped from memory when dropped, left out by `Debug`,
/// compared in constant time. Parses from Z85.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// The key in these bytes. The caller's copy is the caller's to wipe.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key from the system's random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut key = Self([0; 32]);
        crypto::fill_random(&mut key.0)?;
        Ok(key)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that goes with it.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(crypto::public_key(&self.0))
    }

    /// The key in Z85, for where it is to be stored.
    pub fn to_z85(&self) -> zeroize::Zeroizing<String> {
        zeroize::Zeroizing::new(z85::encode(&self.0).expect("32 bytes are a multiple of 4"))
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl FromStr for SecretKey {
    type Err = Z85Error;

    fn from_str(text: &str) -> Result<Self, Z85Error> {
        let mut key = Self([0; 32]);
        z85::decode_into(text.as_bytes(), &mut key.0)?;
        Ok(key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A secret key and the public key that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    public: PublicKey,
    secret: SecretKey,
}

impl KeyPair {
    /// A new pair from the system's random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] if the system has none to give.
    pub fn generate() -> Result<Self, NoRandomness> {
        SecretKey::generate().map(Self::from)
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret half.
    pub fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl From<SecretKey> for KeyPair {
    fn from(secret: SecretKey) -> Self {
        Self {
            public: secret.public_key(),
            secret,
        }
    }
}

/// The system has no random bytes to make a key of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system has no random bytes to give: {reason}")]
pub struct NoRandomness {
    /// What the system says.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pair that zmq_curve(7) shows for test cases.
    const PUBLIC: &str = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const SECRET: &str = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

    #[test]
    fn the_manual_s_keys_belong_together() {
        let secret: SecretKey = SECRET.parse().unwrap();
        let public: PublicKey = PUBLIC.parse().unwrap();
        assert_eq!(secret.public_key(), public);
        assert_eq!(public.to_string(), PUBLIC);
        assert_eq!(*secret.to_z85(), SECRET);
        let pair = KeyPair::from(secret.clone());
        assert_eq!((pair.public(), pair.secret()), (&public, &secret));
    }

    #[test]
    fn text_of_another_length_is_no_key() {
        for text in ["", &PUBLIC[5..], &format!("{PUBLIC}00000")] {
            let error = text.parse::<PublicKey>().unwrap_err();
            let (len, expected) = (text.len(), 40);
            assert_eq!(error, Z85Error::WrongLength { len, expected });
            assert_eq!(text.parse::<SecretKey>(), Err(error));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let pair = KeyPair::from(SECRET.parse::<SecretKey>().unwrap());
        let shown = format!("{pair:?}");
        assert!(shown.contains(PUBLIC), "{shown}");
        assert!(shown.contains("SecretKey(..)"), "{shown}");
    }

    #[test]
    fn no_two_pairs_are_the_same() {
        let [a, b] = [(); 2].map(|()| KeyPair::generate().unwrap());
        assert_ne!(a, b);
        assert_ne!(a.public(), b.public());
    }
}
