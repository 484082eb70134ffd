//! What a proxy has moved.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::message::{Message, Multipart};

/// What a [`Proxy`](super::Proxy) has moved so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStatistics {
    /// On the front socket.
    pub front: SideStatistics,
    /// On the back socket.
    pub back: SideStatistics,
    /// Messages that no send could take any more, such as a reply to a peer
    /// that has left a mandatory ROUTER.
    pub dropped: u64,
}

/// One socket's share in [`ProxyStatistics`]. A message of several parts
/// counts once; bytes are those of its parts, without framing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SideStatistics {
    /// Messages received.
    pub messages_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Messages sent.
    pub messages_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

/// Written by the proxy's thread only.
#[derive(Debug, Default)]
pub(super) struct Side {
    messages_in: AtomicU64,
    bytes_in: AtomicU64,
    messages_out: AtomicU64,
    bytes_out: AtomicU64,
}

impl Side {
    pub(super) fn read(&self) -> SideStatistics {
        SideStatistics {
            messages_in: self.messages_in.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            messages_out: self.messages_out.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }

    pub(super) fn received(&self, messages: usize, bytes: u64) {
        self.messages_in
            .fetch_add(messages as u64, Ordering::Relaxed);
        self.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn sent(&self, messages: usize, bytes: u64) {
        self.messages_out
            .fetch_add(messages as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl ProxyStatistics {
    pub(super) fn to_message(self) -> Multipart {
        [self.front, self.back]
            .iter()
            .flat_map(|side| {
                [
                    side.messages_in,
                    side.bytes_in,
                    side.messages_out,
                    side.bytes_out,
                ]
            })
            .map(|number| Message::from(number.to_ne_bytes()))
            .collect()
    }
}
