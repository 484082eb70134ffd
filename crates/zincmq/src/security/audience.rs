//! Whose peers an authenticator's change may concern.

use super::Reviewer;
use crate::sync::Mutex;

/// The contexts an authenticator serves.
#[derive(Debug, Default)]
pub(super) struct Audience(Mutex<Vec<Reviewer>>);

impl Audience {
    pub(super) fn join(&self, reviewer: &Reviewer) {
        let mut reviewers = self.0.lock();
        reviewers.retain(|known| !known.is_idle() && !known.is_same_as(reviewer));
        reviewers.push(reviewer.clone());
    }

    /// Something may have been withdrawn from somebody.
    pub(super) fn review(&self) {
        let reviewers = self.0.lock().clone();
        for reviewer in reviewers {
            reviewer.review();
        }
    }
}
