//! Messages that tell who sent them and in which order, and a book that holds
//! what arrived against what was sent.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::crc::crc32;

/// Keeps count of the messages of a test. Clones share one book.
///
/// Every part of every message carries its sender, its sequence number, its
/// place in the message and a checksum, so a delivery shows at once whether
/// something was duplicated, reordered, mixed or damaged. At the end,
/// [`balance`](Ledger::balance) says what became of everything.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
}

/// Makes one sender's messages. To be used by one thread at a time.
#[derive(Debug)]
pub struct Sender {
    number: u32,
    next: u64,
    sent: Arc<AtomicU64>,
}

/// What a delivery must never be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// The message came for the second time.
    Duplicated {
        /// Who sent it.
        sender: u32,
        /// Its number among that sender's.
        sequence: u64,
    },
    /// It came after a later one of the same sender, on the same lane.
    Reordered {
        /// Who sent it.
        sender: u32,
        /// Its number among that sender's.
        sequence: u64,
        /// The number of the one before it.
        after: u64,
    },
    /// Its parts are those of several messages, or not all of one.
    Mixed {
        /// What is wrong with them.
        parts: String,
    },
    /// A part's bytes are not those that were sent.
    Damaged {
        /// Which part.
        part: usize,
        /// How many bytes it has.
        len: usize,
    },
    /// It was never sent.
    Invented {
        /// Who would have sent it.
        sender: u32,
        /// Its number among that sender's.
        sequence: u64,
    },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicated { sender, sequence } => {
                write!(f, "message {sequence} of sender {sender} came twice")
            }
            Self::Reordered {
                sender,
                sequence,
                after,
            } => write!(
                f,
                "message {sequence} of sender {sender} came after {after}"
            ),
            Self::Mixed { parts } => write!(f, "a message is no whole: {parts}"),
            Self::Damaged { part, len } => {
                write!(f, "part {part} of {len} bytes is damaged")
            }
            Self::Invented { sender, sequence } => {
                write!(f, "message {sequence} of sender {sender} was never sent")
            }
        }
    }
}

impl std::error::Error for Breach {}

/// What became of all messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    /// How many were sent.
    pub sent: u64,
    /// How many arrived.
    pub delivered: u64,
    /// Runs of messages that did not arrive.
    pub gaps: Vec<Gap>,
}

/// Messages of one sender, in a row, that did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub sender: u32,
    /// The first that is missing.
    pub first: u64,
    /// How many in a row are.
    pub len: u64,
}

impl Balance {
    /// Proves sent = delivered + queued + dropped, where `elsewhere` names
    /// every place and reason with its count.
    ///
    /// # Panics
    ///
    /// If that does not hold.
    #[track_caller]
    pub fn expect_accounted(&self, elsewhere: &[(&str, u64)]) {
        let accounted: u64 = elsewhere.iter().map(|(_, count)| count).sum();
        assert!(
            self.sent == self.delivered + accounted,
            "{} sent, {} delivered, {} missing; accounted for: {elsewhere:?}; gaps: {:?}",
            self.sent,
            self.delivered,
            self.missing(),
            self.gaps
        );
    }

    /// Proves that everything arrived.
    ///
    /// # Panics
    ///
    /// If something did not.
    #[track_caller]
    pub fn expect_complete(&self) {
        self.expect_accounted(&[]);
    }

    /// How many did not arrive.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.gaps.iter().map(|gap| gap.len).sum()
    }
}

#[derive(Debug, Default)]
struct Book {
    senders: Vec<Account>,
}

#[derive(Debug)]
struct Account {
    sent: Arc<AtomicU64>,
    seen: Bits,
    delivered: u64,
    /// The latest sequence number by lane.
    lanes: HashMap<u64, u64>,
}

#[derive(Debug, Default)]
struct Bits(Vec<u64>);

/// Bytes in front of a part's filling: sender, sequence, place, parts.
const HEAD: usize = 4 + 8 + 2 + 2;
/// Bytes behind it: the checksum.
const TAIL: usize = 4;

impl Ledger {
    /// An empty book.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A new sender, numbered from 0.
    ///
    /// # Panics
    ///
    /// If there are 2^32 of them.
    #[must_use]
    pub fn sender(&self) -> Sender {
        let mut book = self.lock();
        let number = u32::try_from(book.senders.len()).expect("fewer than 2^32 senders");
        let sent = Arc::new(AtomicU64::new(0));
        book.senders.push(Account {
            sent: Arc::clone(&sent),
            seen: Bits::default(),
            delivered: 0,
            lanes: HashMap::new(),
        });
        Sender {
            number,
            next: 0,
            sent,
        }
    }

