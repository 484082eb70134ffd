//! Bytes on their way between a stream and an engine.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::Bytes;

use crate::message::Message;
use crate::transport::ByteStream;

/// What an input starts with, and keeps to while little comes.
const SMALL: usize = 8 * 1024;
/// What it grows to when reads fill it.
const LARGE: usize = 64 * 1024;
/// Buffers kept by a thread for the next connection it reads.
const POOLED: usize = 4;

/// Payloads from here on are written from where they are, not copied first.
const WRITE_IN_PLACE: usize = 8 * 1024;
const SLICES: usize = 64;
/// An output that has grown beyond this is not kept.
const KEPT_OUTPUT: usize = 1024 * 1024;
/// Written bytes worth moving what is left over them.
const COMPACT: usize = 64 * 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { inputs: Vec::new(), small_input: Vec::new(), outputs: Vec::new() }) };
}

struct Pool {
    inputs: Vec<Vec<u8>>,
    /// The small one last used, which is still in the cache: with thousands of connections
    /// each read has a buffer to find.
    small_input: Vec<u8>,
    outputs: Vec<Vec<u8>>,
}

/// Works on the thread's pool; a thread that is ending has none any more.
fn with_pool<R>(work: impl FnOnce(&mut Pool) -> R) -> Option<R> {
    POOL.try_with(|pool| work(&mut pool.borrow_mut())).ok()
}

impl Pool {
    fn input(&mut self, size: usize) -> Vec<u8> {
        let kept = match size {
            SMALL => Some(std::mem::take(&mut self.small_input)),
            _ => self.inputs.pop(),
        };
        kept.filter(|buffer| buffer.len() == size)
            .unwrap_or_else(|| vec![0; size])
    }

    fn keep(&mut self, input: Vec<u8>) {
        match input.len() {
            SMALL => self.small_input = input,
            LARGE if self.inputs.len() < POOLED => self.inputs.push(input),
            _ => {}
        }
    }
}

/// What was read and not yet decoded. Holds no memory while it is empty.
#[derive(Default)]
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    large: bool,
}

impl Input {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        self.start += n;
    }

    /// Reads once, `most` bytes at most. `hint` is how many bytes more would be
    /// of use at least; `grow` allows the large size.
    pub(super) fn fill(
        &mut self,
        stream: &mut dyn ByteStream,
        hint: usize,
        most: usize,
        grow: bool,
    ) -> io::Result<usize> {
        self.make_room(hint)?;
        let until = self.end.saturating_add(most).min(self.buffer.len());
        let n = stream.read(&mut self.buffer[self.end..until])?;
        self.end += n;
        self.large |= grow && self.end == self.buffer.len();
        Ok(n)
    }

    /// Whether the last read could have brought more than it did.
    pub(super) fn has_spare(&self) -> bool {
        self.end < self.buffer.len()
    }

    /// Gives the memory back if nothing is held in it.
    pub(super) fn rest(&mut self) {
        if self.start < self.end {
            return;
        }
        self.start = 0;
        self.end = 0;
        if self.buffer.is_empty() {
            return;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let _ = with_pool(|pool| pool.keep(buffer));
    }

    /// Gives back what is beyond a small buffer, if what is held fits into one.
    pub(super) fn shrink(&mut self) {
        if self.buffer.len() <= SMALL || self.len() > SMALL {
            return;
        }
        let mut smaller = vec![0; SMALL];
        smaller[..self.len()].copy_from_slice(self.bytes());
        self.end = self.len();
        self.start = 0;
        self.buffer = smaller;
    }

    fn make_room(&mut self, hint: usize) -> io::Result<()> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        let wanted = if self.large { LARGE } else { SMALL };
        // The hint is the peer's word: beyond the usual size the buffer doubles
        // with what has come.
        let needed = self.len().saturating_add(hint);
        let needed = needed.min((self.len() * 2).max(LARGE));
        if self.buffer.len() < wanted.max(needed) {
            let mut bigger = if needed <= wanted {
                with_pool(|pool| pool.input(wanted)).unwrap_or_else(|| vec![0; wanted])
            } else if needed <= LARGE {
                vec![0; wanted.max(needed)]
            } else {
                let mut buffer = Vec::new();
                buffer.try_reserve_exact(needed)?;
                buffer.resize(needed, 0);
                buffer
            };
            bigger[..self.len()].copy_from_slice(self.bytes());
            self.end = self.len();
            self.start = 0;
            self.buffer = bigger;
        } else if self.buffer.len() - self.end < hint.max(wanted / 4) && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        Ok(())
    }
}

