//! Random operations on a queue and on a plain model of it, step by step.
#![cfg(not(loom))]

use std::{collections::VecDeque, rc::Rc};

use pipe::{PushError, bounded};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Op {
    Push,
    PushOver,
    PushMany(usize),
    PushRun(u16),
    Publish,
    HasRoom,
    SetHighWaterMark(usize),
    CloseProducer,
    Pop,
    PopMany(usize),
    HasItems,
    Release,
    CloseConsumer,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        20 => Just(Op::Push),
        2 => Just(Op::PushOver),
        5 => (1_usize..80).prop_map(Op::PushMany),
        5 => (1_u16..80).prop_map(Op::PushRun),
        20 => Just(Op::Publish),
        3 => Just(Op::HasRoom),
        2 => mark().prop_map(Op::SetHighWaterMark),
        1 => Just(Op::CloseProducer),
        20 => Just(Op::Pop),
        5 => (1_usize..80).prop_map(Op::PopMany),
        3 => Just(Op::HasItems),
        20 => Just(Op::Release),
        1 => Just(Op::CloseConsumer),
    ]
}

fn mark() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), 1_usize..6, 1_usize..200]
}

/// What the queue promises, in the plainest form.
struct Model {
    /// Items and as how many each counts.
    hidden: VecDeque<(u64, u64)>,
    visible: VecDeque<(u64, u64)>,
    high: usize,
    pushed: u64,
    popped: u64,
    /// So many pushes there may be, as far as the producer has looked.
    limit: u64,
    /// Popped since the last release, so that a release may say something.
    unreleased: bool,
    producer_wakes_at: Option<u64>,
    consumer_asleep: bool,
    producer_closed: bool,
    consumer_closed: bool,
}

impl Model {
    /// What is popped counts in whole steps, unless nothing is left.
    fn limit(&self) -> u64 {
        let (high, step) = (self.high as u64, self.high.div_ceil(2) as u64);
        match self.high {
            0 => u64::MAX,
            _ if self.popped == self.pushed => self.popped + high,
            _ => self.popped / step * step + high,
        }
    }

    fn has_room(&mut self) -> bool {
        if self.producer_closed || self.consumer_closed {
            return false;
        }
        let (high, step) = (self.high as u64, self.high.div_ceil(2) as u64);
        if self.pushed >= self.limit {
            self.limit = self.limit();
        }
        let room = self.pushed < self.limit;
        self.producer_wakes_at = (!room).then(|| {
            (self.popped + 1..)
                .find(|popped| popped % step == 0 && self.pushed - popped < high)
                .expect("a step is no longer than the queue")
        });
        room
    }

    fn push(&mut self) -> Result<(), PushError<()>> {
        if self.producer_closed || self.consumer_closed {
            return Err(PushError::Closed(()));
        }
        if !self.has_room() {
            return Err(PushError::Full(()));
        }
        self.put(1);
        Ok(())
    }

    fn push_run(&mut self, n: u64) -> Result<(), PushError<()>> {
        if self.producer_closed || self.consumer_closed {
            return Err(PushError::Closed(()));
        }
        self.limit = self.limit();
        if self.pushed < self.limit {
            self.producer_wakes_at = None;
        }
        if self.pushed.saturating_add(n) > self.limit {
            return Err(PushError::Full(()));
        }
        self.put(n);
        Ok(())
    }

    fn put(&mut self, n: u64) {
        self.hidden.push_back((self.pushed, n));
        self.pushed += n;
    }

    fn publish(&mut self) -> bool {
        let wake = !self.hidden.is_empty() && std::mem::take(&mut self.consumer_asleep);
        self.visible.append(&mut self.hidden);
        wake
    }

    fn pop(&mut self) -> Option<u64> {
        let item = self.visible.pop_front();
        match item {
            Some((_, n)) => {
                self.popped += n;
                self.unreleased = true;
            }
            None => self.consumer_asleep = !self.producer_closed && !self.consumer_closed,
        }
        item.map(|(number, _)| number)
    }

    fn release(&mut self) -> bool {
        let due = std::mem::take(&mut self.unreleased)
            && self.producer_wakes_at.is_some_and(|at| self.popped >= at);
        if due {
            self.producer_wakes_at = None;
        }
        due
    }

    fn items(&self) -> usize {
        self.hidden.len() + self.visible.len()
    }

    fn len(&self) -> usize {
        count(&self.hidden) + count(&self.visible)
    }
}

