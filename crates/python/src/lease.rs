//! Memory of Python's in messages of ours, and how it comes back.
//!
//! The last share of a message may be dropped on any thread, in the midst of
//! the engine, where waiting for the GIL or running Python code is out of the
//! question. So what was lent is put on a list there, and given back later: by
//! the Python call that is under way on this thread, at its end; on any other
//! thread by one of our own that does nothing else.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use zincmq::{Message, raw};

use crate::buffer::Memory;
use crate::errors::error_with;

/// The memory of a Python object, held for a message.
#[pyclass(frozen, module = "zincmq._native")]
pub struct Lease {
    #[expect(dead_code, reason = "it is held, and read where it points to")]
    buffer: Memory,
    /// To be set when the message is done with; a `threading.Event`.
    event: Option<Py<PyAny>>,
}

/// What the message has of it.
struct Lent {
    payload: &'static [u8],
    /// There until it is dropped.
    lease: Option<Py<Lease>>,
    janitor: Thread,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.payload
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(lease) = self.lease.take() else {
            return;
        };
        RETURNED.push(lease);
        if !SETTLES.get() {
            self.janitor.unpark();
        }
    }
}

/// A message of what is in `buffer`, which is in one piece. `event` is set once
/// nobody has a share in it any more.
pub fn lend(py: Python<'_>, buffer: Memory, event: Option<Bound<'_, PyAny>>) -> PyResult<Message> {
    let janitor = janitor(py)?;
    // SAFETY: the lease holds the buffer for as long as the message has it.
    // Whoever writes to memory that is being sent expects to see any of what
    // was there sent, as with all zero-copy sends of pyzmq.
    let payload = unsafe { buffer.bytes() };
    let event = event.map(Bound::unbind);
    let lease = Bound::new(py, Lease { buffer, event })?;
    register(&lease)?;
    Ok(raw::message_owning(Lent {
        payload,
        lease: Some(lease.unbind()),
        janitor,
    }))
}

/// Calls `work`, and gives back what comes back to this thread meanwhile.
pub fn settling<T>(py: Python<'_>, work: impl FnOnce() -> T) -> T {
    let before = SETTLES.replace(true);
    let result = work();
    SETTLES.set(before);
    settle(py);
    result
}

thread_local! {
    /// The calling thread is in a call that settles when it ends.
    static SETTLES: Cell<bool> = const { Cell::new(false) };
}

/// Gives back what has come back.
fn settle(py: Python<'_>) {
    for lease in RETURNED.take() {
        let lease = lease.into_bound(py);
        if let Err(error) = release(&lease) {
            error.write_unraisable(py, Some(&lease));
        }
    }
}

fn release(lease: &Bound<'_, Lease>) -> PyResult<()> {
    let py = lease.py();
    let number = lease.as_ptr() as usize;
    ledger(py)?.call_method1("pop", (number, py.None()))?;
    match &lease.get().event {
        Some(event) => event.bind(py).call_method0("set").map(drop),
        None => Ok(()),
    }
}

/// Where pyzmq lists what is on loan, so that its own ways to look at that
/// work.
fn ledger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // Kept, as at the end of a program nothing can be imported any more.
    static COLLECTOR: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let collector = COLLECTOR.get_or_try_init(py, || {
        let collector = garbage(py)?.getattr("gc")?;
        Ok::<_, PyErr>(collector.unbind())
    })?;
    collector.bind(py).getattr("refs")
}

fn register(lease: &Bound<'_, Lease>) -> PyResult<()> {
    let py = lease.py();
    let event = lease.get().event.as_ref();
    let entry = garbage(py)?.call_method1("gcref", (lease, event))?;
    ledger(py)?.set_item(lease.as_ptr() as usize, entry)
}

fn garbage(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    py.import("zmq.utils.garbage")
}

/// The thread that gives back what comes back where nobody else does. It ends
/// with the process, and is started anew in one that was forked.
fn janitor(py: Python<'_>) -> PyResult<Thread> {
    // Locked with the GIL held only: no fork comes in between.
    static JANITOR: Mutex<Option<(u32, Thread)>> = Mutex::new(None);
    let mut janitor = JANITOR.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((known, thread)) = &*janitor
        && *known == process
    {
        return Ok(thread.clone());
    }
    let started = raw::deaf(|| {
        let builder = std::thread::Builder::new().name("zincmq-janitor".to_owned());
        builder.spawn(tidy)
    });
    let started = started.map_err(|wrong| {
        let code = wrong.raw_os_error().unwrap_or(libc::EAGAIN);
        error_with(py, code, &format!("no thread for zero-copy sends: {wrong}"))
    })?;
    let thread = started.thread().clone();
    *janitor = Some((process, thread.clone()));
    Ok(thread)
}

fn tidy() {
    loop {
        while RETURNED.is_empty() {
            std::thread::park();
        }
        if Python::try_attach(settle).is_none() {
            // The interpreter ends, and its memory with it.
            return;
        }
    }
}

/// What has come back. Without a lock: whoever returns something may hold
/// others, and a fork may come at any time.
static RETURNED: Returned = Returned(AtomicPtr::new(ptr::null_mut()));

struct Returned(AtomicPtr<Node>);

struct Node {
    lease: Py<Lease>,
    next: *mut Node,
}

impl Returned {
    fn push(&self, lease: Py<Lease>) {
        let mut first = self.0.load(Ordering::Relaxed);
        let node = Box::into_raw(Box::new(Node {
            lease,
            next: ptr::null_mut(),
        }));
        loop {
            // SAFETY: nobody else has the node before it is on the list.
            unsafe { (*node).next = first };
            match self
                .0
                .compare_exchange_weak(first, node, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire).is_null()
    }

    fn take(&self) -> Vec<Py<Lease>> {
        let mut leases = Vec::new();
        if self.is_empty() {
            return leases;
        }
        let mut first = self.0.swap(ptr::null_mut(), Ordering::Acquire);
        while !first.is_null() {
            // SAFETY: nodes on the list are from `push`; this is the only one
            // to have taken them off.
            let node = *unsafe { Box::from_raw(first) };
            leases.push(node.lease);
            first = node.next;
        }
        leases.reverse();
        leases
    }
}
