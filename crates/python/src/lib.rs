//! The native half of the Python package `zincmq`: what pyzmq asks of a
//! backend, on the engine in the crate `zincmq`.
//!
//! | File | What |
//! |---|---|
//! | `context.rs`, `socket.rs`, `frame.rs` | the classes that pyzmq's own build upon |
//! | `aio/` | sockets for asyncio |
//! | `arguments.rs` | arguments as pyzmq takes them |
//! | `transfer.rs` | sending and receiving one part |
//! | `patience.rs` | waiting: without the GIL, and ended by signals |
//! | `buffer.rs`, `lease.rs` | memory of Python's in messages of ours, and its return |
//! | `interpreter.rs` | which interpreter of the process has the module |
//! | `options.rs` | values of options |
//! | `poll.rs`, `proxy.rs`, `monitored_queue.rs` | functions that wait for several sockets |
//! | `library.rs` | what the library is and can do, keys |
//! | `errors.rs`, `pyzmq.rs` | errors and other things that live in pyzmq's Python layer |

mod aio;
mod arguments;
mod buffer;
mod context;
mod errors;
mod frame;
mod interpreter;
mod lease;
mod library;
mod monitored_queue;
mod options;
mod patience;
mod poll;
mod proxy;
mod pyzmq;
mod registry;
mod socket;
mod transfer;

/// The native module of the package; see `zincmq.backend`.
// Who copies from and to Python's memory counts on the GIL, so a Python that can do without
// has to turn it on.
#[pyo3::pymodule(gil_used = true)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::aio::{AsyncSocket, Future, Hub};
    #[pymodule_export]
    use crate::context::Context;
    #[pymodule_export]
    use crate::frame::Frame;
    #[pymodule_export]
    use crate::library::{
        curve_keypair, curve_public, has, payload_copies, strerror, zmq_errno, zmq_version_info,
    };
    #[pymodule_export]
    use crate::monitored_queue::monitored_queue;
    #[pymodule_export]
    use crate::poll::zmq_poll;
    #[pymodule_export]
    use crate::proxy::{proxy, proxy_steerable};
    #[pymodule_export]
    use crate::socket::Socket;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::interpreter::claim(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("IPC_PATH_MAX_LEN", crate::library::IPC_PATH_MAX_LEN)?;
        module.add("PYZMQ_DRAFT_API", true)
    }
}
