//! Messages (zmq_msg_init(3) and its like): the engine's message inside C's
//! `zmq_msg_t`, with what only C's has beside it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;

use zincmq::raw::label::Label;
use zincmq::{Message, raw};

use crate::boundary::{self, Outcome, guard, guard_unit};
use crate::foreign::{Foreign, FreeFn};
use crate::groups;

const MORE: c_int = 1;
const SOURCE_FD: c_int = 2;
const SHARED: c_int = 3;

/// What `zmq_msg_t` is. Not initialised before C calls an init function, which
/// is told by `mark`.
#[repr(C, align(8))]
pub struct Msg {
    message: MaybeUninit<Message>,
    mark: u16,
    more: bool,
    kind: Kind,
    /// A routing id or the key of a group.
    number: u32,
}

/// What `number` is.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nothing = 0,
    RoutingId = 1,
    Group = 2,
}

// As in zmq.h.
const _: () = assert!(size_of::<Msg>() == 64 && align_of::<Msg>() == align_of::<*mut ()>());

/// Tells an initialised message from memory that is none.
const MARK: u16 = 0x5a51;

/// Whether a `zmq_msg_t` can be at `msg`. One at an odd address is not: zmq.h
/// aligns it, but for compilers that cannot be told to.
#[inline]
fn is_place(msg: *const Msg) -> bool {
    !msg.is_null() && msg.is_aligned()
}

impl Msg {
    /// An initialised message.
    ///
    /// # Errors
    ///
    /// EFAULT if there is none at `msg`, as far as that can be told.
    ///
    /// # Safety
    ///
    /// `msg` is null or points to a `zmq_msg_t` that nobody else uses for `'a`.
    #[inline]
    pub unsafe fn at<'a>(msg: *mut Self) -> Outcome<&'a mut Self> {
        // SAFETY: by the caller's promise, and it is aligned; all bit patterns
        // are numbers.
        if !is_place(msg) || unsafe { (&raw const (*msg).mark).read() } != MARK {
            return Err(libc::EFAULT);
        }
        // SAFETY: the mark is there, so an init function has been called.
        Ok(unsafe { &mut *msg })
    }

    /// As [`Msg::at`], to look at only: several threads may at once.
    ///
    /// # Errors
    ///
    /// As [`Msg::at`].
    ///
    /// # Safety
    ///
    /// `msg` is null or points to a `zmq_msg_t` that nobody changes for `'a`.
    #[inline]
    unsafe fn look<'a>(msg: *const Self) -> Outcome<&'a Self> {
        // SAFETY: by the caller's promise, and it is aligned; all bit patterns
        // are numbers.
        if !is_place(msg) || unsafe { (&raw const (*msg).mark).read() } != MARK {
            return Err(libc::EFAULT);
        }
        // SAFETY: the mark is there, so an init function has been called.
        Ok(unsafe { &*msg })
    }

    /// Makes `message` the one at `msg`, whatever was there before.
    ///
    /// # Safety
    ///
    /// `msg` is a place and points to a `zmq_msg_t` that nobody else uses.
    #[inline]
    unsafe fn init(msg: *mut Self, message: Message) {
        let fresh = Self {
            message: MaybeUninit::new(message),
            mark: MARK,
            more: false,
            kind: Kind::Nothing,
            number: 0,
        };
        // SAFETY: by the caller's promise.
        unsafe { msg.write(fresh) }
    }

    /// The engine's message.
    #[inline]
    pub fn message(&self) -> &Message {
        // SAFETY: it is initialised for as long as the mark is there, and
        // references are only given to such.
        unsafe { self.message.assume_init_ref() }
    }

    /// The same, to be changed or replaced.
    #[inline]
    pub fn message_mut(&mut self) -> &mut Message {
        // SAFETY: as in `message`.
        unsafe { self.message.assume_init_mut() }
    }

    /// Takes the payload out and leaves an empty one.
    #[inline]
    pub fn take(&mut self) -> Message {
        std::mem::take(self.message_mut())
    }

    /// Puts back what was taken.
    #[inline]
    pub fn put_back(&mut self, message: Message) {
        *self.message_mut() = message;
    }

    /// As after a receive, once the payload is there.
    #[inline]
    pub fn received(&mut self, more: bool) {
        self.more = more;
        self.forget_label();
    }

    /// What belongs to it beside the payload.
    pub fn label(&self) -> Label {
        match self.kind {
            Kind::Nothing => Label::default(),
            Kind::RoutingId => Label {
                routing_id: self.number,
                group: None,
            },
            Kind::Group => Label {
                routing_id: 0,
                group: groups::with(self.number, CStr::to_owned),
            },
        }
    }

