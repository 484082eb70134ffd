//! pyzmq's queue between two sockets, with a third that is told of everything.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use zincmq::error::RecvFailure;
use zincmq::raw::errno::{Outcome, code};
use zincmq::raw::events::{self, Target};
use zincmq::raw::{self, PartSocket};
use zincmq::{Message, Multipart, Readiness, SocketType};

use crate::buffer::Memory;
use crate::patience::without_end;
use crate::socket::Socket;

/// Passes on what in_socket receives to out_socket and the other way round, and
/// to mon_socket with a prefix that tells which of the two it came from. Both
/// may be ROUTERs: then the first two parts, the routing ids, change places.
#[pyfunction]
#[pyo3(signature = (in_socket, out_socket, mon_socket, in_prefix=None, out_prefix=None))]
pub fn monitored_queue(
    py: Python<'_>,
    in_socket: &Bound<'_, Socket>,
    out_socket: &Bound<'_, Socket>,
    mon_socket: &Bound<'_, Socket>,
    in_prefix: Option<&Bound<'_, PyAny>>,
    out_prefix: Option<&Bound<'_, PyAny>>,
) -> PyResult<i32> {
    let prefix = |given: Option<&Bound<'_, PyAny>>, default: &str| match given {
        Some(given) => Memory::of(given).map(|prefix| prefix.copied(py)),
        None => Ok(Message::from(default)),
    };
    let sides = [in_socket.get().open(py)?, out_socket.get().open(py)?];
    let is_router = |side: &Arc<PartSocket>| side.engine.socket_type() == SocketType::Router;
    let mut queue = Queue {
        swap: sides.iter().all(is_router),
        sides,
        monitor: mon_socket.get().open(py)?,
        prefixes: [prefix(in_prefix, "in")?, prefix(out_prefix, "out")?],
        to_send: Vec::new(),
    };
    without_end(py, || queue.run())?;
    Ok(0)
}

struct Queue {
    sides: [Arc<PartSocket>; 2],
    monitor: Arc<PartSocket>,
    prefixes: [Message; 2],
    /// The first two parts change places.
    swap: bool,
    /// What was received and not sent yet, the next one last.
    to_send: Vec<(To, Multipart)>,
}

#[derive(Clone, Copy)]
enum To {
    Side(usize),
    Monitor,
}

impl Queue {
    /// Goes on until something is wrong. After EINTR it may be called again.
    fn run(&mut self) -> Outcome<()> {
        loop {
            self.send()?;
            let mut ready = [false; 2];
            let targets = self.sides.iter().enumerate();
            events::wait_for(
                targets.map(|(n, side)| (n, Target::Socket(side), Readiness::READABLE)),
                Duration::MAX,
                None,
                |n, _| ready[n] = true,
            )?;
            for side in (0..2).filter(|side| ready[*side]) {
                self.receive(side)?;
            }
        }
    }

    fn receive(&mut self, side: usize) -> Outcome<()> {
        let message = match self.sides[side].engine.try_recv() {
            Ok(message) => message,
            // Somebody else took it.
            Err(RecvFailure::WouldBlock) => return Ok(()),
            Err(failure) => return Err(code(failure)),
        };
        let mut parts: Vec<Message> = message.into_iter().collect();
        if self.swap && parts.len() > 1 {
            parts.swap(0, 1);
        }
        let mut told = Multipart::from(self.prefixes[side].clone());
        told.extend(parts.iter().cloned());
        self.to_send
            .insert(0, (To::Side(1 - side), Multipart::from(parts)));
        self.to_send.insert(0, (To::Monitor, told));
        Ok(())
    }

    fn send(&mut self) -> Outcome<()> {
        while let Some((to, message)) = self.to_send.pop() {
            let socket = match to {
                To::Side(side) => &self.sides[side],
                To::Monitor => &self.monitor,
            };
            if let Err(error) = raw::send(&socket.engine, message) {
                let failure = code(error.failure());
                self.to_send.push((to, error.into_message()));
                return Err(failure);
            }
        }
        Ok(())
    }
}
