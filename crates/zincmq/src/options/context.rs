//! The options of a context: thirteen names and twelve numbers of libzmq's, and
//! one of our own.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Access, OptionError, OptionValue, SocketOptions};
use crate::SocketType;

/// Settings of a context; by default those of libzmq.
///
/// ```
/// use zincmq::ContextOptions;
///
/// let options = ContextOptions::default().io_threads(2).ipv6(true);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextOptions {
    pub(crate) io_threads: u32,
    pub(crate) max_sockets: u32,
    pub(crate) max_message_size: u32,
    /// For sched_setscheduler(2); `None` leaves threads alone.
    pub(crate) thread_sched_policy: Option<u32>,
    pub(crate) thread_priority: Option<u32>,
    /// CPUs to keep threads to; empty leaves them alone.
    pub(crate) thread_affinity: BTreeSet<u32>,
    pub(crate) thread_name_prefix: String,
    pub(crate) zero_copy_recv: bool,
    pub(crate) ipv6: bool,
    pub(crate) blocky: bool,
    /// Microseconds.
    pub(crate) spin: u32,
}

/// One option of a context.
#[derive(Debug)]
#[non_exhaustive]
pub struct ContextRow {
    /// Its number in `zmq.h`, which is libzmq's or beyond all of those; 3 is one option to set and another to read.
    pub number: i32,
    /// Its name without `ZMQ_`, such as `IO_THREADS`.
    pub name: &'static str,
    /// Whether it can be set, read or both.
    pub access: Access,
    /// The least it takes.
    pub min: i32,
    /// What it does, in a line.
    pub doc: &'static str,
    set: fn(&mut ContextOptions, u32) -> bool,
    get: fn(&ContextOptions) -> u32,
}

const fn row(
    number: i32,
    name: &'static str,
    access: Access,
    min: i32,
    set: fn(&mut ContextOptions, u32) -> bool,
    get: fn(&ContextOptions) -> u32,
    doc: &'static str,
) -> ContextRow {
    ContextRow {
        number,
        name,
        access,
        min,
        doc,
        set,
        get,
    }
}

/// Writes a value to its field; true, for it always fits.
macro_rules! field {
    ($field:ident) => {
        |options, value| {
            options.$field = value;
            true
        }
    };
    ($field:ident: Option) => {
        |options, value| {
            options.$field = Some(value);
            true
        }
    };
    ($field:ident: bool) => {
        |options, value| {
            options.$field = value != 0;
            true
        }
    };
}

const NAME_PREFIX: i32 = 9;
const LONGEST_NAME_PREFIX: usize = 16;

/// Every option of a context, by number.
pub static CONTEXT_ROWS: &[ContextRow] = &[
    row(
        1,
        "IO_THREADS",
        Access::SetGet,
        0,
        field!(io_threads),
        |options| options.io_threads,
        "Threads that do I/O; 0 is enough for inproc alone.",
    ),
    row(
        2,
        "MAX_SOCKETS",
        Access::SetGet,
        1,
        field!(max_sockets),
        |options| options.max_sockets,
        "Sockets that may be open at once.",
    ),
    row(
        3,
        "SOCKET_LIMIT",
        Access::Get,
        0,
        |_, _| false,
        |_| 65_535,
        "What MAX_SOCKETS can be at most.",
    ),
    row(
        3,
        "THREAD_PRIORITY",
        Access::Set,
        0,
        field!(thread_priority: Option),
        |_| 0,
        "The priority of I/O threads under their policy.",
    ),
    row(
        4,
        "THREAD_SCHED_POLICY",
        Access::SetGet,
        0,
        field!(thread_sched_policy: Option),
        |options| options.thread_sched_policy.unwrap_or(u32::MAX),
        "The scheduling policy of I/O threads; -1 when unset.",
    ),
    row(
        5,
        "MAX_MSGSZ",
        Access::SetGet,
        0,
        field!(max_message_size),
        |options| options.max_message_size,
        "The longest part of a message that new sockets send and receive, bytes; the greatest value is no limit.",
    ),
    row(
        6,
        "MSG_T_SIZE",
        Access::Get,
        0,
        |_, _| false,
        |_| 64,
        "sizeof(zmq_msg_t).",
    ),
    row(
        7,
        "THREAD_AFFINITY_CPU_ADD",
        Access::Set,
        0,
        |options, cpu| {
            options.thread_affinity.insert(cpu);
            true
        },
        |_| 0,
        "Adds a CPU to keep I/O threads to.",
    ),
    row(
        8,
        "THREAD_AFFINITY_CPU_REMOVE",
        Access::Set,
        0,
        |options, cpu| options.thread_affinity.remove(&cpu),
        |_| 0,
        "Takes a CPU that was added away again.",
    ),
    row(
        NAME_PREFIX,
        "THREAD_NAME_PREFIX",
        Access::SetGet,
        0,
        |options, number| {
            options.thread_name_prefix = number.to_string();
            true
        },
        |options| options.thread_name_prefix.parse().unwrap_or(0),
        "What the names of I/O threads start with: a number, or text of up to 16 bytes.",
    ),
    row(
        10,
        "ZERO_COPY_RECV",
        Access::SetGet,
        0,
        field!(zero_copy_recv: bool),
        |options| options.zero_copy_recv.into(),
        "Kept for programs that set it: long messages are always read straight into memory of their own.",
    ),
    row(
        42,
        "IPV6",
        Access::SetGet,
        0,
        field!(ipv6: bool),
        |options| options.ipv6.into(),
        "The option IPV6 of new sockets.",
    ),
    row(
        70,
        "BLOCKY",
        Access::SetGet,
        0,
        field!(blocky: bool),
        |options| options.blocky.into(),
        "Whether new sockets linger for ever, and the context's end waits for them.",
    ),
    row(
        7001,
        "SPIN",
        Access::SetGet,
        0,
        field!(spin),
        |options| options.spin,
        "How long a thread that waits for a new socket looks again before it sleeps, microseconds; 0 is not at all.",
    ),
];

