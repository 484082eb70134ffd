//! What watches a socket for a program (zmq_socket_monitor(3)).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::errno::{Outcome, code};
use super::relay::{Outlet, Relay};
use super::report::Form;
use super::{check_usable, pipes, sibling};
use crate::error::SendFailure;
use crate::{Socket, SocketType};

/// What a socket is watched by, if anything.
#[derive(Default)]
pub struct Watch(Mutex<Option<Arc<Relay>>>);

impl Watch {
    /// Sends what happens to the connections of `socket` to whoever connects to
    /// `endpoint`, an inproc one, with a socket that goes with `kind`: PAIR, PUB
    /// or PUSH. Without an endpoint it ends that.
    ///
    /// # Errors
    ///
    /// As zmq_socket_monitor_versioned(3).
    pub fn start(
        &self,
        socket: &Socket,
        endpoint: Option<&str>,
        form: Form,
        kind: Option<SocketType>,
    ) -> Outcome<()> {
        let usable = check_usable(socket);
        if let Err(forked @ SendFailure::Forked) = usable {
            // Who had the lock may not be in this process.
            return Err(code(forked));
        }
        let mut relay = self.lock();
        let Some(endpoint) = endpoint else {
            stop(&mut relay);
            return Ok(());
        };
        check_inproc(endpoint)?;
        usable.map_err(code)?;
        stop(&mut relay);
        let kind = kind
            .filter(|kind| matches!(kind, SocketType::Pair | SocketType::Pub | SocketType::Push))
            .ok_or(libc::EINVAL)?;
        let outlet = sibling(socket, kind).map_err(code)?;
        outlet.bind(endpoint).map_err(code)?;
        let outlet = Outlet {
            socket: outlet,
            endpoint: endpoint.to_owned(),
        };
        *relay = Some(Relay::start(socket.monitor(), form, outlet));
        Ok(())
    }

    /// Sends one event for each peer of `socket`, with the number of messages
    /// that wait to go there and that wait from there.
    ///
    /// # Errors
    ///
    /// As zmq_socket_monitor_pipes_stats: EINVAL if that is not watched, EAGAIN
    /// if there is no peer.
    pub fn tell_pipes(&self, socket: &Socket) -> Outcome<()> {
        check_usable(socket).map_err(|_| libc::EINVAL)?;
        let relay = self.lock();
        let relay = relay
            .as_ref()
            .filter(|relay| relay.form().tells_pipes() && !relay.is_over())
            .ok_or(libc::EINVAL)?;
        let pipes = pipes(socket);
        if pipes.is_empty() {
            return Err(libc::EAGAIN);
        }
        let messages = pipes.iter().filter_map(|pipes| relay.form().pipes(pipes));
        relay.send(messages.collect());
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Relay>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stop(relay: &mut Option<Arc<Relay>>) {
    if let Some(relay) = relay.take() {
        relay.stop();
    }
}

fn check_inproc(endpoint: &str) -> Outcome<()> {
    match endpoint.split_once("://") {
        None | Some(("", _) | (_, "")) => Err(libc::EINVAL),
        Some(("inproc", _)) => Ok(()),
        Some(_) => Err(libc::EPROTONOSUPPORT),
    }
}