    /// Sets what belongs to it.
    pub fn set_label(&mut self, label: Label) {
        self.forget_label();
        if let Some(group) = label.group {
            self.kind = Kind::Group;
            self.number = groups::keep(group);
        } else if label.routing_id != 0 {
            self.kind = Kind::RoutingId;
            self.number = label.routing_id;
        }
    }

    /// As after `zmq_msg_init`, once the payload was handed over.
    #[inline]
    pub fn reset(&mut self) {
        self.more = false;
        self.forget_label();
    }

    #[inline]
    fn forget_label(&mut self) {
        if self.kind == Kind::Group {
            groups::forget(self.number);
        }
        self.kind = Kind::Nothing;
        self.number = 0;
    }
}

/// A message of C's constant data, which it promised never to change or free.
///
/// # Safety
///
/// `data` points to `len` bytes that stay.
pub unsafe fn constant(data: *const c_void, len: usize) -> Message {
    // SAFETY: by the caller's promise.
    raw::message_owning(unsafe { Foreign::new(data, len, None, ptr::null_mut()) })
}

/// A message of a copy of `data`.
///
/// # Errors
///
/// ENOMEM if there is no memory for it.
#[inline]
pub fn copy(data: &[u8]) -> Outcome<Message> {
    let mut message = raw::message_with_len(data.len()).ok_or(libc::ENOMEM)?;
    // SAFETY: the message is so long and new.
    unsafe { ptr::copy_nonoverlapping(data.as_ptr(), raw::data(&mut message), data.len()) };
    Ok(message)
}

/// Makes `msg` an empty message.
///
/// # Safety
///
/// `msg` is null or points to a `zmq_msg_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init(msg: *mut Msg) -> c_int {
    guard_unit(|| {
        if !is_place(msg) {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        unsafe { Msg::init(msg, Message::new()) };
        Ok(())
    })
}

/// Makes `msg` a message of `size` bytes, to be filled by the program.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_size(msg: *mut Msg, size: usize) -> c_int {
    guard_unit(|| {
        if !is_place(msg) {
            return Err(libc::EFAULT);
        }
        let message = raw::message_with_len(size).ok_or(libc::ENOMEM)?;
        // SAFETY: by the caller's promise.
        unsafe { Msg::init(msg, message) };
        Ok(())
    })
}

/// Makes `msg` a message of a copy of `size` bytes.
///
/// # Safety
///
/// As for [`zmq_msg_init`]; `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_buffer(
    msg: *mut Msg,
    data: *const c_void,
    size: usize,
) -> c_int {
    guard_unit(|| {
        if !is_place(msg) {
            return Err(libc::EFAULT);
        }
        // SAFETY: by the caller's promise.
        let data = unsafe { boundary::bytes(data, size) }?;
        let message = copy(data)?;
        // SAFETY: by the caller's promise.
        unsafe { Msg::init(msg, message) };
        Ok(())
    })
}

/// Makes `msg` a message of the program's own memory, without a copy. When the
/// last message that shares it is gone, `free` is called with `data` and
/// `hint`, once, on whichever thread that is.
///
/// # Safety
///
/// As for [`zmq_msg_init`]; `data` points to `size` bytes that stay as they are
/// until `free` is called.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_data(
    msg: *mut Msg,
    data: *mut c_void,
    size: usize,
    free: Option<FreeFn>,
    hint: *mut c_void,
) -> c_int {
    guard_unit(|| {
        if !is_place(msg) || (data.is_null() && size > 0) {
            return Err(libc::EFAULT);
        }
        if size > isize::MAX as usize {
            return Err(libc::ENOMEM);
        }
        // SAFETY: by the caller's promise.
        let message = raw::message_owning(unsafe { Foreign::new(data, size, free, hint) });
        // SAFETY: by the caller's promise.
        unsafe { Msg::init(msg, message) };
        Ok(())
    })
}

/// Gives up a message; `msg` is none any more.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_close(msg: *mut Msg) -> c_int {
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        msg.forget_label();
        msg.mark = 0;
        // SAFETY: it was initialised, as its mark told, and is none any more.
        unsafe { msg.message.assume_init_drop() };
        Ok(())
    })
}

/// Moves the message at `from` to `to`, whose own is given up; `from` is left
/// empty.
///
/// # Safety
///
/// Both are as for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_move(to: *mut Msg, from: *mut Msg) -> c_int {
    guard_unit(|| {
        if ptr::eq(to, from) {
            // SAFETY: by the caller's promise.
            return unsafe { Msg::at(to) }.map(drop);
        }
        // SAFETY: by the caller's promise; they are two.
        let (to, from) = unsafe { (Msg::at(to)?, Msg::at(from)?) };
        to.forget_label();
        to.put_back(from.take());
        (to.more, to.kind, to.number) = (from.more, from.kind, from.number);
        from.kind = Kind::Nothing;
        from.reset();
        Ok(())
    })
}