/// What is encoded and not yet written: small frames back to back, with large
/// payloads in between that stay where they are.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    /// How much of `bytes` is written.
    written: usize,
    /// Payloads that belong before `bytes[at]`.
    inserts: VecDeque<Insert>,
    inserted: usize,
    /// Where each message ends, counted over everything ever encoded.
    ends: VecDeque<u64>,
    encoded: u64,
    flushed: u64,
}

struct Insert {
    at: usize,
    payload: Message,
    written: usize,
}

impl Output {
    /// Whether a payload of `len` bytes should go through [`Output::insert`].
    pub(super) fn wants_in_place(len: usize) -> bool {
        len >= WRITE_IN_PLACE
    }

    /// Where frames are appended.
    #[inline]
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends `payload` without copying it.
    pub(super) fn insert(&mut self, payload: Message) {
        self.inserted += payload.len();
        self.encoded += payload.len() as u64;
        self.inserts.push_back(Insert {
            at: self.bytes.len(),
            payload,
            written: 0,
        });
    }

    /// Appends whole messages that end at `ends`, without copying them if they
    /// are long together.
    pub(super) fn append(&mut self, frames: &Bytes, ends: &[u32]) {
        let start = self.total();
        self.ends
            .extend(ends.iter().map(|&end| start + u64::from(end)));
        if Self::wants_in_place(frames.len()) {
            self.insert(frames.clone().into());
        } else {
            self.bytes.extend_from_slice(frames);
        }
    }

    /// Marks the end of a message.
    #[inline]
    pub(super) fn end_message(&mut self) {
        let end = self.total();
        self.ends.push_back(end);
    }

    /// Bytes not yet written.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.written + self.inserted
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Messages not wholly written.
    pub(super) fn unfinished(&self) -> u64 {
        self.ends.iter().filter(|&&end| end > self.flushed).count() as u64
    }

    /// Writes as much as the stream takes; true if that was all.
    pub(super) fn flush(&mut self, stream: &mut dyn ByteStream) -> io::Result<bool> {
        while !self.is_empty() {
            let n = match self.write_once(stream) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.compact();
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            self.advance(n);
        }
        self.reset();
        Ok(true)
    }