impl Default for ContextOptions {
    fn default() -> Self {
        Self {
            io_threads: 1,
            max_sockets: 1023,
            max_message_size: i32::MAX.cast_unsigned(),
            thread_sched_policy: None,
            thread_priority: None,
            thread_affinity: BTreeSet::new(),
            thread_name_prefix: String::new(),
            zero_copy_recv: true,
            ipv6: false,
            blocky: true,
            spin: 20,
        }
    }
}

impl ContextOptions {
    /// Threads that do I/O; 0 is enough for inproc alone.
    #[must_use]
    pub fn io_threads(mut self, threads: u32) -> Self {
        self.io_threads = threads;
        self
    }

    /// Sockets that may be open at once.
    #[must_use]
    pub fn max_sockets(mut self, sockets: u32) -> Self {
        self.max_sockets = sockets.max(1);
        self
    }

    /// The longest part of a message that new sockets send and receive, bytes.
    /// A longer one is refused, and from a peer ends its connection.
    #[must_use]
    pub fn max_message_size(mut self, bytes: u32) -> Self {
        self.max_message_size = bytes.min(i32::MAX.cast_unsigned());
        self
    }

    /// Whether new sockets use IPv6 over tcp.
    #[must_use]
    pub fn ipv6(mut self, on: bool) -> Self {
        self.ipv6 = on;
        self
    }

    /// Whether new sockets keep unsent messages for ever after their close;
    /// otherwise they drop them.
    #[must_use]
    pub fn blocky(mut self, on: bool) -> Self {
        self.blocky = on;
        self
    }

    /// How long a thread that waits for a new socket looks again before it sleeps,
    /// in whole microseconds: 20 unless set, zero for not at all. It does so while
    /// recent waits ended that soon, never where there is one processor, and for no
    /// longer than 10 ms. A poll of several sockets goes by the least of theirs.
    #[must_use]
    pub fn spin(mut self, longest: Duration) -> Self {
        let most = i32::MAX.cast_unsigned();
        self.spin = u32::try_from(longest.as_micros()).map_or(most, |micros| micros.min(most));
        self
    }

