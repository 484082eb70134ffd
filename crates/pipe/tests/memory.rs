//! What a pipe allocates. Each thread counts its own, as the test harness allocates too.
#![cfg(not(loom))]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use pipe::bounded;

type Item = [u64; 8];

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get().wrapping_add(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // It may be of another thread.
        BYTES.set(BYTES.get().wrapping_sub(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[test]
fn idle_pipes_are_small_and_steady_ones_do_not_allocate() {
    let before = BYTES.get();
    let pair = bounded::<Item>(1000);
    let unused = BYTES.get() - before + size_of_val(&pair);
    assert!(unused < 512, "a pipe never used takes {unused} bytes");

    let (mut producer, mut consumer) = pair;
    let mut run = |depth: usize, items: u64| {
        let warm = ALLOCATIONS.get();
        for number in 0..items {
            producer.push([number; 8]).unwrap();
            let _ = producer.publish();
            if producer.len() > depth {
                assert!(consumer.pop().is_some());
                let _ = consumer.release();
            }
        }
        let allocated = ALLOCATIONS.get() - warm;
        while consumer.pop().is_some() {}
        let _ = consumer.release();
        allocated
    };
    assert_eq!(run(0, 10_000), 1, "a short queue lives in one chunk");
    assert!(run(500, 1000) > 0);
    for depth in [0, 1, 20, 31] {
        run(depth, 100);
        assert_eq!(run(depth, 10_000), 0, "depth {depth}");
    }
    // A deeper queue allocates while it fills and not afterwards.
    let filling = run(500, 1_000);
    assert_eq!(run(500, 10_000), filling);

    let used = BYTES.get() - before;
    assert!(used < 5_000, "an idle pipe keeps {used} bytes");
    drop((producer, consumer));
    assert_eq!(BYTES.get(), before);
}
