//! Bytes as printable text (zmq_z85_encode(3), zmq_z85_decode(3)).

use std::ffi::{CStr, c_char};
use std::ptr;

use zeroize::Zeroizing;
use zincmq::security::z85;

use crate::boundary::{self, Outcome, guard};

/// Writes `text` and a NUL.
///
/// # Errors
///
/// EFAULT if there is no place.
///
/// # Safety
///
/// `place` is null or has room for them.
pub unsafe fn write_text(text: &str, place: *mut c_char) -> Outcome<()> {
    if place.is_null() {
        return Err(libc::EFAULT);
    }
    // SAFETY: there is room by the caller's promise, as for the next.
    unsafe { ptr::copy_nonoverlapping(text.as_ptr(), place.cast(), text.len()) };
    // SAFETY: see above.
    unsafe { place.add(text.len()).write(0) };
    Ok(())
}

/// Writes the text for `size` bytes, a multiple of 4, and returns `place`.
///
/// # Safety
///
/// `data` points to `size` bytes, and `place` has room for five characters for
/// every four of them and a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_encode(
    place: *mut c_char,
    data: *const u8,
    size: usize,
) -> *mut c_char {
    guard(|| {
        if !size.is_multiple_of(4) {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let data = unsafe { boundary::bytes(data.cast(), size) }?;
        let text = z85::encode(data).map_err(|_| libc::EINVAL)?;
        // It may be of a key.
        let text = Zeroizing::new(text);
        // SAFETY: by the caller's promise.
        unsafe { write_text(&text, place) }?;
        Ok(place)
    })
}

/// Writes the bytes that a text stands for, and returns `place`.
///
/// # Safety
///
/// `text` is null or ends with a NUL, and `place` has room for four bytes for
/// every five characters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_z85_decode(place: *mut u8, text: *const c_char) -> *mut u8 {
    guard(|| {
        if text.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let text = unsafe { CStr::from_ptr(text) };
        if text.is_empty() {
            return Err(libc::EINVAL);
        }
        let bytes = z85::decode(text.to_bytes()).map_err(|_| libc::EINVAL)?;
        // They may be a key.
        let bytes = Zeroizing::new(bytes);
        if place.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: there is room by the caller's promise.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let data = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
        let mut text = [c_char::MAX; 12];
        let place = text.as_mut_ptr();
        // SAFETY: there is room for 11 characters.
        assert_eq!(unsafe { zmq_z85_encode(place, data.as_ptr(), 8) }, place);
        assert_eq!(text[11], c_char::MAX);
        // SAFETY: it ends with a NUL.
        assert_eq!(unsafe { CStr::from_ptr(place) }, c"HelloWorld");
        let mut bytes = [0xaa; 9];
        let back = bytes.as_mut_ptr();
        // SAFETY: there is room for 8 bytes.
        assert_eq!(unsafe { zmq_z85_decode(back, place) }, back);
        assert_eq!((&bytes[..8], bytes[8]), (&data[..], 0xaa));
        // SAFETY: there is room for the NUL.
        assert_eq!(unsafe { zmq_z85_encode(place, ptr::null(), 0) }, place);
        assert_eq!(text[0], 0);
    }
}