    /// Enters a message that arrived. `lane` is whatever the order is to hold
    /// on: a receiver, or one of its connections.
    ///
    /// # Errors
    ///
    /// What is wrong with it. It is entered all the same, where possible.
    pub fn deliver<P: AsRef<[u8]>>(
        &self,
        lane: u64,
        parts: impl IntoIterator<Item = P>,
    ) -> Result<(), Breach> {
        let (sender, sequence) = identify(parts)?;
        let mut book = self.lock();
        let Some(account) = book.senders.get_mut(sender as usize) else {
            return Err(Breach::Invented { sender, sequence });
        };
        if sequence >= account.sent.load(Ordering::SeqCst) {
            return Err(Breach::Invented { sender, sequence });
        }
        if !account.seen.insert(sequence) {
            return Err(Breach::Duplicated { sender, sequence });
        }
        account.delivered += 1;
        match account.lanes.insert(lane, sequence) {
            Some(after) if after > sequence => Err(Breach::Reordered {
                sender,
                sequence,
                after,
            }),
            _ => Ok(()),
        }
    }

    /// How many arrived so far.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        let book = self.lock();
        book.senders.iter().map(|account| account.delivered).sum()
    }

    /// What became of everything, as things stand.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let book = self.lock();
        let mut balance = Balance::default();
        for (sender, account) in book.senders.iter().enumerate() {
            let sent = account.sent.load(Ordering::SeqCst);
            balance.sent += sent;
            balance.delivered += account.delivered;
            let mut gap: Option<Gap> = None;
            for sequence in 0..sent {
                if account.seen.contains(sequence) {
                    balance.gaps.extend(gap.take());
                } else {
                    let begun = gap.get_or_insert(Gap {
                        sender: sender as u32,
                        first: sequence,
                        len: 0,
                    });
                    begun.len += 1;
                }
            }
            balance.gaps.extend(gap);
        }
        balance
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// This sender's number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The next message, of `parts` parts with `filling` bytes in each besides
    /// the ledger's own 20. It counts as sent from now on, unless
    /// [`take_back`](Self::take_back) follows.
    pub fn message(&mut self, parts: u16, filling: usize) -> Vec<Vec<u8>> {
        let sequence = self.next;
        self.next += 1;
        // Before it leaves, as it may arrive before the sender goes on.
        self.sent.store(self.next, Ordering::SeqCst);
        (0..parts)
            .map(|place| {
                let mut part = Vec::with_capacity(HEAD + filling + TAIL);
                part.extend_from_slice(&self.number.to_be_bytes());
                part.extend_from_slice(&sequence.to_be_bytes());
                part.extend_from_slice(&place.to_be_bytes());
                part.extend_from_slice(&parts.to_be_bytes());
                let seed = sequence as usize + usize::from(place);
                part.extend((0..filling).map(|index| (seed + index) as u8));
                let sum = crc32(&part);
                part.extend_from_slice(&sum.to_be_bytes());
                part
            })
            .collect()
    }

    /// The message made last was refused, and was not sent after all.
    pub fn take_back(&mut self) {
        self.next = self.next.saturating_sub(1);
        self.sent.store(self.next, Ordering::SeqCst);
    }

    /// How many were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.next
    }
}

/// Whose message this is and which, if its parts agree on it.
fn identify<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Result<(u32, u64), Breach> {
    let mut heads = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        let part = part.as_ref();
        let head = read_head(part).ok_or(Breach::Damaged {
            part: index,
            len: part.len(),
        })?;
        heads.push(head);
    }
    let whole = |(index, head): (usize, &Head)| {
        head.sender == heads[0].sender
            && head.sequence == heads[0].sequence
            && usize::from(head.place) == index
            && usize::from(head.parts) == heads.len()
    };
    if heads.is_empty() || !heads.iter().enumerate().all(whole) {
        return Err(Breach::Mixed {
            parts: format!("{heads:?}"),
        });
    }
    Ok((heads[0].sender, heads[0].sequence))
}

#[derive(Debug)]
struct Head {
    sender: u32,
    sequence: u64,
    place: u16,
    parts: u16,
}

