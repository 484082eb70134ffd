//! A proxy at work: turns, and what its control socket says.

use std::sync::atomic::Ordering;

use super::way::Way;
use super::{BACK, CAPTURE, CONTROL, FRONT, PAUSED, Proxy, RUNNING, TERMINATED};
use crate::SocketType;
use crate::error::{PollError, ProxyError, RecvFailure};
use crate::message::Multipart;
use crate::poller::Poller;
use crate::reactor::{Readiness, Signals};

/// A proxy at work.
pub(super) struct Run<'a> {
    proxy: &'a Proxy<'a>,
    poller: &'a Poller,
    forth: Way<'a>,
    /// There is none if front and back are the same socket.
    back: Option<Way<'a>>,
    interests: [Readiness; 4],
}

impl<'a> Run<'a> {
    pub(super) fn new(proxy: &'a Proxy<'a>, poller: &'a Poller) -> Result<Self, ProxyError> {
        let shared = &proxy.shared;
        let same = std::ptr::eq(proxy.front, proxy.back);
        poller.add(proxy.front, FRONT, Readiness::NONE)?;
        if !same {
            poller.add(proxy.back, BACK, Readiness::NONE)?;
        }
        if let Some(capture) = proxy.capture {
            poller.add(capture, CAPTURE, Readiness::NONE)?;
        }
        if let Some(control) = proxy.control {
            poller.add(control, CONTROL, Readiness::NONE)?;
        }
        let to_key = if same { FRONT } else { BACK };
        let way = |from, to, read, written, keys| Way {
            from,
            to,
            read,
            written,
            held: None,
            copy: None,
            waits_for: [Readiness::NONE; 3],
            keys,
        };
        Ok(Self {
            proxy,
            poller,
            forth: way(
                proxy.front,
                proxy.back,
                &shared.front,
                &shared.back,
                (FRONT, to_key),
            ),
            back: (!same).then(|| {
                way(
                    proxy.back,
                    proxy.front,
                    &shared.back,
                    &shared.front,
                    (BACK, FRONT),
                )
            }),
            interests: [Readiness::NONE; 4],
        })
    }

    pub(super) fn run(&mut self, signals: Signals) -> Result<(), ProxyError> {
        loop {
            self.obey()?;
            let moving = self.proxy.shared.moving.lock();
            let moved = match self.proxy.shared.state.load(Ordering::SeqCst) {
                TERMINATED => return self.let_go(),
                PAUSED => {
                    self.want([Readiness::NONE; 3])?;
                    0
                }
                _ => self.turn()?,
            };
            drop(moving);
            // While messages stream, the control socket is all that is asked.
            if moved > 0 {
                continue;
            }
            if let Err(error) = self.poller.wait_heeding(None, signals) {
                if matches!(error, PollError::Interrupted) {
                    self.let_go()?;
                }
                return Err(error.into());
            }
        }
    }

    /// Moves a batch each way.
    fn turn(&mut self) -> Result<usize, ProxyError> {
        let capture = self.proxy.capture;
        let dropped = &self.proxy.shared.dropped;
        let mut moved = self.forth.carry(capture, dropped)?;
        let mut wanted = self.forth.waits_for;
        if let Some(back) = &mut self.back {
            moved += back.carry(capture, dropped)?;
            for (wanted, more) in wanted.iter_mut().zip(back.waits_for) {
                *wanted |= more;
            }
        }
        if moved == 0 {
            self.want(wanted)?;
        }
        Ok(moved)
    }

    fn want(&mut self, sockets: [Readiness; 3]) -> Result<(), ProxyError> {
        let has_control = self.proxy.control.is_some();
        let control = if has_control {
            Readiness::READABLE
        } else {
            Readiness::NONE
        };
        let [front, back, capture] = sockets;
        let wanted = [front, back, capture, control];
        for (key, (old, new)) in self.interests.iter_mut().zip(wanted).enumerate() {
            if *old != new {
                self.poller.modify(key, new)?;
                *old = new;
            }
        }
        Ok(())
    }

    /// Does what the control socket says.
    fn obey(&self) -> Result<(), ProxyError> {
        let Some(control) = self.proxy.control else {
            return Ok(());
        };
        loop {
            let command = match control.inner().attempt_recv() {
                Ok(command) => command,
                // A REP that has not got rid of its answer is not read.
                Err(RecvFailure::WouldBlock | RecvFailure::WrongState(_)) => return Ok(()),
                Err(failure) => return Err(ProxyError::of_recv(failure)),
            };
            let shared = &self.proxy.shared;
            let mut answer = Multipart::default();
            let mut asked = false;
            match &command.first()[..] {
                b"PAUSE" => shared.enter(PAUSED),
                b"RESUME" => shared.enter(RUNNING),
                b"TERMINATE" => shared.enter(TERMINATED),
                b"STATISTICS" => {
                    asked = true;
                    answer = shared.statistics().to_message();
                }
                _ => {}
            }
            let answers = match control.socket_type() {
                SocketType::Rep => true,
                SocketType::Pair | SocketType::Dealer => asked,
                _ => false,
            };
            if answers {
                // An answer that nobody waits for is not worth an error.
                let _ = control.try_send(answer);
            }
        }
    }

    /// Hands over what is held, if it can be, before the end.
    fn let_go(&mut self) -> Result<(), ProxyError> {
        let capture = self.proxy.capture;
        let dropped = &self.proxy.shared.dropped;
        let ways = std::iter::once(&mut self.forth).chain(&mut self.back);
        for way in ways {
            way.hand_over(capture, dropped)?;
            if way.held.take().is_some() {
                dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}
