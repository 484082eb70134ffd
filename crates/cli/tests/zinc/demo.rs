//! `zinc demo`.

use crate::run::{Outcome, first_line_of, shell, zinc};

const NAMES: [&str; 6] = [
    "sync",
    "async",
    "request-reply",
    "publish-subscribe",
    "push-pull",
    "pair",
];

/// The lines of one part, run alone, between its heading and its verdict.
fn part(name: &str) -> Vec<String> {
    let outcome = zinc(&["demo", name, "--fast"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let lines = outcome.lines();
    let [heading, body @ .., verdict, "", last] = &*lines else {
        panic!("too little: {outcome}");
    };
    assert!(heading.starts_with(&format!("== {name}: ")), "{outcome}");
    assert!(verdict.starts_with("ok: "), "{outcome}");
    assert_eq!(*last, "demo: 1 of 1 ok");
    body.iter().map(|line| (*line).to_owned()).collect()
}

/// The seconds of a line `Total time: 4.00 seconds`.
fn total(line: &str) -> f64 {
    let number = line.strip_prefix("Total time: ").expect(line);
    let number = number.strip_suffix(" seconds").expect(line);
    let (_, decimals) = number.split_once('.').expect(line);
    assert_eq!(decimals.len(), 2, "{line}");
    number.parse().expect(line)
}

fn sorted(mut lines: Vec<&str>) -> Vec<&str> {
    lines.sort_unstable();
    lines
}

#[test]
fn all_six_parts_hold() {
    let outcome = zinc(&["demo", "--fast"]);
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let lines = outcome.lines();
    let headings: Vec<&str> = lines
        .iter()
        .filter_map(|line| Some(line.strip_prefix("== ")?.split_once(": ")?.0))
        .collect();
    assert_eq!(headings, NAMES);
    let verdicts = lines.iter().filter(|line| line.starts_with("ok: "));
    assert_eq!(verdicts.count(), 6, "{outcome}");
    assert_eq!(lines.last(), Some(&"demo: 6 of 6 ok"));
    assert_eq!(outcome.errors, "");
}

#[test]
fn sync_runs_one_task_after_the_other() {
    let lines = part("sync");
    let (last, tasks) = lines.split_last().unwrap();
    assert_eq!(
        tasks,
        ["Start task 1", "End task 1", "Start task 2", "End task 2"]
    );
    assert!(total(last) >= 0.2, "{last}");
}

#[test]
fn async_runs_both_tasks_at_once() {
    let lines = part("async");
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let [first, second, third, fourth, last] = &*lines else {
        panic!("{lines:?}");
    };
    assert_eq!(
        sorted(vec![first, second]),
        ["Start task 1", "Start task 2"]
    );
    assert_eq!(sorted(vec![third, fourth]), ["End task 1", "End task 2"]);
    assert!(total(last) >= 0.1, "{last}");
}

#[test]
fn every_request_gets_its_reply() {
    let expected: Vec<String> = (0..10)
        .flat_map(|n| {
            [
                format!("Sending request {n}"),
                "Received request: b'Hello'".to_owned(),
                format!("Received reply {n}: b'World'"),
            ]
        })
        .collect();
    assert_eq!(part("request-reply"), expected);
}

#[test]
fn every_update_is_received_after_it_was_published() {
    let lines = part("publish-subscribe");
    assert_eq!(lines.len(), 10, "{lines:?}");
    let of = |prefix: &str| -> Vec<u64> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(prefix)?.parse().ok())
            .collect()
    };
    let published = of("Published: Update ");
    assert_eq!(published.len(), 5, "{lines:?}");
    assert!(published.is_sorted_by(|a, b| a < b), "{lines:?}");
    assert_eq!(of("Received: Update "), published);
    assert!(lines[0].starts_with("Published: "), "{lines:?}");
}

#[test]
fn workers_share_the_tasks() {
    let lines = part("push-pull");
    let of = |prefix: &str| lines.iter().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(of("Ventilator: task "), 6, "{lines:?}");
    for worker in 1..=3 {
        assert_eq!(of(&format!("Worker {worker}: task ")), 2, "{lines:?}");
    }
    let mut collected: Vec<&str> = lines
        .iter()
        .filter_map(|line| Some(line.strip_prefix("Sink: task ")?.split_once(' ')?.0))
        .collect();
    collected.sort_unstable();
    assert_eq!(collected, ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn a_pair_talks_both_ways() {
    let lines = part("pair");
    let heard = |who: &str, from: &str| {
        let prefix = format!("{who} receives: message ");
        let numbers: Vec<String> = lines
            .iter()
            .filter_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect();
        assert_eq!(
            numbers,
            [1, 2, 3].map(|n| format!("{n} from {from}")),
            "{lines:?}"
        );
    };
    heard("Left", "Right");
    heard("Right", "Left");
}

#[test]
fn an_unknown_name_is_answered_with_the_names() {
    let outcome = zinc(&["demo", "carrier-pigeon"]);
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert_eq!(outcome.output, "");
    assert!(outcome.errors.contains("carrier-pigeon"), "{outcome}");
    for name in NAMES {
        assert!(outcome.errors.contains(name), "{name}: {outcome}");
    }
}

/// Three descriptors are the standard streams; what the sockets need is not
/// to be had.
#[test]
fn a_part_that_fails_says_why_and_fails_the_demo() {
    let outcome = shell("ulimit -n 4; exec \"$0\" demo --fast pair");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    let lines = outcome.lines();
    let [heading, verdict, "", last] = &*lines else {
        panic!("{outcome}");
    };
    assert!(heading.starts_with("== pair: "), "{outcome}");
    assert!(
        verdict.starts_with("failed: cannot bind tcp://127.0.0.1:*: "),
        "{outcome}"
    );
    assert_eq!(*last, "demo: 0 of 1 ok");
    assert_eq!(outcome.errors, "");
}

#[test]
fn the_other_parts_go_on_after_one_that_failed() {
    let outcome = shell("ulimit -n 4; exec \"$0\" demo --fast");
    assert_eq!(outcome.code, Some(1), "{outcome}");
    let failures = outcome
        .lines()
        .iter()
        .filter(|line| line.starts_with("failed: "))
        .count();
    assert_eq!(failures, 6, "{outcome}");
    assert_eq!(outcome.lines().last(), Some(&"demo: 0 of 6 ok"));
}

#[test]
fn a_reader_that_leaves_early_ends_the_demo_quietly() {
    let Outcome { code, errors, .. } = first_line_of(&["demo"]);
    assert_eq!(code, Some(1));
    assert_eq!(errors, "");
}