    fn write_once(&self, stream: &mut dyn ByteStream) -> io::Result<usize> {
        if self.inserts.is_empty() {
            return stream.write(&self.bytes[self.written..]);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        let mut from = self.written;
        for insert in &self.inserts {
            if used + 2 > SLICES {
                return stream.write_vectored(&slices[..used]);
            }
            if from < insert.at {
                slices[used] = IoSlice::new(&self.bytes[from..insert.at]);
                used += 1;
                from = insert.at;
            }
            slices[used] = IoSlice::new(&insert.payload[insert.written..]);
            used += 1;
        }
        if from < self.bytes.len() && used < SLICES {
            slices[used] = IoSlice::new(&self.bytes[from..]);
            used += 1;
        }
        stream.write_vectored(&slices[..used])
    }

    fn advance(&mut self, mut n: usize) {
        self.flushed += n as u64;
        while n > 0 {
            let next = self.inserts.front().map_or(self.bytes.len(), |i| i.at);
            let plain = (next - self.written).min(n);
            self.written += plain;
            n -= plain;
            let Some(insert) = self.inserts.front_mut() else {
                return;
            };
            if self.written < insert.at {
                return;
            }
            let part = (insert.payload.len() - insert.written).min(n);
            insert.written += part;
            self.inserted -= part;
            n -= part;
            if insert.written == insert.payload.len() {
                self.inserts.pop_front();
            }
        }
    }

    /// Forgets what is written, once that is most of the buffer: a peer that
    /// is always a little behind would have it grow without end.
    fn compact(&mut self) {
        if self.written < COMPACT.max(self.bytes.len() / 2) {
            return;
        }
        self.bytes.drain(..self.written);
        self.encoded += self.written as u64;
        for insert in &mut self.inserts {
            insert.at -= self.written;
        }
        self.written = 0;
        let flushed = self.flushed;
        let done = self.ends.partition_point(|&end| end <= flushed);
        self.ends.drain(..done);
    }

    fn total(&self) -> u64 {
        // `encoded` counts the inserts alone until the buffer is reset.
        self.encoded + self.bytes.len() as u64
    }

    /// Everything is written: start over with an empty buffer.
    fn reset(&mut self) {
        self.encoded = self.total();
        self.flushed = self.encoded;
        self.written = 0;
        self.bytes.clear();
        self.ends.clear();
    }

    /// Gives the memory back if all is written: an idle connection should not
    /// hold on to what a burst needed.
    pub(super) fn rest(&mut self) {
        if !self.is_empty() || self.bytes.capacity() <= SMALL {
            return;
        }
        let buffer = std::mem::take(&mut self.bytes);
        let _ = with_pool(|pool| {
            if pool.outputs.len() < POOLED && buffer.capacity() <= KEPT_OUTPUT {
                pool.outputs.push(buffer);
            }
        });
        self.ends.shrink_to(64);
    }

    /// Sees to a buffer that will not have to grow step by step.
    pub(super) fn prepare(&mut self, burst: bool) {
        if burst && self.bytes.capacity() == 0 {
            self.bytes = with_pool(|pool| pool.outputs.pop())
                .flatten()
                .unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::BorrowedFd;

    /// Takes a little at a time and is never done.
    #[derive(Default)]
    struct Slow {
        taken: Vec<u8>,
        is_tired: bool,
    }

    impl ByteStream for Slow {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn read_onto(&mut self, _: &mut Vec<u8>, _: usize) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }

        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_tired = !self.is_tired;
            if !self.is_tired {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let n = bytes.len().min(1000);
            self.taken.extend_from_slice(&bytes[..n]);
            Ok(n)
        }

        fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            self.write(&all)
        }

        fn fd(&self) -> BorrowedFd<'_> {
            unreachable!("nobody polls it")
        }

        fn shutdown(&mut self) {}
    }

    #[test]
    fn a_peer_that_is_always_behind_costs_no_more_with_time() {
        let mut output = Output::default();
        let mut stream = Slow::default();
        let mut given: Vec<u8> = Vec::new();
        for round in 0..20_000_u32 {
            // Never all of it goes.
            while output.len() < 4000 {
                let bytes = [round as u8; 900];
                output.buffer().extend_from_slice(&bytes);
                given.extend_from_slice(&bytes);
                if round % 50 == 0 {
                    let payload = vec![!(round as u8); 9000];
                    given.extend_from_slice(&payload);
                    output.insert(payload.into());
                }
                output.end_message();
            }
            let _ = output.flush(&mut stream).unwrap();
        }
        assert!(output.bytes.capacity() < 8 * COMPACT);
        assert!(output.ends.len() < 8 * COMPACT / 900);
        assert!(output.unfinished() <= 6, "{}", output.unfinished());
        while !output.flush(&mut stream).unwrap() {}
        assert_eq!(output.unfinished(), 0);
        assert!(stream.taken == given);
    }

    #[test]
    fn a_claim_of_much_input_allocates_little() {
        let mut input = Input::default();
        let mut stream = Slow::default();
        let _ = input.fill(&mut stream, usize::MAX / 2, usize::MAX, true);
        assert!(input.buffer.len() <= LARGE);
    }
}