    /// What the names of I/O threads start with; 16 bytes of it count.
    #[must_use]
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        let mut prefix = prefix.into();
        while prefix.len() > LONGEST_NAME_PREFIX {
            prefix.pop();
        }
        self.thread_name_prefix = prefix;
        self
    }

    /// Keeps I/O threads to these CPUs.
    #[must_use]
    pub fn thread_affinity(mut self, cpus: impl IntoIterator<Item = u32>) -> Self {
        self.thread_affinity = cpus.into_iter().collect();
        self
    }

    /// The policy and priority of I/O threads (sched(7)).
    #[must_use]
    pub fn thread_scheduling(mut self, policy: u32, priority: u32) -> Self {
        self.thread_sched_policy = Some(policy);
        self.thread_priority = Some(priority);
        self
    }

    /// The options a new socket of `socket_type` starts with.
    pub(crate) fn socket_defaults(&self, socket_type: SocketType) -> SocketOptions {
        let mut options = SocketOptions::of_type(socket_type);
        options.inherit(self.ipv6, self.blocky);
        options
    }

    /// The longest part of a message that new sockets send and receive, bytes;
    /// the greatest value is no limit, as messages may be longer than C's
    /// `int` can tell.
    pub(crate) fn longest_part(&self) -> Option<u64> {
        let limit = self.max_message_size;
        (limit != i32::MAX.cast_unsigned()).then_some(limit.into())
    }

    pub(crate) fn longest_spin(&self) -> Duration {
        Duration::from_micros(self.spin.into())
    }

    /// Sets the option called `name` to the value that `text` describes.
    pub(crate) fn set_by_name(&mut self, name: &str, text: &str) -> Result<(), OptionError> {
        let row = named(name, Access::Get)?;
        let value = match text {
            _ if row.number == NAME_PREFIX => OptionValue::from(text),
            "true" | "on" | "yes" => OptionValue::Int(1),
            "false" | "off" | "no" => OptionValue::Int(0),
            number => match number.parse() {
                Ok(number) => OptionValue::Int(number),
                Err(_) => OptionValue::from(text),
            },
        };
        self.set(row.number, &value)
    }

    /// The value of the option called `name`.
    pub(crate) fn value_by_name(&self, name: &str) -> Result<OptionValue, OptionError> {
        self.value(named(name, Access::Set)?.number)
    }

    /// Sets an option by its number, as `zmq_ctx_set` and `zmq_ctx_set_ext` do.
    ///
    /// # Errors
    ///
    /// [`OptionError`] if there is no such option to set, or the value is not
    /// one it takes.
    pub fn set(&mut self, number: i32, value: &OptionValue) -> Result<(), OptionError> {
        let row = find(number, Access::Get, OptionError::ReadOnly)?;
        let out_of_range = |range: String| OptionError::OutOfRange {
            option: row.name,
            value: value.describe(),
            range,
        };
        let int = match value {
            OptionValue::Int(value) => *value,
            OptionValue::Bool(value) => (*value).into(),
            OptionValue::Text(text) if number == NAME_PREFIX => {
                if text.is_empty() || text.len() > LONGEST_NAME_PREFIX {
                    return Err(out_of_range("text of 1 to 16 bytes".to_owned()));
                }
                self.thread_name_prefix.clone_from(text);
                return Ok(());
            }
            other => {
                return Err(OptionError::WrongType {
                    option: row.name,
                    expected: "a number".to_owned(),
                    given: other.describe(),
                });
            }
        };
        if int < row.min {
            return Err(out_of_range(format!("a number from {}", row.min)));
        }
        let fits = (row.set)(self, int.cast_unsigned());
        if fits {
            Ok(())
        } else {
            Err(out_of_range("a number that was added".to_owned()))
        }
    }

    /// The value of an option as `zmq_ctx_get` returns it; text that is no
    /// number is 0.
    ///
    /// # Errors
    ///
    /// [`OptionError`] if there is no such option to read.
    pub fn int(&self, number: i32) -> Result<i32, OptionError> {
        let row = find(number, Access::Set, OptionError::WriteOnly)?;
        Ok((row.get)(self).cast_signed())
    }

    /// The value of an option as `zmq_ctx_get_ext` returns it.
    ///
    /// # Errors
    ///
    /// As [`ContextOptions::int`].
    pub fn value(&self, number: i32) -> Result<OptionValue, OptionError> {
        if number == NAME_PREFIX {
            return Ok(OptionValue::Text(self.thread_name_prefix.clone()));
        }
        self.int(number).map(OptionValue::Int)
    }
}

/// The row called `name`, with or without `ZMQ_`, unless its access is `unfit`.
fn named(name: &str, unfit: Access) -> Result<&'static ContextRow, OptionError> {
    let bare = match name.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("ZMQ_") => &name[4..],
        _ => name,
    };
    let row = CONTEXT_ROWS
        .iter()
        .find(|row| row.name.eq_ignore_ascii_case(bare))
        .ok_or_else(|| OptionError::Unknown(name.to_owned()))?;
    match row.access {
        access if access != unfit => Ok(row),
        Access::Get => Err(OptionError::ReadOnly(row.name)),
        _ => Err(OptionError::WriteOnly(row.name)),
    }
}

/// The row of `number` whose access is not `unfit`.
fn find(
    number: i32,
    unfit: Access,
    refusal: fn(&'static str) -> OptionError,
) -> Result<&'static ContextRow, OptionError> {
    let rows = CONTEXT_ROWS.iter().filter(|row| row.number == number);
    let mut refused = None;
    for row in rows {
        if row.access != unfit {
            return Ok(row);
        }
        refused = Some(refusal(row.name));
    }
    Err(refused.unwrap_or_else(|| OptionError::Unknown(number.to_string())))
}
