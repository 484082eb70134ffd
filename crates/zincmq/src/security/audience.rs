//! Whose peers an authenticator's change may concern.

use super::Reviewer;
use crate::fork_mutex::ForkMutex;

/// The contexts an authenticator serves.
#[derive(Debug, Default)]
pub(super) struct Audience(ForkMutex<Vec<Reviewer>>);

impl Audience {
    pub(super) fn join(&self, reviewer: &Reviewer) {
        self.0.with(|reviewers| {
            reviewers.retain(|known| !known.is_idle() && !known.is_same_as(reviewer));
            reviewers.push(reviewer.clone());
        });
    }

    /// Something may have been withdrawn from somebody.
    pub(super) fn review(&self) {
        let reviewers = self.0.with(|reviewers| reviewers.clone());
        for reviewer in reviewers {
            reviewer.review();
        }
    }
}
