//! STREAM sockets: against the other library's, and against plain sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::process::{Failure, Process, Transcript};
use crate::setup::{Pair, Role, Side, Transport, Variant, describe, trial};

const ROLES: [Role; 2] = [Role::new("STREAM"), Role::new("STREAM")];
const SIZES: [usize; 3] = [64, 100_000, 10 << 20];
const DEADLINE: Duration = Duration::from_secs(20);

pub fn cases() -> impl Iterator<Item = Trial> {
    let between_libraries = Variant::all()
        .filter(|variant| variant.transport == Transport::Tcp)
        .flat_map(|variant| {
            SIZES.into_iter().map(move |size| {
                let name = format!("{}, {size} bytes", describe(ROLES, variant));
                trial(name, move |t| request(variant, size, t))
            })
        });
    let with_plain_sockets = SIZES.into_iter().flat_map(|size| {
        [
            trial(
                format!("plain socket, STREAM:ours binds, {size} bytes"),
                move |t| plain_client(size, t),
            ),
            trial(
                format!("plain socket binds, STREAM:ours, {size} bytes"),
                move |t| plain_server(size, t),
            ),
        ]
    });
    between_libraries.chain(with_plain_sockets)
}

fn request(variant: Variant, size: usize, transcript: &Transcript) -> Result<(), Failure> {
    let mut pair = Pair::start(variant, ROLES, transcript)?;
    let (first, second) = pair.both();
    second.tell(&format!("stream-echo {size}"))?;
    first.ask(&format!("stream-request {size}"))?;
    second.answer()?;
    pair.finish()
}

fn plain_client(size: usize, transcript: &Transcript) -> Result<(), Failure> {
    let (mut peer, endpoint) = start("--bind", "tcp://127.0.0.1:*", transcript)?;
    let endpoint = endpoint.ok_or("no endpoint")?;
    let address = endpoint.trim_start_matches("tcp://");
    peer.tell(&format!("stream-echo {size}"))?;

    let mut stream = TcpStream::connect(address).map_err(words)?;
    stream.set_read_timeout(Some(DEADLINE)).map_err(words)?;
    stream.set_write_timeout(Some(DEADLINE)).map_err(words)?;
    let request = peer::payload::message(1, size, 1).remove(0);
    let mut writer = stream.try_clone().map_err(words)?;
    let sent = request.clone();
    let writing = std::thread::spawn(move || writer.write_all(&sent));
    let mut reply = vec![0; size];
    stream.read_exact(&mut reply).map_err(words)?;
    writing
        .join()
        .map_err(|_| "the writer panicked")?
        .map_err(words)?;
    if reply != request {
        return Err("other bytes came back".to_owned());
    }
    peer.answer()?;
    peer.quit()
}

fn plain_server(size: usize, transcript: &Transcript) -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(words)?;
    let address = listener.local_addr().map_err(words)?;
    let (mut peer, _) = start("--connect", &format!("tcp://{address}"), transcript)?;
    let (mut stream, _) = listener.accept().map_err(words)?;
    stream.set_read_timeout(Some(DEADLINE)).map_err(words)?;
    stream.set_write_timeout(Some(DEADLINE)).map_err(words)?;

    peer.tell(&format!("stream-request {size}"))?;
    let mut bytes = vec![0; size];
    stream.read_exact(&mut bytes).map_err(words)?;
    stream.write_all(&bytes).map_err(words)?;
    peer.answer()?;
    peer.quit()
}

fn start(
    flag: &str,
    endpoint: &str,
    transcript: &Transcript,
) -> Result<(Process, Option<String>), Failure> {
    let arguments = ["--type", "STREAM", flag, endpoint].map(str::to_owned);
    Process::start(
        "STREAM",
        Side::Ours.program(),
        &arguments,
        transcript,
        Instant::now() + DEADLINE,
    )
}

fn words(error: std::io::Error) -> Failure {
    format!("plain socket: {error}")
}