/// What they count as together.
fn count(items: &VecDeque<(u64, u64)>) -> usize {
    items.iter().map(|(_, n)| *n as usize).sum()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn queue_behaves_as_its_model(high in mark(), ops in prop::collection::vec(op(), 1..300)) {
        let probe = Rc::new(());
        let (mut producer, mut consumer) = bounded(high);
        let mut model = Model {
            hidden: VecDeque::new(),
            visible: VecDeque::new(),
            high,
            pushed: 0,
            popped: 0,
            limit: if high == 0 { u64::MAX } else { high as u64 },
            unreleased: false,
            producer_wakes_at: None,
            consumer_asleep: false,
            producer_closed: false,
            consumer_closed: false,
        };
        for op in ops {
            match op {
                Op::Push | Op::PushMany(_) => {
                    let times = if let Op::PushMany(n) = op { n } else { 1 };
                    for _ in 0..times {
                        let item = (model.pushed, Rc::clone(&probe));
                        let got = producer.push(item);
                        match (got, model.push()) {
                            (Ok(()), Ok(()))
                            | (Err(PushError::Full(_)), Err(PushError::Full(())))
                            | (Err(PushError::Closed(_)), Err(PushError::Closed(()))) => {}
                            (got, expected) => {
                                prop_assert!(false, "push: {got:?}, not {expected:?}");
                            }
                        }
                    }
                }
                Op::PushRun(n) => {
                    let got = producer.push_run((model.pushed, Rc::clone(&probe)), n);
                    match (got, model.push_run(u64::from(n))) {
                        (Ok(()), Ok(()))
                        | (Err(PushError::Full(_)), Err(PushError::Full(())))
                        | (Err(PushError::Closed(_)), Err(PushError::Closed(()))) => {}
                        (got, expected) => {
                            prop_assert!(false, "push_run: {got:?}, not {expected:?}");
                        }
                    }
                }
                Op::PushOver => {
                    let got = producer.push_over((model.pushed, Rc::clone(&probe)));
                    let expected = !model.producer_closed && !model.consumer_closed;
                    prop_assert_eq!(got.is_ok(), expected);
                    if expected {
                        model.put(1);
                    }
                }
                Op::Publish => {
                    let wake = model.publish() && !model.consumer_closed;
                    prop_assert_eq!(producer.publish(), wake);
                }
                Op::HasRoom => {
                    let expected = model.has_room();
                    prop_assert_eq!(producer.has_room(), expected);
                }
                Op::SetHighWaterMark(n) => {
                    producer.set_high_water_mark(n);
                    model.high = n;
                    model.limit = model.limit();
                    if model.pushed < model.limit {
                        model.producer_wakes_at = None;
                    }
                }
                Op::CloseProducer => {
                    let wake = !model.producer_closed
                        && (model.publish() || std::mem::take(&mut model.consumer_asleep))
                        && !model.consumer_closed;
                    model.producer_closed = true;
                    model.producer_wakes_at = None;
                    prop_assert_eq!(producer.close(), wake);
                }
                Op::Pop | Op::PopMany(_) => {
                    let times = if let Op::PopMany(n) = op { n } else { 1 };
                    for _ in 0..times {
                        let got = consumer.pop().map(|(number, _)| number);
                        if model.consumer_closed {
                            model.visible.clear();
                        }
                        prop_assert_eq!(got, model.pop());
                    }
                }
                Op::HasItems => {
                    if model.consumer_closed {
                        model.visible.clear();
                    }
                    let expected = !model.visible.is_empty();
                    prop_assert_eq!(consumer.has_items(), expected);
                    if !expected {
                        model.pop();
                    }
                }
                Op::Release => {
                    let expected = model.release();
                    prop_assert_eq!(consumer.release(), expected);
                }
                Op::CloseConsumer => {
                    let first = !std::mem::replace(&mut model.consumer_closed, true);
                    let wake = model.producer_wakes_at.take().is_some();
                    model.unreleased = false;
                    if first {
                        model.visible.clear();
                    }
                    prop_assert_eq!(consumer.close(), wake);
                }
            }
            if !model.consumer_closed {
                prop_assert_eq!(consumer.len(), count(&model.visible));
                prop_assert_eq!(consumer.is_empty_hint(), model.visible.is_empty());
                let finished = model.producer_closed && model.visible.is_empty();
                prop_assert_eq!(consumer.is_finished(), finished);
            }
            prop_assert_eq!(producer.len(), model.len());
            prop_assert_eq!(producer.is_closed(), model.consumer_closed);
            prop_assert_eq!(producer.high_water_mark(), model.high);
            prop_assert_eq!(Rc::strong_count(&probe), 1 + model.items());
        }
        drop((producer, consumer));
        prop_assert_eq!(Rc::strong_count(&probe), 1);
    }
}
