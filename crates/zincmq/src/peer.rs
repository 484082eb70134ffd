//! The socket's end of its peers, and all that patterns and routes may know of
//! them: two pipe ends, who they are, and a way to say that something changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use pipe::{Consumer, Producer, PushError};
use slab::Slab;

use crate::message::{Item, Message, Multipart, Origins, PeerInfo, Run};

/// Names one attached peer within its socket; reused after it is detached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PeerId(pub(crate) u32);

/// Whoever holds the other ends of a peer's two pipes: a connection, or over
/// inproc another socket. Called with no lock of the socket held.
pub(crate) trait Far: Send + Sync {
    /// The pipe towards it has something, and it slept.
    fn data(&self);
    /// The pipe towards it holds a batch worth seeing to.
    fn batch(&self);
    /// The pipe from it has room again, and it slept.
    fn room(&self);
    /// This side is done with the peer: close the connection, now.
    fn hang_up(&self);
    /// So many messages from the peer may wait on this side from now on. Only
    /// a socket of this process counts them together with its own.
    fn recv_hwm(&self, high_water_mark: usize) {
        let _ = high_water_mark;
    }
    /// What the far side is to receive when this one leaves, if that is a
    /// message to be sent from here.
    fn last_words(&self) -> Option<Message> {
        None
    }
    /// So many messages from the peer were discarded on this side, unread.
    fn discarded(&self, messages: u64) {
        let _ = messages;
    }
}

/// One attached peer as its socket sees it.
pub(crate) struct Peer {
    tx: Producer<Item>,
    rx: Consumer<Item>,
    far: Arc<dyn Far>,
    origins: Origins,
    key: u64,
    /// A routing id the application asked for with CONNECT_ROUTING_ID, or was
    /// told of by a PEER's connect.
    assigned_id: Option<Bytes>,
    counters: PeerCounters,
    /// The far side is a socket of this process, which may be at work on the
    /// next message right now.
    near: bool,
    /// The far side can do with messages that are encoded together.
    takes_runs: bool,
    /// How many messages that socket lets wait, once it is known.
    far_recv_hwm: Option<usize>,
    /// Messages and bytes out at which the far side is told of a batch.
    batch_at: (u64, u64),
    /// When a hasty sender last looked whether it has room.
    looked: Option<Instant>,
    /// At so many messages in, this side has not found the pipe empty for long.
    steady_at: u64,
    /// Was sent what [`Peers::uncork`] is to make visible.
    unseen: bool,
}

/// How long a hasty sender goes by what it saw last.
const HASTE: Duration = Duration::from_millis(1);

/// Where looking for more ends, in turns of a spin loop: about two
/// microseconds after it began.
const LONGEST_PAUSE: u32 = 32;

/// So many messages before its turn a payload is brought near.
const AHEAD: u64 = 2;

/// After so many messages in a row the next pause may cost a system call, to
/// spare the sender a locked instruction for each.
const STEADY: u64 = 512;

/// So much is worth a system call.
const BATCH_MESSAGES: u64 = 512;
const BATCH_BYTES: u64 = 64 * 1024;

/// What one peer sent and took; written under the socket's lock only.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PeerCounters {
    pub(crate) messages_out: u64,
    pub(crate) bytes_out: u64,
    pub(crate) messages_in: u64,
    pub(crate) bytes_in: u64,
    pub(crate) dropped_full: u64,
    /// Pushed and never taken by the far side.
    pub(crate) lost: u64,
}

/// A message that was not taken.
pub(crate) enum Refused {
    /// The peer is at its high-water mark; `writable` follows when it is not.
    Full(Multipart),
    /// The peer is going; `detached` follows.
    Gone(Multipart),
}

/// Why a peer takes no message, as in [`Refused`].
pub(crate) enum NoRoom {
    Full,
    Gone,
}

/// Room for one message to a peer.
pub(crate) struct Room<'a> {
    peer: &'a mut Peer,
    wakes: &'a mut Vec<Wake>,
    roused: &'a mut u64,
    /// If nothing is to be visible yet, where to note whom that concerns.
    unseen: Option<(&'a mut Vec<PeerId>, PeerId)>,
}

