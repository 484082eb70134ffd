//! Payloads too long for a [`Block`](super::block): memory of their own, which
//! goes back to where it came from when the last share of it is dropped.

use std::ops::Deref;
use std::sync::{Arc, Weak};

/// Who keeps the memory of long payloads for the next ones. Called wherever a
/// message is dropped, so it waits for nothing.
pub(crate) trait Home: Send + Sync {
    /// Takes memory that nobody uses any more.
    fn take_back(&self, memory: Vec<u8>);
}

/// A share in a payload.
#[derive(Clone)]
pub(super) struct Long(Arc<Inner>);

struct Inner {
    payload: Vec<u8>,
    home: Weak<dyn Home>,
}

impl Long {
    pub(super) fn new(payload: Vec<u8>, home: Weak<dyn Home>) -> Self {
        Self(Arc::new(Inner { payload, home }))
    }

    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Where the payload is. Whoever writes there has to see to it that nobody
    /// reads it at the same time.
    pub(super) fn data(&mut self) -> *mut u8 {
        match Arc::get_mut(&mut self.0) {
            Some(inner) => inner.payload.as_mut_ptr(),
            None => self.0.payload.as_ptr().cast_mut(),
        }
    }

    /// The memory, to be kept by the caller, unless others have a share in it.
    pub(super) fn into_vec(self) -> Result<Vec<u8>, Self> {
        Arc::try_unwrap(self.0)
            .map(|mut inner| std::mem::take(&mut inner.payload))
            .map_err(Self)
    }
}

impl Deref for Long {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.payload
    }
}

impl AsRef<[u8]> for Long {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let payload = std::mem::take(&mut self.payload);
        if payload.capacity() > 0
            && let Some(home) = self.home.upgrade()
        {
            home.take_back(payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use crate::sync::Mutex;
    use bytes::Bytes;

    #[derive(Default)]
    struct Shelf(Mutex<Vec<Vec<u8>>>);

    impl Home for Shelf {
        fn take_back(&self, memory: Vec<u8>) {
            self.0.lock().push(memory);
        }
    }

    fn message(shelf: &Arc<Shelf>) -> Message {
        let home: Weak<dyn Home> = Arc::downgrade(shelf) as Weak<dyn Home>;
        Message::long(vec![7; 300_000], home)
    }

    #[test]
    fn memory_goes_home_with_the_last_share() {
        let shelf = Arc::new(Shelf::default());
        let first = message(&shelf);
        let bytes = first.clone().into_bytes();
        assert!(first.is_shared());
        drop(first);
        assert!(shelf.0.lock().is_empty());
        assert_eq!(bytes.len(), 300_000);
        drop(bytes);
        assert_eq!(
            shelf.0.lock().pop().map(|memory| memory.len()),
            Some(300_000)
        );
    }

    #[test]
    fn memory_stays_with_who_takes_it_as_its_own() {
        let shelf = Arc::new(Shelf::default());
        let mut first = message(&shelf);
        let place = first.data();
        let own = Vec::from(first);
        assert_eq!(own.as_ptr(), place.cast_const());
        let bytes = Bytes::from(message(&shelf));
        assert_eq!(Vec::from(bytes), own);
        assert!(shelf.0.lock().is_empty());
    }

    #[test]
    fn a_message_outlives_its_home() {
        let shelf = Arc::new(Shelf::default());
        let message = message(&shelf);
        drop(shelf);
        assert_eq!(message[299_999], 7);
    }
}