/// Makes `to`, whose own message is given up, share the one at `from`.
///
/// # Safety
///
/// Both are as for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_copy(to: *mut Msg, from: *mut Msg) -> c_int {
    guard_unit(|| {
        if ptr::eq(to, from) {
            // SAFETY: by the caller's promise.
            return unsafe { Msg::at(to) }.map(drop);
        }
        // SAFETY: by the caller's promise; they are two.
        let (to, from) = unsafe { (Msg::at(to)?, Msg::at(from)?) };
        to.put_back(raw::share(from.message_mut()));
        to.more = from.more;
        if to.kind != Kind::Nothing || from.kind != Kind::Nothing {
            to.set_label(from.label());
        }
        Ok(())
    })
}

/// Where the payload is; null for what is no message.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_data(msg: *mut Msg) -> *mut c_void {
    guard(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        Ok(raw::data(msg.message_mut()).cast())
    })
}

/// How long the payload is, bytes; 0 for what is no message.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_size(msg: *const Msg) -> usize {
    guard(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::look(msg) }?;
        Ok(msg.message().len())
    })
}

/// 1 if it was received and further parts follow it, else 0.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_more(msg: *const Msg) -> c_int {
    // SAFETY: by the caller's promise.
    unsafe { zmq_msg_get(msg, MORE) }
}

/// A property of the message: ZMQ_MORE, ZMQ_SRCFD or ZMQ_SHARED.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_get(msg: *const Msg, property: c_int) -> c_int {
    guard(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::look(msg) }?;
        match property {
            MORE => Ok(c_int::from(msg.more)),
            SHARED => Ok(c_int::from(raw::is_shared(msg.message()))),
            SOURCE_FD => {
                let peer = msg.message().peer();
                peer.and_then(raw::descriptor).ok_or(libc::EINVAL)
            }
            _ => Err(libc::EINVAL),
        }
    })
}

/// There is no property that could be set: always EINVAL.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set(msg: *mut Msg, property: c_int, value: c_int) -> c_int {
    let _ = (property, value);
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        unsafe { Msg::at(msg) }?;
        Err(libc::EINVAL)
    })
}

/// What is known of the connection the message came over, such as
/// `Peer-Address`, `Socket-Type`, `Routing-Id`, `User-Id`, or what the peer's
/// own metadata says. The text stays as long as the message.
///
/// # Safety
///
/// As for [`zmq_msg_init`]; `name` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_gets(msg: *const Msg, name: *const c_char) -> *const c_char {
    guard(|| {
        // SAFETY: by the caller's promise, as is the next.
        let msg = unsafe { Msg::look(msg) }?;
        // SAFETY: see above.
        let name = unsafe { boundary::text(name) }?;
        let peer = msg.message().peer().ok_or(libc::EINVAL)?;
        let text = raw::property(peer, name).ok_or(libc::EINVAL)?;
        Ok(text.as_ptr())
    })
}

/// Says which peer of a SERVER or PEER the message is for.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_routing_id(msg: *mut Msg, routing_id: u32) -> c_int {
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        if routing_id == 0 {
            return Err(libc::EINVAL);
        }
        msg.set_label(Label {
            routing_id,
            group: None,
        });
        Ok(())
    })
}

/// Which peer of a SERVER or PEER the message came from; 0 if from none.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_routing_id(msg: *mut Msg) -> u32 {
    guard(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::look(msg) }?;
        Ok(msg.label().routing_id)
    })
}

/// Says which group a RADIO sends the message to.
///
/// # Safety
///
/// As for [`zmq_msg_init`]; `group` is null or ends with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_group(msg: *mut Msg, group: *const c_char) -> c_int {
    guard_unit(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::at(msg) }?;
        if group.is_null() {
            return Err(libc::EINVAL);
        }
        // SAFETY: by the caller's promise.
        let group = unsafe { CStr::from_ptr(group) };
        if group.count_bytes() > groups::LONGEST {
            return Err(libc::EINVAL);
        }
        msg.set_label(Label {
            routing_id: 0,
            group: Some(group.to_owned()),
        });
        Ok(())
    })
}

/// Which group the message is for or came from; of no characters if none. The
/// text stays as long as the message.
///
/// # Safety
///
/// As for [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_group(msg: *mut Msg) -> *const c_char {
    guard(|| {
        // SAFETY: by the caller's promise.
        let msg = unsafe { Msg::look(msg) }?;
        let group = match msg.kind {
            Kind::Group => groups::with(msg.number, CStr::as_ptr),
            _ => None,
        };
        Ok(group.unwrap_or(c"".as_ptr()))
    })
}