impl Room<'_> {
    /// Hands over a user's message and makes it visible at once, unless the
    /// peers are corked.
    #[inline(always)]
    pub(crate) fn take(self, message: Multipart) {
        let Self {
            peer,
            wakes,
            roused,
            unseen,
        } = self;
        peer.counters.messages_out += 1;
        peer.counters.bytes_out += message.size() as u64;
        if !peer.tx.put(Item::Data(message)) {
            peer.counters.lost += 1;
        }
        if let Some((unseen, id)) = unseen {
            // Nobody knows yet.
            *roused += 1;
            if !peer.unseen {
                peer.unseen = true;
                unseen.push(id);
            }
            return;
        }
        if let Some(wake) = peer.publish() {
            *roused += u64::from(wake.what == News::Data);
            wakes.push(wake);
        }
    }
}

/// What came out of a peer's pipe.
pub(crate) enum Popped {
    Item(Item),
    /// Nothing now; `readable` follows when there is.
    Empty,
    /// Nothing ever again; `detached` follows by itself.
    Finished,
}

/// All attached peers of one socket. Wake-ups that pushing and popping cause
/// are gathered here and carried out by the socket once its lock is free.
#[derive(Default)]
pub(crate) struct Peers {
    slab: Slab<Peer>,
    wakes: Vec<Wake>,
    finished: Vec<PeerId>,
    /// Whoever receives would wait anyway.
    patient: bool,
    /// Whoever sends takes what was last known of a peer's room for what is.
    hasty: bool,
    /// Peers that were said to have no room for that reason.
    refused: Vec<PeerId>,
    /// Far sides that were asleep when something was sent to them.
    roused: u64,
    hold: Arc<Hold>,
    /// How often something was held back.
    held: u64,
    is_holding: bool,
    /// Somebody has to see to it that what is held back is not so for long.
    unwatched: bool,
    /// What is sent is made visible later.
    corked: bool,
    /// Peers that were sent something meanwhile.
    unseen: Vec<PeerId>,
}

/// What a pattern holds back, as others see it who have not locked the socket.
#[derive(Default)]
pub(crate) struct Hold {
    /// The number of what is held back; 0 for nothing.
    number: AtomicU64,
    /// Somebody looks at that number now and then.
    watched: AtomicBool,
}

impl Hold {
    pub(crate) fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    /// Whether the caller is the one to look from now on.
    pub(crate) fn watch(&self) -> bool {
        !self.watched.swap(true, Ordering::SeqCst)
    }

    /// Nobody looks any more; true if there is reason to, and the caller goes on.
    pub(crate) fn stop_watching(&self) -> bool {
        self.watched.store(false, Ordering::SeqCst);
        self.number() != 0 && self.watch()
    }
}

pub(crate) struct Wake {
    pub(crate) far: Arc<dyn Far>,
    pub(crate) what: News,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    Data,
    Batch,
    Room,
    HangUp,
    /// So many messages will never be read.
    Discarded(u64),
}

/// One direction of a peer: bounded, or with room for the newest message only.
pub(crate) fn new_pipe(conflate: bool, high_water_mark: usize) -> (Producer<Item>, Consumer<Item>) {
    if conflate {
        pipe::conflated()
    } else {
        pipe::bounded(high_water_mark)
    }
}

/// The high-water mark of a pipe between two sockets: both ends' together,
/// and none if either has none (zmq_inproc(7)).
pub(crate) fn joint_hwm(sender: usize, receiver: usize) -> usize {
    if sender == 0 || receiver == 0 {
        0
    } else {
        sender.saturating_add(receiver)
    }
}

impl Peer {
    pub(crate) fn new(
        key: u64,
        tx: Producer<Item>,
        rx: Consumer<Item>,
        far: Arc<dyn Far>,
        info: Arc<PeerInfo>,
        assigned_id: Option<Bytes>,
    ) -> Self {
        Self {
            tx,
            rx,
            far,
            origins: Origins::new(info),
            key,
            assigned_id,
            counters: PeerCounters::default(),
            near: false,
            takes_runs: false,
            far_recv_hwm: None,
            batch_at: (BATCH_MESSAGES, BATCH_BYTES),
            looked: None,
            steady_at: STEADY,
            unseen: false,
        }
    }

