//! The lines a peer understands.

use std::ops::Range;
use std::str::{FromStr, SplitWhitespace};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// One line of standard input. `FROM` and `SEQ` number messages, see [`payload`](crate::payload).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `send COUNT SIZE PARTS FROM [@PREFIX]…`: messages FROM, FROM+1, …, each behind the prefix
    /// parts (`@` alone is an empty part).
    Send(Batch),
    /// `recv COUNT SIZE PARTS FROM`: exactly these messages, in this order.
    Recv(Batch),
    /// `recv-until SEQ SIZE PARTS`: intact messages, with gaps, until number SEQ or a later one.
    RecvUntil(Shape),
    /// `request COUNT SIZE PARTS FROM [@PREFIX]…`: sends each and expects it back before the next.
    Request(Batch),
    /// `ask SEQ SIZE PARTS [@PREFIX]…`: sends it again every 200 ms until it comes back; other
    /// messages that come back meanwhile are late answers.
    Ask(Shape),
    /// `echo COUNT`: sends COUNT messages back as they came.
    Echo(u64),
    /// `serve`: echoes until another line arrives.
    Serve,
    /// `subscribe TOPIC`; without TOPIC, to everything.
    Subscribe(Vec<u8>),
    /// `subscribe-many COUNT`: to topics 0 to COUNT−1.
    SubscribeMany(u64),
    /// `send-topics COUNT`: one message for each topic and one that nobody asked for.
    SendTopics(u64),
    /// `unsubscribe-many COUNT`: from topics 0 to COUNT−1.
    UnsubscribeMany(u64),
    /// `recv-topics FROM TO`: until each of the topics FROM to TO−1 was seen, and never another.
    RecvTopics(Range<u64>),
    /// `sync`: sends the message that [`AwaitSync`](Self::AwaitSync) waits for; all others skip it.
    Sync,
    /// `await-sync`.
    AwaitSync,
    /// `stream-echo BYTES`: a STREAM socket sends back what comes in, that much in all.
    StreamEcho(usize),
    /// `stream-request BYTES`: a STREAM socket sends so many bytes and expects them back.
    StreamRequest(usize),
    /// `offer SEQ SIZE PARTS`: sends it if that can be done at once, which is no failure otherwise.
    Offer(Shape),
    /// `silence MILLISECONDS`: nothing comes within that time.
    Silence(Duration),
    /// `recv-from [PROPERTY]…`: one message, told by the properties of its sender; `-` for one that is
    /// not there.
    RecvFrom(Vec<String>),
    /// `outcome`: how the next handshake ends.
    Outcome,
    /// `events`: what has happened since the last outcome or event that was told.
    Events,
    /// `asked`: what the guard was asked.
    Asked,
    /// `quit`: closes socket and context and ends.
    Quit,
}

/// Several messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many.
    pub count: u64,
    /// What each looks like; `seq` is the first one's number.
    pub shape: Shape,
}

/// One message's number and form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its number.
    pub seq: u64,
    /// Bytes in the first part.
    pub size: usize,
    /// Number of parts, without prefix.
    pub parts: usize,
    /// Parts that go before it.
    pub prefix: Vec<Vec<u8>>,
}

impl FromStr for Command {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut words = Words(line.split_whitespace());
        let name = words.word("command")?;
        let command = match name {
            "send" => Self::Send(words.batch()?),
            "recv" => Self::Recv(words.batch()?),
            "recv-until" => Self::RecvUntil(words.shape()?),
            "request" => Self::Request(words.batch()?),
            "ask" => Self::Ask(words.shape()?),
            "echo" => Self::Echo(words.number("COUNT")?),
            "serve" => Self::Serve,
            "subscribe" => Self::Subscribe(words.0.next().unwrap_or("").into()),
            "subscribe-many" => Self::SubscribeMany(words.number("COUNT")?),
            "send-topics" => Self::SendTopics(words.number("COUNT")?),
            "unsubscribe-many" => Self::UnsubscribeMany(words.number("COUNT")?),
            "recv-topics" => Self::RecvTopics(words.number("FROM")?..words.number("TO")?),
            "sync" => Self::Sync,
            "await-sync" => Self::AwaitSync,
            "stream-echo" => Self::StreamEcho(words.number("BYTES")?),
            "stream-request" => Self::StreamRequest(words.number("BYTES")?),
            "offer" => Self::Offer(words.shape()?),
            "silence" => Self::Silence(Duration::from_millis(words.number("MILLISECONDS")?)),
            "recv-from" => Self::RecvFrom(words.0.by_ref().map(str::to_owned).collect()),
            "outcome" => Self::Outcome,
            "events" => Self::Events,
            "asked" => Self::Asked,
            "quit" => Self::Quit,
            _ => bail!("unknown command {name}"),
        };
        match words.0.next() {
            Some(extra) => bail!("{name}: {extra} is one word too many"),
            None => Ok(command),
        }
    }
}

struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn word(&mut self, what: &str) -> Result<&'a str> {
        self.0.next().with_context(|| format!("{what} is missing"))
    }

    fn number<T: FromStr<Err = std::num::ParseIntError>>(&mut self, what: &str) -> Result<T> {
        let word = self.word(what)?;
        word.parse().with_context(|| format!("{what}: {word}"))
    }

    /// `COUNT SIZE PARTS FROM [@PREFIX]…`
    fn batch(&mut self) -> Result<Batch> {
        let count = self.number("COUNT")?;
        let size = self.number("SIZE")?;
        let parts = self.number("PARTS")?;
        let seq = self.number("FROM")?;
        let prefix = self.prefix()?;
        Ok(Batch {
            count,
            shape: Shape {
                seq,
                size,
                parts,
                prefix,
            },
        })
    }

    /// `SEQ SIZE PARTS [@PREFIX]…`
    fn shape(&mut self) -> Result<Shape> {
        Ok(Shape {
            seq: self.number("SEQ")?,
            size: self.number("SIZE")?,
            parts: self.number("PARTS")?,
            prefix: self.prefix()?,
        })
    }

    fn prefix(&mut self) -> Result<Vec<Vec<u8>>> {
        self.0
            .by_ref()
            .map(|word| match word.strip_prefix('@') {
                Some(text) => Ok(text.into()),
                None => bail!("{word}: a prefix part starts with @"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_batch_with_its_prefix() {
        let command: Command = "send 10 64 3 100 @server @".parse().unwrap();
        let shape = Shape {
            seq: 100,
            size: 64,
            parts: 3,
            prefix: vec![b"server".to_vec(), Vec::new()],
        };
        assert_eq!(command, Command::Send(Batch { count: 10, shape }));
    }

    #[test]
    fn names_what_is_wrong() {
        for (line, text) in [
            ("", "command is missing"),
            ("fly", "unknown command fly"),
            ("echo", "COUNT is missing"),
            ("echo ten", "COUNT: ten"),
            ("quit now", "one word too many"),
            ("ask 1 2 3 prefix", "starts with @"),
        ] {
            let error = line.parse::<Command>().unwrap_err().to_string();
            assert!(error.contains(text), "{line:?}: {error}");
        }
    }
}
