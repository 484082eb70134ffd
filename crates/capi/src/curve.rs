//! Keys of CURVE, as Z85 (zmq_curve_keypair(3), zmq_curve_public(3)).

use std::ffi::{c_char, c_int};

use zincmq::security::{KeyPair, SecretKey};

use crate::boundary::{self, guard_unit};
use crate::z85::write_text;

/// Writes a new public key and the secret one that goes with it.
///
/// # Safety
///
/// Each is null or has room for 40 characters and a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_keypair(public: *mut c_char, secret: *mut c_char) -> c_int {
    guard_unit(|| {
        if public.is_null() || secret.is_null() {
            return Err(libc::EFAULT);
        }
        let keys = KeyPair::generate().map_err(|_| libc::EIO)?;
        // SAFETY: by the caller's promise, as is the next.
        unsafe { write_text(&keys.public().to_string(), public) }?;
        // SAFETY: see above.
        unsafe { write_text(&keys.secret().to_z85(), secret) }
    })
}

/// Writes the public key that goes with a secret one.
///
/// # Safety
///
/// `public` is null or has room for 40 characters and a NUL; `secret` is null
/// or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_public(public: *mut c_char, secret: *const c_char) -> c_int {
    guard_unit(|| {
        if public.is_null() || secret.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let secret = unsafe { boundary::text(secret) }?;
        let secret: SecretKey = secret.parse().map_err(|_| libc::EINVAL)?;
        // SAFETY: by the caller's promise.
        unsafe { write_text(&secret.public_key().to_string(), public) }
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn text(key: &[c_char; 41]) -> &str {
        // SAFETY: the key was written with a NUL.
        let key = unsafe { CStr::from_ptr(key.as_ptr()) };
        key.to_str().expect("Z85 is text")
    }

    #[test]
    fn the_public_key_follows_from_the_secret_one() {
        let [mut public, mut secret, mut derived] = [[1 as c_char; 41]; 3];
        // SAFETY: there is room for a key in each.
        let made = unsafe { zmq_curve_keypair(public.as_mut_ptr(), secret.as_mut_ptr()) };
        assert_eq!(made, 0);
        assert_eq!((text(&public).len(), text(&secret).len()), (40, 40));
        // SAFETY: as above, and the secret key ends with a NUL.
        let made = unsafe { zmq_curve_public(derived.as_mut_ptr(), secret.as_ptr()) };
        assert_eq!(made, 0);
        assert_eq!(text(&derived), text(&public));
        assert_ne!(text(&secret), text(&public));
    }
}