    fn looked_just_now(&mut self) -> bool {
        let now = Instant::now();
        match self.looked {
            Some(at) if now.duration_since(at) >= HASTE => {
                self.looked = Some(now);
                false
            }
            Some(_) => true,
            None => {
                self.looked = Some(now);
                true
            }
        }
    }

    /// Says that the far side is a socket of this process, and how many
    /// messages may wait there, if it is known.
    pub(crate) fn nearby(mut self, far_recv_hwm: Option<usize>) -> Self {
        self.near = true;
        self.far_recv_hwm = far_recv_hwm;
        self
    }

    /// Says that the far side can do with a [`Run`].
    pub(crate) fn taking_runs(mut self) -> Self {
        self.takes_runs = true;
        self
    }

    /// Sends `hello` before anything else. Not with the socket locked.
    pub(crate) fn greet(mut self, hello: Option<Message>) -> Self {
        if let Some(hello) = hello {
            self.say(hello);
            if self.tx.publish() {
                self.far.data();
            }
        }
        self
    }

    /// Sends nothing more after the last words; whether the far side slept.
    fn fall_silent(&mut self) -> bool {
        if let Some(words) = self.far.last_words() {
            self.say(words);
        }
        self.tx.close()
    }

    /// Sends what the program did not, unless this side is silent already or
    /// nobody is there to hear it.
    fn say(&mut self, message: Message) {
        let size = message.len() as u64;
        if self.tx.push_over(Item::Data(message.into())).is_ok() {
            self.counters.messages_out += 1;
            self.counters.bytes_out += size;
        }
    }

    /// Gives a sender in this process the time to queue some more, so that
    /// both sides work in batches and need not wake each other for each
    /// message. Looks less and less often: each look costs the sender too.
    fn await_more(&self) {
        let mut pause = 8;
        while pause <= LONGEST_PAUSE && self.rx.is_empty_hint() {
            for _ in 0..pause {
                std::hint::spin_loop();
            }
            pause *= 2;
        }
    }

    /// Makes what was pushed visible, and tells whom to wake for it.
    #[inline(always)]
    fn publish(&mut self) -> Option<Wake> {
        let what = if self.tx.publish() {
            News::Data
        } else if self.is_batch() {
            News::Batch
        } else {
            return None;
        };
        self.next_batch();
        Some(Wake {
            far: Arc::clone(&self.far),
            what,
        })
    }

    #[inline]
    fn is_batch(&self) -> bool {
        let (messages, bytes) = self.batch_at;
        self.counters.messages_out >= messages || self.counters.bytes_out >= bytes
    }

    fn next_batch(&mut self) {
        self.batch_at = (
            self.counters.messages_out + BATCH_MESSAGES,
            self.counters.bytes_out + BATCH_BYTES,
        );
    }

    pub(crate) fn info(&self) -> &Arc<PeerInfo> {
        self.origins.info()
    }

    /// Marks `part` as this peer's, as a connection marks what it receives. Over
    /// inproc messages carry no mark.
    pub(crate) fn sign(&self, part: &mut Message) {
        if !self.near {
            part.set_peer(Some(self.origins.another()));
        }
    }

    pub(crate) fn assigned_id(&self) -> Option<&Bytes> {
        self.assigned_id.as_ref()
    }

    /// The handshake told who it is.
    pub(crate) fn introduce(&mut self, info: Arc<PeerInfo>) {
        self.origins = Origins::new(info);
    }

    pub(crate) fn key(&self) -> u64 {
        self.key
    }

    /// Messages waiting in the pipe to the peer, and in the pipe from it.
    pub(crate) fn queued(&self) -> (u64, u64) {
        (self.tx.len() as u64, self.rx.len() as u64)
    }

    /// Messages towards the peer, of which those taken from the pipe are
    /// counted off in steps of half its high-water mark, as libzmq does.
    pub(crate) fn unacknowledged(&self) -> u64 {
        let pushed = self.counters.messages_out;
        let taken = pushed.saturating_sub(self.tx.len() as u64);
        let step = self.tx.high_water_mark().div_ceil(2).max(1) as u64;
        pushed - taken / step * step
    }

