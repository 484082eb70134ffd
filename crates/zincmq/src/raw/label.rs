//! What the messages of C and Python have beside their payload, and the engine's
//! as a part of its own: which peer or group they are for or from.

use std::ffi::CString;

use crate::{Message, SocketType};

/// What belongs to a message beside its payload.
#[derive(Default)]
pub struct Label {
    /// Of a message to or from a SERVER or PEER; 0 for none.
    pub routing_id: u32,
    /// Of a message to or from a RADIO or DISH.
    pub group: Option<CString>,
}

/// What the messages of a socket type are labelled with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Labelled {
    /// Nothing.
    Not,
    /// The routing id of a peer.
    RoutingId,
    /// The name of a group.
    Group,
}

/// What the messages of this type are labelled with.
#[inline]
pub fn of_type(kind: SocketType) -> Labelled {
    match kind {
        SocketType::Server | SocketType::Peer => Labelled::RoutingId,
        SocketType::Radio | SocketType::Dish => Labelled::Group,
        _ => Labelled::Not,
    }
}

impl Labelled {
    /// The engine's part for a label.
    pub fn write(self, label: &Label) -> Message {
        match (self, &label.group) {
            (Self::RoutingId, _) => Message::from(label.routing_id.to_be_bytes()),
            (Self::Group, Some(group)) => Message::from(group.to_bytes()),
            (Self::Group | Self::Not, _) => Message::new(),
        }
    }

    /// The label in the engine's part.
    pub fn read(self, part: &Message) -> Label {
        match self {
            Self::RoutingId => Label {
                routing_id: <[u8; 4]>::try_from(&part[..]).map_or(0, u32::from_be_bytes),
                group: None,
            },
            Self::Group => Label {
                routing_id: 0,
                group: CString::new(&part[..]).ok(),
            },
            Self::Not => Label::default(),
        }
    }
}
