//! Contexts (zmq_ctx_new(3) and its like).

use std::ffi::{c_int, c_void};

use zincmq::options::OptionValue;
use zincmq::{Context, raw};

use crate::boundary::{self, Outcome, guard, guard_unit};
use crate::errno::code;
use crate::handle::{Ref, Table};

static CONTEXTS: Table<Context> = Table::new();

/// The context behind a pointer from C.
///
/// # Errors
///
/// EFAULT if there is none.
pub fn context(pointer: *mut c_void) -> Outcome<Ref<Context>> {
    CONTEXTS.get(pointer).ok_or(libc::EFAULT)
}

/// A new context.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_new() -> *mut c_void {
    guard(|| named(CONTEXTS.insert(fresh())))
}

/// A context that lets peers in as libzmq does.
fn fresh() -> Context {
    let context = Context::new();
    raw::be_lenient(&context);
    context
}

fn named(pointer: *mut c_void) -> Outcome<*mut c_void> {
    match pointer.is_null() {
        true => Err(libc::EMFILE),
        false => Ok(pointer),
    }
}

/// Shuts the context down and waits until all its sockets are closed and have
/// sent what their linger time allows.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_term(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        raw::term(&*context(pointer)?).map_err(code)?;
        // Another thread may have been faster.
        drop(CONTEXTS.remove(pointer));
        Ok(())
    })
}

/// Has all calls on the context's sockets fail with ETERM.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_shutdown(pointer: *mut c_void) -> c_int {
    guard_unit(|| {
        context(pointer)?.shutdown();
        Ok(())
    })
}

/// Sets a number.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_set(pointer: *mut c_void, option: c_int, value: c_int) -> c_int {
    guard_unit(|| {
        let context = context(pointer)?;
        let value = match context.option_by_number(option) {
            // The prefix of thread names can be a number.
            Ok(OptionValue::Text(_)) => OptionValue::Text(value.to_string()),
            _ => OptionValue::Int(value),
        };
        context.set_by_number(option, &value).map_err(code)
    })
}

/// Reads a number.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_get(pointer: *mut c_void, option: c_int) -> c_int {
    guard(|| match context(pointer)?.option_by_number(option) {
        Ok(OptionValue::Int(value)) => Ok(value),
        Ok(OptionValue::Bool(value)) => Ok(c_int::from(value)),
        // A prefix of thread names that is no number.
        Ok(OptionValue::Text(text)) => Ok(text.parse().unwrap_or(0)),
        Ok(_) => Err(libc::EINVAL),
        Err(error) => Err(code(error)),
    })
}

/// Sets an option of any kind: a number is an `int` of its size, a text has
/// `len` bytes.
///
/// # Safety
///
/// `value` is null or points to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_set_ext(
    pointer: *mut c_void,
    option: c_int,
    value: *const c_void,
    len: usize,
) -> c_int {
    guard_unit(|| {
        let context = context(pointer)?;
        // SAFETY: by the caller's promise.
        let value = unsafe { boundary::bytes(value, len) }.map_err(|_| libc::EINVAL)?;
        let value = match context.option_by_number(option) {
            Ok(OptionValue::Text(_)) => OptionValue::Text(
                std::str::from_utf8(value)
                    .map_err(|_| libc::EINVAL)?
                    .trim_end_matches('\0')
                    .to_owned(),
            ),
            _ => OptionValue::Int(c_int::from_ne_bytes(
                value.try_into().map_err(|_| libc::EINVAL)?,
            )),
        };
        context.set_by_number(option, &value).map_err(code)
    })
}

/// Reads an option of any kind into `value`, and its size into `len`.
///
/// # Safety
///
/// `len` may be read and written, `value` has as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_get_ext(
    pointer: *mut c_void,
    option: c_int,
    value: *mut c_void,
    len: *mut usize,
) -> c_int {
    guard_unit(|| {
        let known = context(pointer)?.option_by_number(option).map_err(code)?;
        // SAFETY: by the caller's promise.
        unsafe { boundary::copy_out(&known.to_c_bytes(), value, len) }
    })
}

/// As [`zmq_ctx_new`] with so many I/O threads.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_init(io_threads: c_int) -> *mut c_void {
    const IO_THREADS: c_int = 1;
    guard(|| {
        let context = fresh();
        context
            .set_by_number(IO_THREADS, &OptionValue::Int(io_threads))
            .map_err(code)?;
        named(CONTEXTS.insert(context))
    })
}

/// As [`zmq_ctx_term`].
#[unsafe(no_mangle)]
pub extern "C" fn zmq_term(pointer: *mut c_void) -> c_int {
    zmq_ctx_term(pointer)
}

/// As [`zmq_ctx_term`].
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_destroy(pointer: *mut c_void) -> c_int {
    zmq_ctx_term(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_thread_names_is_read_as_a_number() {
        const THREAD_NAME_PREFIX: c_int = 9;
        let context = zmq_ctx_new();
        assert_eq!(zmq_ctx_get(context, THREAD_NAME_PREFIX), 0);
        assert_eq!(zmq_ctx_set(context, THREAD_NAME_PREFIX, 12), 0);
        assert_eq!(zmq_ctx_get(context, THREAD_NAME_PREFIX), 12);
        let text = c"io".as_ptr().cast();
        // SAFETY: it has so many bytes.
        let set = unsafe { zmq_ctx_set_ext(context, THREAD_NAME_PREFIX, text, 2) };
        assert_eq!(set, 0);
        assert_eq!(zmq_ctx_get(context, THREAD_NAME_PREFIX), 0);
        assert_eq!(zmq_ctx_term(context), 0);
    }
}
