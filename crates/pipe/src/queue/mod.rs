//! The first-in first-out queue; the protocol is explained in `lib.rs`.

mod chunk;
mod reader;
mod shared;
mod writer;

pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

use crate::sync::Arc;
use shared::Shared;

/// Both ends of a new queue; 0 means unlimited.
pub(crate) fn pair<T>(high_water_mark: usize) -> (Writer<T>, Reader<T>) {
    let shared = Arc::new(Shared::new());
    let writer = Writer::new(Arc::clone(&shared), high_water_mark);
    (writer, Reader::new(shared))
}
