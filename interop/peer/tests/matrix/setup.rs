//! Two peers that meet: who is whose, who binds, over what.

use std::fmt;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::process::{Failure, Process, Transcript};
use crate::relay::Relay;
use crate::security::Mechanism;

/// How long one case may take.
const DEADLINE: Duration = Duration::from_secs(90);

/// Whose library a peer runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Ours,
    Libzmq,
}

/// One of the two peers of a pattern, in the order of the pattern's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    First,
    Second,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Tcp,
    Ipc,
}

/// Everything that varies independently of the pattern.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// The seat our library takes.
    pub ours: Seat,
    pub binder: Seat,
    pub transport: Transport,
    pub mechanism: Mechanism,
    /// The seat of the mechanism's server.
    pub server: Seat,
}

/// The socket of one seat.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    pub kind: &'static str,
    pub options: &'static [&'static str],
}

/// Two peers on one endpoint.
pub struct Pair {
    variant: Variant,
    roles: [Role; 2],
    /// Further arguments of each.
    extra: [Vec<&'static str>; 2],
    endpoint: String,
    peers: [Option<Process>; 2],
    transcript: Transcript,
    deadline: Instant,
    _folder: TempDir,
}

impl Variant {
    /// Without security.
    pub fn all() -> impl Iterator<Item = Self> {
        Transport::ALL.into_iter().flat_map(|transport| {
            Seat::BOTH.into_iter().flat_map(move |ours| {
                Seat::BOTH.into_iter().map(move |binder| Self {
                    ours,
                    binder,
                    transport,
                    mechanism: Mechanism::Null,
                    server: binder,
                })
            })
        })
    }

    /// With each secure mechanism: over tcp who binds is the server, over ipc the other.
    pub fn secured() -> impl Iterator<Item = Self> {
        Mechanism::SECURE.into_iter().flat_map(|mechanism| {
            Self::all().map(move |variant| Self {
                mechanism,
                server: match variant.transport {
                    Transport::Tcp => variant.binder,
                    Transport::Ipc => variant.binder.other(),
                },
                ..variant
            })
        })
    }

    /// Whose library runs in `seat`.
    pub fn side(self, seat: Seat) -> Side {
        match seat == self.ours {
            true => Side::Ours,
            false => Side::Libzmq,
        }
    }
}

impl Pair {
    /// Starts the binder, then the other.
    pub fn start(
        variant: Variant,
        roles: [Role; 2],
        transcript: &Transcript,
    ) -> Result<Self, Failure> {
        Self::start_with(variant, roles, [Vec::new(), Vec::new()], transcript)
    }