fn read_head(part: &[u8]) -> Option<Head> {
    let (body, sum) = part.split_last_chunk::<TAIL>()?;
    if crc32(body) != u32::from_be_bytes(*sum) {
        return None;
    }
    let (sender, rest) = body.split_first_chunk()?;
    let (sequence, rest) = rest.split_first_chunk()?;
    let (place, rest) = rest.split_first_chunk()?;
    let (parts, _) = rest.split_first_chunk()?;
    Some(Head {
        sender: u32::from_be_bytes(*sender),
        sequence: u64::from_be_bytes(*sequence),
        place: u16::from_be_bytes(*place),
        parts: u16::from_be_bytes(*parts),
    })
}

impl Bits {
    /// Whether it was not there yet.
    fn insert(&mut self, index: u64) -> bool {
        let (word, bit) = ((index / 64) as usize, 1 << (index % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let fresh = self.0[word] & bit == 0;
        self.0[word] |= bit;
        fresh
    }

    fn contains(&self, index: u64) -> bool {
        self.0
            .get((index / 64) as usize)
            .is_some_and(|word| word & (1 << (index % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_run_balances() {
        let ledger = Ledger::new();
        let mut sender = ledger.sender();
        for _ in 0..200 {
            let message = sender.message(3, 10);
            assert_eq!(ledger.deliver(0, &message), Ok(()));
        }
        let _refused = sender.message(1, 0);
        sender.take_back();
        ledger.balance().expect_complete();
        assert_eq!(ledger.balance().sent, 200);
    }

    #[test]
    fn each_breach_shows() {
        let ledger = Ledger::new();
        let (mut a, mut b) = (ledger.sender(), ledger.sender());
        let (a0, a1, b0) = (a.message(2, 5), a.message(2, 5), b.message(2, 5));
        assert_eq!(ledger.deliver(0, &a1), Ok(()));
        assert_eq!(
            ledger.deliver(0, &a0),
            Err(Breach::Reordered {
                sender: 0,
                sequence: 0,
                after: 1
            })
        );
        assert_eq!(
            ledger.deliver(0, &a0),
            Err(Breach::Duplicated {
                sender: 0,
                sequence: 0
            })
        );
        for mixed in [
            vec![&a0[0], &b0[1]],
            vec![&b0[0]],
            vec![&b0[1], &b0[0]],
            vec![&b0[0], &b0[1], &b0[1]],
            vec![],
        ] {
            let result = ledger.deliver(0, mixed);
            assert!(matches!(result, Err(Breach::Mixed { .. })), "{result:?}");
        }
        let mut damaged = b0.clone();
        damaged[1][HEAD] ^= 1;
        assert_eq!(
            ledger.deliver(0, &damaged),
            Err(Breach::Damaged { part: 1, len: 25 })
        );
        let other = Ledger::new().sender().message(2, 5);
        b.take_back();
        a.take_back();
        let mut late = a.message(2, 5);
        a.take_back();
        late.truncate(2);
        assert_eq!(
            ledger.deliver(0, &late),
            Err(Breach::Invented {
                sender: 0,
                sequence: 1
            })
        );
        drop(other);
    }

    #[test]
    fn order_is_held_to_its_lane() {
        let ledger = Ledger::new();
        let mut sender = ledger.sender();
        let messages: Vec<_> = (0..4).map(|_| sender.message(1, 0)).collect();
        for (lane, index) in [(1, 2), (2, 0), (1, 3), (2, 1)] {
            assert_eq!(ledger.deliver(lane, &messages[index]), Ok(()));
        }
        ledger.balance().expect_complete();
    }

    #[test]
    fn gaps_are_runs() {
        let ledger = Ledger::new();
        let mut sender = ledger.sender();
        for sequence in 0..100 {
            let message = sender.message(1, 0);
            if ![3, 4, 5, 64, 99].contains(&sequence) {
                assert_eq!(ledger.deliver(0, message), Ok(()));
            }
        }
        let balance = ledger.balance();
        let runs: Vec<_> = balance
            .gaps
            .iter()
            .map(|gap| (gap.first, gap.len))
            .collect();
        assert_eq!(runs, [(3, 3), (64, 1), (99, 1)]);
        assert_eq!(balance.missing(), 5);
        balance.expect_accounted(&[("queued", 2), ("dropped", 3)]);
    }
}