    pub(crate) fn counters(&self) -> PeerCounters {
        PeerCounters {
            lost: self.counters.lost + self.tx.replaced(),
            ..self.counters
        }
    }
}

impl Peers {
    /// Has [`Peers::has_room`] look at a peer's progress once a millisecond at
    /// most, and say no meanwhile, as libzmq does for those who do not wait. No
    /// `writable` follows by itself on such a no: see [`Peers::take_refused`].
    pub(crate) fn set_hasty(&mut self, hasty: bool) {
        self.hasty = hasty;
    }

    /// The peers that were refused in haste since this was last asked.
    #[inline]
    pub(crate) fn take_refused(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.refused)
    }

    pub(crate) fn is_hasty(&self) -> bool {
        self.hasty
    }

    /// Whether a pop may look for more for a moment before it finds nothing.
    #[inline]
    pub(crate) fn set_patient(&mut self, patient: bool) {
        self.patient = patient;
    }

    pub(crate) fn insert(&mut self, peer: Peer) -> PeerId {
        PeerId(self.slab.insert(peer) as u32)
    }

    /// Takes out a peer that was parted with.
    pub(crate) fn remove(&mut self, id: PeerId) -> Option<Peer> {
        self.count_left_over(id);
        self.slab.try_remove(id.0 as usize)
    }

    pub(crate) fn peer(&self, id: PeerId) -> Option<&Peer> {
        self.slab.get(id.0 as usize)
    }

    pub(crate) fn peer_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.slab.get_mut(id.0 as usize)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = PeerId> + '_ {
        self.slab.iter().map(|(index, _)| PeerId(index as u32))
    }

    /// Nothing that is sent is visible until [`Peers::uncork`]: to make it so
    /// costs each time, and costs the other side, too, if it comes to look. The
    /// lock is to be held until then.
    pub(crate) fn cork(&mut self) {
        self.corked = true;
    }

    /// Makes visible what was sent since [`Peers::cork`].
    pub(crate) fn uncork(&mut self) {
        self.corked = false;
        while let Some(id) = self.unseen.pop() {
            if let Some(peer) = self.slab.get_mut(id.0 as usize) {
                peer.unseen = false;
                let wake = peer.publish();
                self.wakes.extend(wake);
            }
        }
    }

    /// Hands a user's message to peer `id` and makes it visible at once, unless
    /// the peers are corked.
    #[inline(always)]
    pub(crate) fn send(&mut self, id: PeerId, message: Multipart) -> Result<(), Refused> {
        match self.room(id) {
            Ok(room) => {
                room.take(message);
                Ok(())
            }
            Err(NoRoom::Full) => Err(Refused::Full(message)),
            Err(NoRoom::Gone) => Err(Refused::Gone(message)),
        }
    }

    /// How many messages of a run peer `id` has room for; `None` if it takes no
    /// runs, or is going.
    pub(crate) fn room_for_run(&mut self, id: PeerId) -> Option<u64> {
        let peer = self.slab.get_mut(id.0 as usize)?;
        (peer.takes_runs && !peer.tx.is_closed()).then(|| peer.tx.room())
    }

    /// Hands peer `id` a run that it has room for. False if there is none.
    pub(crate) fn send_run(&mut self, id: PeerId, run: &Arc<Run>) -> bool {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return true;
        };
        let messages = u64::from(run.len());
        match peer.tx.push_run(Item::Run(Arc::clone(run)), run.len()) {
            Ok(()) => {}
            Err(PushError::Full(_)) => return false,
            // It left after they were sent.
            Err(PushError::Closed(_)) => peer.counters.lost += messages,
        }
        peer.counters.messages_out += messages;
        peer.counters.bytes_out += run.size();
        if peer.tx.publish() || peer.is_batch() {
            peer.next_batch();
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Batch,
            });
        }
        true
    }

    /// How often the far side of a peer slept as a message was sent to it.
    pub(crate) fn roused(&self) -> u64 {
        self.roused
    }

    /// The pattern holds back what it has accepted, until [`Pattern::flush`] is
    /// called: before anything but a send is done with the socket, and before
    /// long.
    ///
    /// [`Pattern::flush`]: crate::pattern::Pattern::flush
    pub(crate) fn hold_back(&mut self) {
        self.held += 1;
        self.is_holding = true;
        self.hold.number.store(self.held, Ordering::SeqCst);
        self.unwatched = !self.hold.watched.load(Ordering::SeqCst);
    }

    /// The pattern holds nothing back any more.
    pub(crate) fn let_go(&mut self) {
        self.is_holding = false;
        self.unwatched = false;
        self.hold.number.store(0, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_holding(&self) -> bool {
        self.is_holding
    }

    /// Whether the caller has to see to what is held back.
    pub(crate) fn take_unwatched(&mut self) -> bool {
        std::mem::take(&mut self.unwatched)
    }

    pub(crate) fn hold(&self) -> &Arc<Hold> {
        &self.hold
    }

    /// Room for one message to peer `id`; if it is full, `writable` follows.
    #[inline(always)]
    pub(crate) fn room(&mut self, id: PeerId) -> Result<Room<'_>, NoRoom> {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return Err(NoRoom::Gone);
        };
        if !peer.tx.has_room() {
            return Err(match peer.tx.is_over() {
                true => NoRoom::Gone,
                false => NoRoom::Full,
            });
        }
        Ok(Room {
            peer,
            wakes: &mut self.wakes,
            roused: &mut self.roused,
            unseen: match self.corked {
                true => Some((&mut self.unseen, id)),
                false => None,
            },
        })
    }

    /// Hands `item` to peer `id` whatever its high-water mark: subscriptions
    /// must not be lost. False if the peer is going.
    pub(crate) fn send_control(&mut self, id: PeerId, item: Item) -> bool {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return false;
        };
        let size = match &item {
            Item::Subscribe(name) | Item::Cancel(name) | Item::Join(name) | Item::Leave(name) => {
                name.len()
            }
            Item::Data(message) => message.size(),
            Item::Run(run) => run.size() as usize,
        };
        if peer.tx.push_over(item).is_err() {
            return false;
        }
        peer.counters.messages_out += 1;
        peer.counters.bytes_out += size as u64;
        if peer.tx.publish() {
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Data,
            });
        }
        true
    }

    /// Whether a send to `id` would be taken; if not, `writable` follows.
    #[inline]
    pub(crate) fn has_room(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return false;
        };
        if self.hasty && !peer.tx.has_known_room() && peer.looked_just_now() {
            self.refused.push(id);
            return false;
        }
        !peer.tx.is_closed() && peer.tx.has_room()
    }

    /// Counts messages that peer `id` did not get because it was full.
    pub(crate) fn count_dropped(&mut self, id: PeerId, messages: u64) {
        if let Some(peer) = self.slab.get_mut(id.0 as usize) {
            peer.counters.dropped_full += messages;
        }
    }

    /// Takes the next item from peer `id`.
    #[inline(always)]
    pub(crate) fn pop(&mut self, id: PeerId) -> Popped {
        let lonely = self.slab.len() == 1;
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return Popped::Finished;
        };
        let patient = self.patient && peer.near;
        if patient && peer.rx.is_empty_hint() && lonely {
            peer.await_more();
        }
        match peer.rx.pop() {
            Some(item) => {
                if let Some(Item::Data(next)) = peer.rx.peek(AHEAD) {
                    next.first().prefetch();
                }
                if peer.rx.release() {
                    self.wakes.push(Wake {
                        far: Arc::clone(&peer.far),
                        what: News::Room,
                    });
                }
                if let Item::Data(message) = &item {
                    peer.counters.messages_in += 1;
                    peer.counters.bytes_in += message.size() as u64;
                    if peer.counters.messages_in == peer.steady_at && peer.near {
                        peer.rx.attend();
                    }
                }
                Popped::Item(item)
            }
            None => {
                peer.steady_at = peer.counters.messages_in + STEADY;
                // Reaching the end may have freed the room the far side waits for.
                if peer.rx.release() {
                    self.wakes.push(Wake {
                        far: Arc::clone(&peer.far),
                        what: News::Room,
                    });
                }
                if peer.rx.is_finished() {
                    self.finished.push(id);
                    Popped::Finished
                } else {
                    Popped::Empty
                }
            }
        }
    }

    /// Whether peer `id` has something to pop; if not, `readable` follows.
    #[inline]
    pub(crate) fn has_items(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return false;
        };
        if peer.rx.has_items() {
            return true;
        }
        if peer.rx.is_finished() {
            self.finished.push(id);
        }
        false
    }

    /// Ends the conversation with peer `id`: what it sent is discarded, the
    /// connection below closes. `detached` follows.
    pub(crate) fn hang_up(&mut self, id: PeerId) {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return;
        };
        let _ = peer.rx.close();
        let _ = peer.fall_silent();
        self.wakes.push(Wake {
            far: Arc::clone(&peer.far),
            what: News::HangUp,
        });
        self.finished.push(id);
    }

    /// Sends what is queued towards peer `id` and nothing more; what it sent
    /// can still be received. `detached` follows its end.
    pub(crate) fn dismiss(&mut self, id: PeerId) {
        if let Some(peer) = self.slab.get_mut(id.0 as usize)
            && peer.fall_silent()
        {
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Data,
            });
        }
    }

    /// Closes both pipes and says so: what is queued towards peer `id` still
    /// goes, what it sent is discarded.
    pub(crate) fn part(&mut self, id: PeerId) {
        let Some(peer) = self.slab.get_mut(id.0 as usize) else {
            return;
        };
        // In this order: who sees the end of what was sent to it finds all
        // that it sent itself taken or discarded.
        if peer.rx.close() {
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Room,
            });
        }
        if peer.fall_silent() {
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Data,
            });
        }
        self.finished.push(id);
    }

    /// Has peer `id` detached at the next chance.
    pub(crate) fn finish(&mut self, id: PeerId) {
        self.finished.push(id);
    }

    /// Gives the pipe to peer `id` a high-water mark, of which `own` is this
    /// side's share.
    pub(crate) fn set_send_hwm(&mut self, id: PeerId, own: usize) {
        if let Some(peer) = self.slab.get_mut(id.0 as usize) {
            let joint = peer.far_recv_hwm.map_or(own, |far| joint_hwm(own, far));
            peer.tx.set_high_water_mark(joint);
        }
    }

    /// Notes how many messages from here may wait on the far side of `id`.
    pub(crate) fn set_far_recv_hwm(&mut self, id: PeerId, far: usize) {
        if let Some(peer) = self.slab.get_mut(id.0 as usize) {
            peer.far_recv_hwm = Some(far);
        }
    }

    /// The far sides that are sockets of this process.
    pub(crate) fn near_ones(&self) -> Vec<Arc<dyn Far>> {
        self.slab
            .iter()
            .filter(|(_, peer)| peer.near)
            .map(|(_, peer)| Arc::clone(&peer.far))
            .collect()
    }

    /// Both pipes of `id` are closed on this side: sees to it that what is
    /// left in them is counted as lost, here and there. A connection does so
    /// by itself.
    fn count_left_over(&mut self, id: PeerId) {
        let Some(peer) = self.slab.get_mut(id.0 as usize).filter(|peer| peer.near) else {
            return;
        };
        if peer.tx.is_closed() {
            peer.counters.lost += peer.tx.len() as u64;
        }
        let discarded = peer.rx.discarded();
        if discarded > 0 {
            self.wakes.push(Wake {
                far: Arc::clone(&peer.far),
                what: News::Discarded(discarded),
            });
        }
    }

    pub(crate) fn take_wakes(&mut self) -> Vec<Wake> {
        std::mem::take(&mut self.wakes)
    }

    /// Whether there is anything to carry out for the pipes' other ends.
    #[inline]
    pub(crate) fn has_chores(&self) -> bool {
        !self.wakes.is_empty() || !self.finished.is_empty() || self.unwatched
    }

    /// Peers whose pipes ended since the last call; the socket detaches them.
    pub(crate) fn take_finished(&mut self) -> Vec<PeerId> {
        std::mem::take(&mut self.finished)
    }

    pub(crate) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }
}
