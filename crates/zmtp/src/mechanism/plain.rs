//! PLAIN (RFC 24): the client shows a name and a password, in the clear.
//!
//! | Client | Server |
//! |---|---|
//! | HELLO: name, password | |
//! | | WELCOME, or ERROR |
//! | INITIATE: metadata | |
//! | | READY: metadata |

use zeroize::Zeroizing;

use super::{Expect, ExpectVerdict, Link, Mechanism, Step};
use crate::command::{Command, ERROR, HELLO, INITIATE, READY, WELCOME};
use crate::{Credentials, Error, Login};

/// The side that shows a password.
pub(super) struct PlainClient(pub(super) Login);

impl Mechanism for PlainClient {
    fn name(&self) -> &'static str {
        NAME
    }

    fn start(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        let (username, password) = (self.0.username(), self.0.password());
        // With its whole length from the start, no copy of the password is left behind.
        let mut hello = Zeroizing::new(Vec::with_capacity(2 + username.len() + password.len()));
        for string in [username, password] {
            // A login has no longer ones.
            hello.push(string.len() as u8);
            hello.extend_from_slice(string);
        }
        link.send(HELLO, &hello);
        Ok(Step::Next(Box::new(ExpectWelcome)))
    }
}

/// HELLO is out.
struct ExpectWelcome;

impl Expect for ExpectWelcome {
    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Command<'a>, Error> {
        parse_from_server(payload)
    }

    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be_or_refuse(WELCOME, "waiting for WELCOME")?;
        if !command.data.is_empty() {
            return Err(command.malformed("it has data"));
        }
        let metadata = link.metadata();
        link.send(INITIATE, metadata);
        Ok(Step::Next(Box::new(ExpectReady)))
    }
}

/// INITIATE is out.
struct ExpectReady;

impl Expect for ExpectReady {
    fn parse<'a>(&self, payload: &'a [u8]) -> Result<Command<'a>, Error> {
        parse_from_server(payload)
    }

    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be_or_refuse(READY, "waiting for READY")?;
        Ok(Step::Done {
            metadata: link.admit(command.data)?,
            seal: None,
        })
    }
}

/// The side that has the password judged.
pub(super) struct PlainServer;

impl Mechanism for PlainServer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn start(self: Box<Self>, _link: &mut Link<'_>) -> Result<Step, Error> {
        Ok(Step::Next(Box::new(ExpectHello)))
    }
}

/// Nothing is in yet.
struct ExpectHello;

impl Expect for ExpectHello {
    fn command(self: Box<Self>, command: Command<'_>, _link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be(HELLO, "waiting for HELLO")?;
        let (username, rest) =
            string(command.data).ok_or_else(|| command.malformed("it ends within its username"))?;
        let (password, rest) =
            string(rest).ok_or_else(|| command.malformed("it ends within its password"))?;
        if !rest.is_empty() {
            return Err(command.malformed("it goes on after its password"));
        }
        let credentials = Credentials::Plain { username, password };
        Ok(Step::Ask(credentials.into(), Box::new(ExpectAdmission)))
    }
}

/// HELLO is in and being judged.
struct ExpectAdmission;

impl ExpectVerdict for ExpectAdmission {
    fn accepted(self: Box<Self>, link: &mut Link<'_>) -> Result<Step, Error> {
        link.send(WELCOME, &[]);
        Ok(Step::Next(Box::new(ExpectInitiate)))
    }
}

/// WELCOME is out.
struct ExpectInitiate;

impl Expect for ExpectInitiate {
    fn command(self: Box<Self>, command: Command<'_>, link: &mut Link<'_>) -> Result<Step, Error> {
        command.must_be(INITIATE, "waiting for INITIATE")?;
        let theirs = link.admit(command.data)?;
        let ours = link.metadata();
        link.send(READY, ours);
        Ok(Step::Done {
            metadata: theirs,
            seal: None,
        })
    }
}

const NAME: &str = "PLAIN";

/// How libzmq up to 4.3.5 begins the ERROR of a PLAIN server: `\x5E` where length and
/// first letter of the name should be.
const ERROR_OF_LIBZMQ: &[u8] = b"^RROR";

fn parse_from_server(payload: &[u8]) -> Result<Command<'_>, Error> {
    match payload.strip_prefix(ERROR_OF_LIBZMQ) {
        Some(data) => Ok(Command { name: ERROR, data }),
        None => Command::parse(payload),
    }
}

/// The string at the start of `data`, and what follows it.
fn string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(*len))
}
