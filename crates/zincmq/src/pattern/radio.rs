//! RADIO (RFC 48): sends to the members of a group.

use super::{BATCH, Drops, Pattern, Setting};
use crate::SocketType;
use crate::error::{RecvFailure, SendError, SendFailure, SettingError};
use crate::message::{Item, Multipart};
use crate::peer::{PeerId, Peers};
use crate::route::{FairQueue, FanOut, Groups, is_group};

/// Messages have two parts: the name of a group, and what each of its members
/// gets. Never waits unless XPUB_NODROP is set; a member that is full misses
/// the message, and that is counted.
#[derive(Default)]
pub(super) struct Radio {
    groups: Groups,
    inbound: FairQueue,
    fan_out: FanOut,
    filtered: u64,
}

impl Radio {
    fn absorb(&mut self, peers: &mut Peers) {
        for _ in 0..BATCH {
            let Some((id, item)) = self.inbound.pop_item(peers) else {
                return;
            };
            match item {
                // No message could be sent to any other.
                Item::Join(group) if is_group(&group) => {
                    self.groups.join(group.into_bytes(), id);
                }
                Item::Leave(group) => self.groups.leave(&group, id),
                Item::Data(_) => self.filtered += 1,
                Item::Join(_) | Item::Subscribe(_) | Item::Cancel(_) | Item::Run(_) => {}
            }
        }
    }
}

impl Pattern for Radio {
    fn attached(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.add(id);
        self.fan_out.add(id);
        self.absorb(peers);
    }

    fn detached(&mut self, _peers: &mut Peers, id: PeerId) {
        self.inbound.remove(id);
        self.fan_out.remove(id);
        self.groups.remove_peer(id);
    }

    fn readable(&mut self, peers: &mut Peers, id: PeerId) {
        self.inbound.readable(id);
        self.absorb(peers);
    }

    fn writable(&mut self, _peers: &mut Peers, id: PeerId) {
        self.fan_out.writable(id);
    }

    fn send(&mut self, peers: &mut Peers, message: Multipart) -> Result<(), SendError> {
        match message.len() {
            2 if is_group(message.first()) => {}
            2 => return Err(SendError::new(SendFailure::NotAGroup, message)),
            1 => return Err(SendError::new(SendFailure::MalformedEnvelope, message)),
            _ => return Err(SendError::new(SendFailure::MultipartUnsupported, message)),
        }
        if !self.inbound.is_idle() {
            self.absorb(peers);
        }
        self.fan_out.begin();
        for &id in self.groups.members(message.first()) {
            self.fan_out.choose(id);
        }
        let sent = self.fan_out.try_send(peers, message);
        sent.map_err(|message| SendError::new(SendFailure::WouldBlock, message))
    }

    fn recv(&mut self, _peers: &mut Peers) -> Result<Multipart, RecvFailure> {
        Err(RecvFailure::CannotReceive(SocketType::Radio))
    }

    fn flush(&mut self, peers: &mut Peers) {
        self.fan_out.flush(peers);
    }

    fn can_send(&mut self, peers: &mut Peers) -> bool {
        self.fan_out.has_room(peers)
    }

    fn set(&mut self, _peers: &mut Peers, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::XpubNoDrop(on) => {
                self.fan_out.set_no_drop(on);
                Ok(())
            }
            _ => Err(SettingError::NotForThisType),
        }
    }

    fn drops(&self) -> Drops {
        Drops {
            full: self.fan_out.dropped(),
            filtered: self.filtered,
            ..Drops::default()
        }
    }
}