    /// As [`start`](Self::start), with further arguments for each.
    pub fn start_with(
        variant: Variant,
        roles: [Role; 2],
        extra: [Vec<&'static str>; 2],
        transcript: &Transcript,
    ) -> Result<Self, Failure> {
        let mut pair = Self::new(variant, roles, transcript)?;
        pair.extra = extra;
        pair.launch(variant.binder)?;
        pair.launch(variant.binder.other())?;
        Ok(pair)
    }

    /// As [`start`](Self::start), over tcp, with a relay between that counts connections.
    pub fn start_counted(
        variant: Variant,
        roles: [Role; 2],
        transcript: &Transcript,
    ) -> Result<(Self, Relay), Failure> {
        let mut pair = Self::new(variant, roles, transcript)?;
        pair.launch(variant.binder)?;
        let bound = pair.endpoint.trim_start_matches("tcp://");
        let relay = Relay::to(bound).map_err(|e| format!("relay to {bound}: {e}"))?;
        pair.endpoint = relay.endpoint();
        pair.launch(variant.binder.other())?;
        Ok((pair, relay))
    }

    /// The peer in `seat`.
    pub fn peer(&mut self, seat: Seat) -> &mut Process {
        self.peers[seat as usize]
            .as_mut()
            .expect("both seats are taken from the start; a killed peer is replaced at once")
    }

    /// Both peers, in order.
    pub fn both(&mut self) -> (&mut Process, &mut Process) {
        match &mut self.peers {
            [Some(first), Some(second)] => (first, second),
            _ => unreachable!("both seats are taken from the start"),
        }
    }

    /// Kills the peer in `seat` and starts another like it at the same endpoint.
    pub fn replace(&mut self, seat: Seat) -> Result<(), Failure> {
        if let Some(old) = self.peers[seat as usize].take() {
            old.kill();
        }
        self.launch(seat)
    }

    /// As [`replace`](Self::replace), by one with other further arguments.
    pub fn replace_with(&mut self, seat: Seat, extra: Vec<&'static str>) -> Result<(), Failure> {
        self.extra[seat as usize] = extra;
        self.replace(seat)
    }

    /// Ends both in order.
    pub fn finish(self) -> Result<(), Failure> {
        self.peers.into_iter().flatten().try_for_each(Process::quit)
    }

    fn new(variant: Variant, roles: [Role; 2], transcript: &Transcript) -> Result<Self, Failure> {
        let folder = TempDir::new().map_err(|e| e.to_string())?;
        let endpoint = match variant.transport {
            Transport::Tcp => "tcp://127.0.0.1:*".to_owned(),
            Transport::Ipc => format!("ipc://{}", folder.path().join("socket").display()),
        };
        Ok(Self {
            variant,
            roles,
            extra: [Vec::new(), Vec::new()],
            endpoint,
            peers: [None, None],
            transcript: transcript.clone(),
            deadline: Instant::now() + DEADLINE,
            _folder: folder,
        })
    }

    fn launch(&mut self, seat: Seat) -> Result<(), Failure> {
        let role = self.roles[seat as usize];
        let side = self.variant.side(seat);
        let mut arguments = vec!["--type".to_owned(), role.kind.to_owned()];
        for option in ["LINGER=2000", "RECONNECT_IVL=20"]
            .iter()
            .chain(role.options)
        {
            arguments.extend(["--opt".to_owned(), (*option).to_owned()]);
        }
        let secured = self.variant.mechanism;
        for argument in secured
            .arguments(seat == self.variant.server)
            .iter()
            .chain(&self.extra[seat as usize])
        {
            arguments.push((*argument).to_owned());
        }
        let binds = seat == self.variant.binder;
        arguments.push(if binds { "--bind" } else { "--connect" }.to_owned());
        arguments.push(self.endpoint.clone());

        let name = format!("{} ({})", role.kind, side.library());
        let (process, bound) = Process::start(
            &name,
            side.program(),
            &arguments,
            &self.transcript,
            self.deadline,
        )?;
        // The next one binds or connects to exactly this place.
        self.endpoint = bound.unwrap_or_else(|| std::mem::take(&mut self.endpoint));
        self.peers[seat as usize] = Some(process);
        Ok(())
    }
}

impl Side {
    pub fn library(self) -> &'static str {
        match self {
            Self::Ours if OURS == LIBZMQ => "libzmq as ours",
            Self::Ours if self_check() => "libzmq as ours",
            Self::Ours => "zincmq",
            Self::Libzmq => "libzmq",
        }
    }

    pub fn program(self) -> &'static str {
        match self {
            Self::Ours if !self_check() => OURS,
            _ => LIBZMQ,
        }
    }
}

const LIBZMQ: &str = env!("CARGO_BIN_EXE_libzmq-peer");
#[cfg(feature = "zincmq")]
const OURS: &str = env!("CARGO_BIN_EXE_zincmq-peer");
#[cfg(not(feature = "zincmq"))]
const OURS: &str = LIBZMQ;

/// Whether libzmq plays our part.
pub fn self_check() -> bool {
    cfg!(not(feature = "zincmq")) || std::env::var_os("INTEROP_SELF_CHECK").is_some()
}

impl Seat {
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

impl Transport {
    pub const ALL: [Self; 2] = [Self::Tcp, Self::Ipc];
}

impl Role {
    pub const fn new(kind: &'static str) -> Self {
        Self { kind, options: &[] }
    }

    pub const fn with(kind: &'static str, options: &'static [&'static str]) -> Self {
        Self { kind, options }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        })
    }
}

/// A case by the name of `name`; a failure is told together with what both peers said.
pub fn trial(
    name: String,
    case: impl FnOnce(&Transcript) -> Result<(), Failure> + Send + 'static,
) -> Trial {
    Trial::test(name, move || {
        let transcript = Transcript::default();
        case(&transcript)
            .map_err(|failure| Failed::from(format!("{failure}\n{}", transcript.text())))
    })
}

/// `PUSH:ours binds, PULL:libzmq, tcp`
pub fn describe(roles: [Role; 2], variant: Variant) -> String {
    let seat = |seat: Seat| {
        let binds = if variant.binder == seat { " binds" } else { "" };
        let whose = match variant.side(seat) {
            Side::Ours => "ours",
            Side::Libzmq => "libzmq",
        };
        format!("{}:{whose}{binds}", roles[seat as usize].kind)
    };
    let (first, second) = (seat(Seat::First), seat(Seat::Second));
    let security = match (variant.mechanism, variant.server) {
        (Mechanism::Null, _) => String::new(),
        (mechanism, server) if server == variant.binder => format!(", {mechanism}"),
        (mechanism, _) => format!(", {mechanism} by the one that connects"),
    };
    format!("{first}, {second}, {}{security}", variant.transport)
}
