//! What every part of the demonstration needs: sockets, a pace, and an end to
//! all waiting.

use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use zincmq::options::opt::Linger;
use zincmq::{Context, Multipart, Socket, SocketType};

use super::failure::Failure;

/// Any free port of this machine.
const ANYWHERE: &str = "tcp://127.0.0.1:*";

/// What a socket may still send after its part has ended.
const LINGER: Duration = Duration::from_secs(1);

/// How long simulated work takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// What the work is said to take.
    Real,
    /// A twentieth of that.
    Fast,
}

/// Where a part is played. Every wait on it ends when the part's time is up.
pub struct Stage {
    pace: Pace,
    end: Instant,
}

/// One thread of a part: its name and what it does.
pub type Role<'a> = (
    &'static str,
    Box<dyn FnOnce() -> Result<(), Failure> + Send + 'a>,
);

impl Stage {
    pub fn new(pace: Pace, limit: Duration) -> Self {
        Self {
            pace,
            end: Instant::now() + limit,
        }
    }

    /// How long something that is said to take `span` takes here.
    pub fn span(&self, span: Duration) -> Duration {
        match self.pace {
            Pace::Real => span,
            Pace::Fast => span / 20,
        }
    }

    /// How much of `span` is not spent here.
    pub fn saved(&self, span: Duration) -> Duration {
        span - self.span(span)
    }

    /// Simulates `span` of work.
    pub fn work(&self, span: Duration) {
        thread::sleep(self.span(span));
    }

    /// Until the part's time is up.
    pub fn left(&self) -> Duration {
        // A limit of none at all would mean a look without waiting, and end
        // with another error.
        self.end
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1))
    }

    pub fn socket(&self, context: &Context, kind: SocketType) -> Result<Socket, Failure> {
        let doing = || format!("make a {kind} socket");
        let socket = context
            .socket(kind)
            .map_err(|error| Failure::call(doing(), error))?;
        socket
            .set(Linger(Some(LINGER)))
            .map_err(|error| Failure::call(doing(), error))?;
        Ok(socket)
    }

    /// Binds to a free port and tells the endpoint.
    pub fn bind(&self, socket: &Socket) -> Result<String, Failure> {
        socket
            .bind(ANYWHERE)
            .map_err(|error| Failure::call(format_args!("bind {ANYWHERE}"), error))
    }

    pub fn connect(&self, socket: &Socket, endpoint: &str) -> Result<(), Failure> {
        socket
            .connect(endpoint)
            .map_err(|error| Failure::call(format_args!("connect to {endpoint}"), error))
    }

    /// Sends; `doing` says what, should it fail.
    pub fn send(
        &self,
        socket: &Socket,
        message: impl Into<Multipart>,
        doing: impl Display,
    ) -> Result<(), Failure> {
        socket
            .send_timeout(message, self.left())
            .map_err(|error| Failure::call(doing, error))
    }

    /// Receives a message of one part as text; `doing` says what, should it
    /// fail.
    pub fn recv(&self, socket: &Socket, doing: impl Display) -> Result<String, Failure> {
        let message = socket
            .recv_timeout(self.left())
            .map_err(|error| Failure::call(&doing, error))?;
        single(&message, doing)
    }
}

/// The text of a message of one part.
pub fn single(message: &Multipart, doing: impl Display) -> Result<String, Failure> {
    match message.len() {
        1 => Ok(message.first().to_text()),
        parts => Err(Failure::unexpected(
            doing,
            "a message of one part",
            format_args!("{parts} parts"),
        )),
    }
}

/// Plays all roles at once, each in its own thread. When one fails, the
/// context is shut down so that the others do not wait for it; its failure is
/// the one returned.
pub fn together(context: &Context, roles: Vec<Role<'_>>) -> Result<(), Failure> {
    let first: Mutex<Option<Failure>> = Mutex::new(None);
    let give_up = |failure| {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(failure);
        context.shutdown();
    };
    thread::scope(|scope| {
        for (name, role) in roles {
            let play = || match catch_unwind(AssertUnwindSafe(role)) {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => give_up(failure),
                Err(_) => give_up(Failure::Panicked(name)),
            };
            let thread = thread::Builder::new().name(name.to_owned());
            if let Err(error) = thread.spawn_scoped(scope, play) {
                give_up(Failure::call(
                    format_args!("start a thread for the {name}"),
                    error,
                ));
            }
        }
    });
    match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

/// Holds a part to what it should have done.
pub fn check<T: PartialEq + Debug>(
    what: impl Display,
    seen: &T,
    expected: &T,
) -> Result<(), Failure> {
    if seen == expected {
        return Ok(());
    }
    Err(Failure::unexpected(
        what,
        format_args!("{expected:?}"),
        format_args!("{seen:?}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_ends_the_wait_of_the_others() {
        let stage = Stage::new(Pace::Fast, Duration::from_secs(60));
        let context = Context::new();
        let socket = stage.socket(&context, SocketType::Pull).unwrap();
        stage.bind(&socket).unwrap();
        let start = Instant::now();
        let outcome = together(
            &context,
            vec![
                (
                    "sink",
                    Box::new(|| stage.recv(&socket, "collect").map(drop)),
                ),
                (
                    "source",
                    Box::new(|| Err(Failure::call("dig", "no shovel"))),
                ),
            ],
        );
        assert_eq!(outcome.unwrap_err().to_string(), "cannot dig: no shovel");
        assert!(start.elapsed() < Duration::from_secs(50));
    }

    #[test]
    fn a_panic_is_a_failure() {
        let context = Context::new();
        let outcome = together(&context, vec![("clown", Box::new(|| panic!("on purpose")))]);
        assert_eq!(outcome.unwrap_err().to_string(), "clown panicked");
    }

    #[test]
    fn a_difference_names_both_sides() {
        check("the sum", &4, &4).unwrap();
        let failure = check("the sum", &5, &4).unwrap_err();
        assert_eq!(failure.to_string(), "the sum: expected 4, saw 5");
    }
}
