//! Options of sockets (zmq_setsockopt(3), zmq_getsockopt(3)).

use std::ffi::{c_int, c_void};
use std::os::fd::{FromRawFd, OwnedFd};

use zincmq::ListeningFd;
use zincmq::options::{Kind, OptionValue, row_by_number};
use zincmq::security::z85;

use crate::boundary::{self, Outcome, guard_unit};
use crate::errno::code;
use crate::socket::socket;

const TCP_ACCEPT_FILTER: c_int = 38;
const PLAIN_USERNAME: c_int = 45;
const PLAIN_PASSWORD: c_int = 46;
const CURVE_PUBLICKEY: c_int = 48;
const CURVE_SERVERKEY: c_int = 50;
const SOCKS_PROXY: c_int = 68;
const BINDTODEVICE: c_int = 92;
const IPC_FILTER_PID: c_int = 58;
const IPC_FILTER_UID: c_int = 59;
const IPC_FILTER_GID: c_int = 60;

/// What a null pointer clears, while a value of no bytes is refused.
const CLEARED_BY_NULL: [c_int; 8] = [
    TCP_ACCEPT_FILTER,
    PLAIN_USERNAME,
    PLAIN_PASSWORD,
    SOCKS_PROXY,
    BINDTODEVICE,
    IPC_FILTER_PID,
    IPC_FILTER_UID,
    IPC_FILTER_GID,
];

/// Sets an option to what is in `len` bytes.
///
/// # Safety
///
/// `value` points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_setsockopt(
    pointer: *mut c_void,
    option: c_int,
    value: *const c_void,
    len: usize,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        let row = row_by_number(option).ok_or(libc::EINVAL)?;
        if len == 0 && !value.is_null() && CLEARED_BY_NULL.contains(&option) {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let value = unsafe { boundary::bytes(value, len) }.map_err(|_| libc::EINVAL)?;
        let value = match OptionValue::from_c_bytes(row, value).map_err(code)? {
            OptionValue::Int(fd) if matches!(row.kind, Kind::Fd) && fd >= 0 => {
                // SAFETY: with the option the program hands the descriptor
                // over; should it be none, nothing but calls on it fails.
                let fd = unsafe { OwnedFd::from_raw_fd(fd) };
                OptionValue::Fd(ListeningFd::kept_open_until_bound(fd))
            }
            value => value,
        };
        socket.engine.set_by_number(option, value).map_err(code)
    })
}

/// Reads an option into `len` bytes, and tells how many it has.
///
/// # Safety
///
/// `len` may be read and written; `value` has as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_getsockopt(
    pointer: *mut c_void,
    option: c_int,
    value: *mut c_void,
    len: *mut usize,
) -> c_int {
    guard_unit(|| {
        let socket = socket(pointer)?;
        let known = socket.option(option)?;
        let known = match (option, &known) {
            (CURVE_PUBLICKEY..=CURVE_SERVERKEY, OptionValue::Bytes(key)) if !len.is_null() => {
                // SAFETY: by the caller's promise.
                sized_key(key, unsafe { len.read() })?
            }
            (PLAIN_USERNAME | PLAIN_PASSWORD, OptionValue::Bytes(bytes)) => {
                // As text is.
                [&bytes[..], b"\0"].concat()
            }
            _ => known.to_c_bytes(),
        };
        // SAFETY: by the caller's promise.
        unsafe { boundary::copy_out(&known, value, len) }
    })
}

/// A key as zmq_getsockopt(3) tells it: 32 bytes, or with room for 41 as text.
fn sized_key(key: &[u8], room: usize) -> Outcome<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::context::{zmq_ctx_new, zmq_ctx_term};
    use crate::errno;
    use crate::socket::{zmq_close, zmq_socket};

    const MECHANISM: c_int = 43;

    #[test]
    fn names_and_passwords_are_any_bytes() {
        let context = zmq_ctx_new();
        let socket = zmq_socket(context, 1);
        let set = |option, value: *const u8, len| {
            // SAFETY: `value` has as many bytes, or is null.
            let set = unsafe { zmq_setsockopt(socket, option, value.cast(), len) };
            (set, errno::get())
        };
        let get = |option| {
            let mut place = [0xee_u8; 256];
            let mut len = place.len();
            let to = place.as_mut_ptr().cast();
            // SAFETY: `len` is what there is.
            let got = unsafe { zmq_getsockopt(socket, option, to, &raw mut len) };
            assert_eq!(got, 0);
            place[..len].to_vec()
        };
        for option in [PLAIN_USERNAME, PLAIN_PASSWORD] {
            // As libzmq 4.3.5 has it.
            for value in [
                &b"\xff\xfe"[..],
                b"admin",
                b"admin\0",
                b"a\0b",
                b"\0",
                &[b'x'; 255],
            ] {
                assert_eq!(set(option, value.as_ptr(), value.len()).0, 0);
                assert_eq!(get(option), [value, b"\0"].concat());
                assert_eq!(get(MECHANISM), 1_i32.to_ne_bytes());
            }
            let long = [b'x'; 256];
            assert_eq!(set(option, long.as_ptr(), 256), (-1, libc::EINVAL));
            assert_eq!(set(option, long.as_ptr(), 0), (-1, libc::EINVAL));
            assert_eq!(get(MECHANISM), 1_i32.to_ne_bytes());
            assert_eq!(set(option, ptr::null(), 0).0, 0);
            assert_eq!(get(MECHANISM), 0_i32.to_ne_bytes());
        }
        zmq_close(socket);
        zmq_ctx_term(context);
    }

    #[test]
    fn keys_come_as_bytes_or_as_text() {
        const TEXT: &[u8; 41] = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\0";
        let context = zmq_ctx_new();
        let socket = zmq_socket(context, 1);
        // SAFETY: there are 40 characters.
        let set = unsafe { zmq_setsockopt(socket, CURVE_SERVERKEY, TEXT.as_ptr().cast(), 40) };
        assert_eq!(set, 0);
        let get = |place: &mut [u8]| {
            let mut len = place.len();
            let to = place.as_mut_ptr().cast();
            // SAFETY: `len` is what there is.
            let got = unsafe { zmq_getsockopt(socket, CURVE_SERVERKEY, to, &raw mut len) };
            (got, len)
        };
        let (mut bytes, mut text) = ([0; 32], [0; 41]);
        assert_eq!(get(&mut bytes), (0, 32));
        assert_eq!(get(&mut text), (0, 41));
        assert_eq!(&text, TEXT);
        assert_eq!(z85::decode(&TEXT[..40]).as_deref(), Ok(&bytes[..]));
        for room in [0, 31, 33, 40, 42] {
            assert_eq!(get(&mut vec![0; room]), (-1, room));
            assert_eq!(errno::get(), libc::EINVAL);
        }
        // SAFETY: null is refused.
        let got =
            unsafe { zmq_getsockopt(socket, CURVE_SERVERKEY, ptr::null_mut(), ptr::null_mut()) };
        assert_eq!((got, errno::get()), (-1, libc::EFAULT));
        zmq_close(socket);
        zmq_ctx_term(context);
    }
}
