//! The groups of a DISH.

use super::core::{Core, Refusal};
use super::state::State;
use crate::SocketType;
use crate::error::GroupError;
use crate::message::Message;
use crate::route::{MAX_GROUP, is_group};

impl Core {
    pub(crate) fn join(&self, group: &[u8]) -> Result<(), GroupError> {
        self.regroup(group, GroupError::Joined, |state, group| {
            state.pattern.join(&mut state.peers, group)
        })
    }

    pub(crate) fn leave(&self, group: &[u8]) -> Result<(), GroupError> {
        self.regroup(group, GroupError::NotJoined, |state, group| {
            state.pattern.leave(&mut state.peers, group)
        })
    }

    /// Makes a change that the pattern refuses for one reason only.
    fn regroup(
        &self,
        group: &[u8],
        why_not: impl FnOnce(String) -> GroupError,
        change: impl FnOnce(&mut State, &Message) -> bool,
    ) -> Result<(), GroupError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into());
        }
        if self.socket_type() != SocketType::Dish {
            return Err(GroupError::NoGroups(self.socket_type()));
        }
        if group.len() > MAX_GROUP {
            return Err(GroupError::TooLong(group.len()));
        }
        let name = || group.escape_ascii().to_string();
        if !is_group(group) {
            return Err(GroupError::HasZero(name()));
        }
        let group = Message::from(group);
        match self.with(|state| change(state, &group)) {
            true => Ok(()),
            false => Err(why_not(name())),
        }
    }
}

impl From<Refusal> for GroupError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => Self::Closed,
            Refusal::Terminated => Self::Terminated,
            Refusal::Forked => Self::Forked,
        }
    }
}
