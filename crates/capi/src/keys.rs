//! Keys of CURVE and their text (zmq_curve_keypair(3), zmq_curve_public(3),
//! zmq_z85_encode(3), zmq_z85_decode(3)).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use zincmq::security::{KeyPair, SecretKey, z85};

use crate::boundary::{self, Outcome, guard, guard_unit};

/// Writes a new pair of keys as text: 41 bytes each, with their NULs.
///
/// # Safety
///
/// Each pointer is null or has room for 41 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_keypair(public: *mut c_char, secret: *mut c_char) -> c_int {
    guard_unit(|| {
        if public.is_null() || secret.is_null() {
            return Err(libc::EFAULT);
        }
        // The only failure is that the system has no random bytes.
        let pair = KeyPair::generate().map_err(|_| libc::EIO)?;
        // SAFETY: by the caller's promise.
        unsafe { put_text(&pair.public().to_string(), public) };
        // SAFETY: by the caller's promise.
        unsafe { put_text(&pair.secret().to_z85(), secret) };
        Ok(())
    })
}

/// Writes the public key that goes with a secret one, as text of 41 bytes.
///
/// # Safety
///
/// `public` is null or has room for 41 bytes, `secret` is null or ends with a
/// NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_curve_public(public: *mut c_char, secret: *const c_char) -> c_int {
    guard_unit(|| {
        if public.is_null() || secret.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let secret: SecretKey = unsafe { boundary::text(secret) }?
            .parse()
            .map_err(|_| libc::EINVAL)?;
        // SAFETY: by the caller's promise.
        unsafe { put_text(&secret.public_key().to_string(), public) };
        Ok(())
    })
}

/// Writes `size` bytes, a multiple of 4, as text, a quarter longer and ended
/// with a NUL; returns where.
///
/// # Safety
///
/// `data` points to `size` bytes, `place` has room for the text, or either is
/// null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_encode(
    place: *mut c_char,
    data: *const u8,
    size: usize,
) -> *mut c_char {
    guard(|| {
        // libzmq looks at the length first.
        if !size.is_multiple_of(4) {
            return Err(libc::EINVAL);
        }
        if place.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let data = unsafe { boundary::bytes(data.cast::<c_void>(), size) }?;
        let text = z85::encode(data).map_err(|_| libc::EINVAL)?;
        // SAFETY: by the caller's promise.
        unsafe { put_text(&text, place) };
        Ok(place)
    })
}

/// Writes the bytes that the text stands for, a fifth shorter; returns where.
///
/// # Safety
///
/// `text` ends with a NUL, `place` has room for the bytes, or either is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_decode(place: *mut u8, text: *const c_char) -> *mut u8 {
    guard(|| {
        if place.is_null() || text.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let text = unsafe { CStr::from_ptr(text) };
        let bytes = z85::decode(text.to_bytes()).map_err(|_| libc::EINVAL)?;
        // SAFETY: by the caller's promise there is room.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(place)
    })
}

/// A key as zmq_getsockopt(3) tells it: 32 bytes, or with room for 41 as text.
///
/// # Errors
///
/// EINVAL for any other room.
pub fn sized(key: &[u8], room: usize) -> Outcome<Vec<u8>> {
    match room {
        32 => Ok(key.to_vec()),
        41 => {
            let mut text = z85::encode(key).map_err(|_| libc::EINVAL)?.into_bytes();
            text.push(0);
            Ok(text)
        }
        _ => Err(libc::EINVAL),
    }
}

/// # Safety
///
/// `place` has room for the text and a NUL.
unsafe fn put_text(text: &str, place: *mut c_char) {
    let place: *mut u8 = place.cast();
    // SAFETY: by the caller's promise.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), place, text.len()) };
    // SAFETY: so is the byte after it.
    unsafe { place.add(text.len()).write(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno;

    fn text(bytes: &[u8]) -> &str {
        let text = CStr::from_bytes_until_nul(bytes).expect("it ends with a NUL");
        text.to_str().expect("Z85 is ASCII")
    }

    #[test]
    fn pairs_belong_together() {
        let (mut public, mut secret, mut again) = ([1u8; 41], [1u8; 41], [1u8; 41]);
        // SAFETY: each has 41 bytes.
        let made =
            unsafe { zmq_curve_keypair(public.as_mut_ptr().cast(), secret.as_mut_ptr().cast()) };
        assert_eq!(made, 0);
        assert_eq!((text(&public).len(), text(&secret).len()), (40, 40));
        // SAFETY: one has 41 bytes, the other ends with a NUL.
        let made = unsafe { zmq_curve_public(again.as_mut_ptr().cast(), secret.as_ptr().cast()) };
        assert_eq!(made, 0);
        assert_eq!(again, public);
    }

    #[test]
    fn what_is_no_key_and_no_text_is_refused() {
        let mut place = [0u8; 41];
        let to = place.as_mut_ptr();
        for bad in [
            c"",
            c"tooshort",
            c"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"",
        ] {
            // SAFETY: as above.
            let made = unsafe { zmq_curve_public(to.cast(), bad.as_ptr()) };
            assert_eq!((made, errno::get()), (-1, libc::EINVAL));
        }
        // SAFETY: three bytes can be read.
        let made = unsafe { zmq_z85_encode(to.cast(), [1, 2, 3].as_ptr(), 3) };
        assert!(made.is_null() && errno::get() == libc::EINVAL);
        // SAFETY: the text ends with a NUL.
        let made = unsafe { zmq_z85_decode(to, c"1234".as_ptr()) };
        assert!(made.is_null() && errno::get() == libc::EINVAL);
        // SAFETY: null is allowed.
        let made = unsafe { zmq_z85_decode(to, ptr::null()) };
        assert!(made.is_null() && errno::get() == libc::EFAULT);
    }

    #[test]
    fn the_rfc_s_own_case() {
        let bytes = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        let mut place = [0xffu8; 11];
        let to = place.as_mut_ptr().cast();
        // SAFETY: eight bytes make ten characters and a NUL.
        assert_eq!(unsafe { zmq_z85_encode(to, bytes.as_ptr(), 8) }, to);
        assert_eq!(text(&place), "HelloWorld");
        let mut back = [0; 8];
        let to = back.as_mut_ptr();
        // SAFETY: ten characters make eight bytes.
        assert_eq!(unsafe { zmq_z85_decode(to, c"HelloWorld".as_ptr()) }, to);
        assert_eq!(back, bytes);
    }
}
