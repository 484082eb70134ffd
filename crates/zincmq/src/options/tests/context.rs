//! The options of a context.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::options::context::{CONTEXT_ROWS, ContextOptions};

#[test]
fn names_and_defaults() {
    assert_eq!(CONTEXT_ROWS.len(), 14);
    let options = ContextOptions::default();
    for (number, expected) in [
        (1, 1),
        (2, 1023),
        (3, 65_535),
        (4, -1),
        (5, i32::MAX),
        (6, 64),
        (9, 0),
        (10, 1),
        (42, 0),
        (70, 1),
        (7001, 20),
    ] {
        assert_eq!(options.int(number), Ok(expected), "{number}");
    }
    for number in [7, 8] {
        assert!(matches!(
            options.int(number),
            Err(OptionError::WriteOnly(_))
        ));
    }
    for number in [-1, 0, 11, 71, 7000, 7002] {
        assert!(matches!(options.int(number), Err(OptionError::Unknown(_))));
    }
}

#[test]
fn each_is_set_within_its_range() {
    let mut options = ContextOptions::default();
    for (number, value) in [
        (1, 0),
        (2, 1),
        (3, 5),
        (4, 0),
        (5, 1000),
        (9, 1234),
        (10, 0),
        (42, 1),
        (70, 0),
        (7001, 0),
    ] {
        assert_eq!(options.set(number, &value.into()), Ok(()), "{number}");
        if number != 3 {
            assert_eq!(options.int(number), Ok(value), "{number}");
        }
    }
    assert_eq!(options.int(3), Ok(65_535));
    assert_eq!(options.thread_priority, Some(5));
    assert_eq!(options.value(9), Ok("1234".into()));
    for number in [1, 2, 3, 4, 5, 7, 8, 9, 10, 42, 70, 7001] {
        let refused = options.set(number, &(-1).into());
        assert!(
            matches!(refused, Err(OptionError::OutOfRange { .. })),
            "{number}"
        );
    }
    assert!(options.set(2, &0.into()).is_err());
    assert!(matches!(
        options.set(6, &64.into()),
        Err(OptionError::ReadOnly("MSG_T_SIZE"))
    ));
    assert!(matches!(
        options.set(-1, &0.into()),
        Err(OptionError::Unknown(_))
    ));
    assert!(matches!(
        options.set(1, &"one".into()),
        Err(OptionError::WrongType { .. })
    ));
}

#[test]
fn cpus_are_added_and_taken_away() {
    let mut options = ContextOptions::default();
    for cpu in [0, 1] {
        options.set(7, &cpu.into()).unwrap();
    }
    options.set(8, &1.into()).unwrap();
    assert!(options.thread_affinity.iter().eq(&[0]));
    assert!(matches!(
        options.set(8, &1.into()),
        Err(OptionError::OutOfRange { .. })
    ));
}

#[test]
fn a_name_prefix_may_be_text() {
    let mut options = ContextOptions::default();
    options.set(9, &"MyPrefix9012345".into()).unwrap();
    assert_eq!(options.value(9), Ok("MyPrefix9012345".into()));
    assert_eq!(options.int(9), Ok(0));
    assert!(options.set(9, &"12345678901234567".into()).is_err());
    assert!(options.set(9, &"".into()).is_err());
    let long = ContextOptions::default().thread_name_prefix("aaaaaaaaaaaaaaaéé");
    assert_eq!(long.thread_name_prefix, "aaaaaaaaaaaaaaa");
}

#[test]
fn builder() {
    let options = ContextOptions::default()
        .io_threads(2)
        .max_sockets(0)
        .ipv6(true)
        .blocky(false)
        .thread_affinity([3, 1])
        .thread_scheduling(1, 10)
        .spin(Duration::from_micros(50));
    for (number, expected) in [(1, 2), (2, 1), (42, 1), (70, 0), (4, 1), (7001, 50)] {
        assert_eq!(options.int(number), Ok(expected));
    }
    assert!(options.thread_affinity.iter().eq(&[1, 3]));
    let longest = ContextOptions::default().spin(Duration::MAX);
    assert_eq!(longest.int(7001), Ok(i32::MAX));
}

proptest! {
    #[test]
    fn any_number_and_value_do_no_harm(number in -5..100i32, value in any::<i32>(), text in ".{0,20}") {
        let mut options = ContextOptions::default();
        let _ = options.set(number, &value.into());
        let _ = options.set(number, &text.into());
        let _ = options.int(number);
        let _ = options.value(number);
    }
}
