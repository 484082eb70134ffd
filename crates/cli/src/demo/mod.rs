//! `zinc demo`: the patterns of messaging, live over tcp, each checked.

mod failure;
mod pair;
mod publish_subscribe;
mod push_pull;
mod request_reply;
mod stage;
mod tasks;

use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum as _;

use crate::console::say;
use failure::Failure;
use stage::{Pace, Stage};

const LIMITS: Limits = Limits {
    work: Duration::from_secs(30),
    grace: Duration::from_secs(5),
};

/// What `zinc demo` can be told.
#[derive(clap::Args)]
pub struct Arguments {
    /// The one part to run instead of all
    name: Option<Name>,
    /// Wait a twentieth of the time wherever work is simulated
    ///
    /// The times in the updates of publish-subscribe are then those of a clock
    /// that goes on by a second from each to the next, as if the whole time
    /// had passed.
    #[arg(long)]
    fast: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// Two tasks: the sender waits for each before it sends the next
    Sync,
    /// The same two tasks: the sender goes on without waiting
    Async,
    /// Each request waits for its reply
    RequestReply,
    /// A publisher's updates reach its subscriber
    PublishSubscribe,
    /// Tasks are shared out among workers, their results collected
    PushPull,
    /// Two peers, each of which sends when it likes
    Pair,
}

/// How long a part may take, at either pace.
#[derive(Clone, Copy)]
struct Limits {
    /// By then it has done its work, or none of its calls waits any more.
    work: Duration,
    /// How much longer it may take to say why it was late.
    grace: Duration,
}

/// Plays a part on its stage, and says what was checked.
type Play = fn(&Stage) -> Result<String, Failure>;

impl Name {
    fn play(self) -> Play {
        match self {
            Self::Sync => tasks::one_by_one,
            Self::Async => tasks::all_at_once,
            Self::RequestReply => request_reply::play,
            Self::PublishSubscribe => publish_subscribe::play,
            Self::PushPull => push_pull::play,
            Self::Pair => pair::play,
        }
    }

    /// As it is called on the command line, and what the help says of it.
    fn heading(self) -> String {
        let value = self.to_possible_value().unwrap_or_default();
        let title = value.get_help().map(ToString::to_string);
        format!("== {}: {}", value.get_name(), title.unwrap_or_default())
    }
}

/// Runs the parts asked for. The last line tells how many held.
pub fn run(arguments: &Arguments) -> ExitCode {
    let parts = match arguments.name {
        Some(name) => vec![name],
        None => Name::value_variants().to_vec(),
    };
    let pace = if arguments.fast {
        Pace::Fast
    } else {
        Pace::Real
    };
    let mut held = 0;
    for part in &parts {
        say(part.heading());
        match watch(part.play(), pace, LIMITS) {
            Ok(checked) => {
                held += 1;
                say(format_args!("ok: {checked}\n"));
            }
            Err(failure) => say(format_args!("failed: {failure}\n")),
        }
    }
    say(format_args!("demo: {held} of {} ok", parts.len()));
    if held == parts.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Plays in a thread of its own, so that not even a part that never ends holds
/// up the others.
fn watch(play: Play, pace: Pace, limits: Limits) -> Result<String, Failure> {
    let (result, ended) = mpsc::channel();
    thread::Builder::new()
        .name("part".to_owned())
        .spawn(move || {
            // Nobody hears of what ends too late.
            let _ = result.send(play(&Stage::new(pace, limits.work)));
        })
        .map_err(|error| Failure::call("start a thread", error))?;
    let limit = limits.work + limits.grace;
    match ended.recv_timeout(limit) {
        Ok(outcome) => outcome,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Failure::Endless(limit)),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Failure::Panicked("the part")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn what_a_part_says_comes_through() {
        let outcome = watch(|_| Ok("two".to_owned()), Pace::Fast, LIMITS);
        assert_eq!(outcome.unwrap(), "two");
    }

    #[test]
    fn a_part_that_fails_says_why() {
        let play: Play = |_| Err(Failure::unexpected("the reply", "b'World'", "b'Word'"));
        let failure = watch(play, Pace::Fast, LIMITS).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "the reply: expected b'World', saw b'Word'"
        );
    }

    #[test]
    fn a_part_that_panics_has_failed() {
        let play: Play = |_| panic!("on purpose");
        let failure = watch(play, Pace::Fast, LIMITS).unwrap_err();
        assert_eq!(failure.to_string(), "the part panicked");
    }

    #[test]
    fn a_part_learns_that_its_time_is_up() {
        let play: Play = |stage| {
            let context = zincmq::Context::new();
            let socket = stage.socket(&context, zincmq::SocketType::Pull)?;
            stage.bind(&socket)?;
            stage.recv(&socket, "receive a task").map(|_| String::new())
        };
        let limits = Limits {
            work: SHORT,
            grace: LONG,
        };
        let failure = watch(play, Pace::Fast, limits).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "cannot receive a task: timed out before a message came"
        );
    }

    #[test]
    fn a_part_that_never_ends_is_left_behind() {
        let play: Play = |_| {
            loop {
                thread::park();
            }
        };
        let limits = Limits {
            work: Duration::ZERO,
            grace: SHORT,
        };
        let failure = watch(play, Pace::Fast, limits).unwrap_err();
        assert_eq!(failure.to_string(), "still running after 20ms");
    }
}
