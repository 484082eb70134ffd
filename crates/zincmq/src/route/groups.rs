//! Who is a member of which group (RFC 48): names match exactly.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use crate::peer::PeerId;

/// The longest name of a group, bytes.
pub(crate) const MAX_GROUP: usize = 255;

/// Whether `name` may be a group's: not too long, and without zero bytes.
pub(crate) fn is_group(name: &[u8]) -> bool {
    name.len() <= MAX_GROUP && !name.contains(&0)
}

/// The peers in each group. Joining twice changes nothing, and one leave ends
/// it.
#[derive(Default)]
pub(crate) struct Groups {
    members: HashMap<Bytes, Vec<PeerId>>,
    joined: HashMap<PeerId, HashSet<Bytes>>,
}

impl Groups {
    pub(crate) fn join(&mut self, group: Bytes, peer: PeerId) {
        if self.joined.entry(peer).or_default().insert(group.clone()) {
            self.members.entry(group).or_default().push(peer);
        }
    }

    pub(crate) fn leave(&mut self, group: &[u8], peer: PeerId) {
        if let Some(groups) = self.joined.get_mut(&peer)
            && groups.remove(group)
        {
            self.strike(group, peer);
        }
    }

    /// Has `peer` leave all its groups.
    pub(crate) fn remove_peer(&mut self, peer: PeerId) {
        for group in self.joined.remove(&peer).unwrap_or_default() {
            self.strike(&group, peer);
        }
    }

    /// The peers in `group`.
    #[inline]
    pub(crate) fn members(&self, group: &[u8]) -> &[PeerId] {
        self.members.get(group).map_or(&[], Vec::as_slice)
    }

    fn strike(&mut self, group: &[u8], peer: PeerId) {
        if let Some(members) = self.members.get_mut(group) {
            members.retain(|member| *member != peer);
            if members.is_empty() {
                self.members.remove(group);
            }
        }
    }
}
