//! Input for libzmq's fuzzing harnesses, which come without any: right beginnings of what they
//! expect, the same cut short and with a byte changed, and rubbish.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// Puts the seeds of `program` where it looks for them in its working folder, if it is a harness.
pub fn write(program: &str, folder: &Path) -> Result<()> {
    let Some(kind) = program.strip_suffix("_fuzzer") else {
        return Ok(());
    };
    let seeds: Vec<Vec<u8>> = match kind {
        "bind" | "connect" => ENDPOINTS
            .iter()
            .map(|seed| seed.as_bytes().to_vec())
            .collect(),
        "z85_decode" => Z85.iter().map(|seed| seed.as_bytes().to_vec()).collect(),
        "socket_options" => option_values(),
        "bind_ws" | "connect_ws" => spoiled(&web_socket()),
        "bind_curve" => spoiled(&[stream("CURVE", &curve_hello()), stream("CURVE", &ready())]),
        "connect_curve" => {
            // The harness waits for answers to anything longer, and to most there are none.
            let mut seeds = spoiled(&[stream("CURVE", &ready())]);
            seeds.push(stream("CURVE", &curve_welcome()));
            seeds
        }
        _ => spoiled(&[stream("NULL", &ready()), old_stream()]),
    };
    // This one reads those of its neighbour.
    let owner = match kind {
        "connect_stream" => "connect_null",
        kind => kind,
    };
    let corpus = folder
        .join("tests/libzmq-fuzz-corpora")
        .join(format!("test_{owner}_fuzzer_seed_corpus"));
    fs::create_dir_all(&corpus)?;
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(corpus.join(number.to_string()), seed)?;
    }
    Ok(())
}

const ENDPOINTS: &[&str] = &[
    "tcp://127.0.0.1:*",
    "tcp://127.0.0.1:99999",
    "tcp://127.0.0.1:",
    "tcp://127.0.0.1",
    "tcp://[::1:5555",
    "tcp://[]:*",
    "tcp://;127.0.0.1:1",
    "tcp://127.0.0.1:0;:",
    "tcp://:::::::::",
    "tcp://%:*",
    "ipc://",
    "ipc://@",
    "ipc://\0",
    "inproc://",
    "inproc://a",
    "udp://127.0.0.1:1",
    "ws://127.0.0.1:*/",
    "ws://127.0.0.1",
    "tipc://<>",
    "tipc://{1,2",
    "://",
    ":/",
    "tcp:/127.0.0.1:1",
    "TCP://127.0.0.1:*",
    "nothing://127.0.0.1:1",
    "\u{ff}\u{100}",
    " ",
];

const Z85: &[&str] = &[
    "HelloWorld",
    "#####",
    "%nSc1",
    "00000",
    "     ",
    "\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}",
    "\u{ff}\u{ff}\u{ff}",
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "abcde\"abcd",
];

/// Values of the sizes options have, and others.
fn option_values() -> Vec<Vec<u8>> {
    let mut values = vec![b"127.0.0.1/8".to_vec(), b"/".to_vec(), vec![0xff; 300]];
    for size in [1, 4, 8, 32, 40, 41, 255] {
        for byte in [0x00, 0x01, 0x7f, 0xff] {
            values.push(vec![byte; size]);
        }
    }
    values
}

/// A greeting of ZMTP 3.1 and what comes after.
fn stream(mechanism: &str, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1];
    bytes.extend_from_slice(mechanism.as_bytes());
    bytes.resize(64, 0);
    bytes.extend_from_slice(rest);
    bytes
}

/// `READY` of a SUB, a subscription, a message of two frames and one too long to come.
fn ready() -> Vec<u8> {
    let mut body =
        b"\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB\x08Identity\x00\x00\x00\x00".to_vec();
    let mut bytes = vec![4, body.len() as u8];
    bytes.append(&mut body);
    bytes.extend_from_slice(b"\x04\x0a\x09SUBSCRIBE");
    bytes.extend_from_slice(b"\x01\x03one\x00\x03two");
    bytes.extend_from_slice(b"\x02\xff\xff\xff\xff\xff\xff\xff\xff");
    bytes
}

/// CURVE's first command with nothing right in it but its form.
fn curve_hello() -> Vec<u8> {
    let mut bytes = vec![4, 200];
    bytes.extend_from_slice(b"\x05HELLO\x01\x00");
    bytes.resize(202, 0x55);
    bytes.extend_from_slice(b"\x06\x00\x00\x00\x00\x00\x00\x01\x01\x08INITIATE");
    bytes.resize(600, 0xaa);
    bytes
}

/// CURVE's second command, likewise, and a third.
fn curve_welcome() -> Vec<u8> {
    let mut bytes = b"\x04\xa8\x07WELCOME".to_vec();
    bytes.resize(170, 0x55);
    bytes.extend_from_slice(b"\x04\x46\x05READY");
    bytes.resize(170 + 72, 0xaa);
    bytes
}

/// ZMTP 2.0: its greeting, an identity, a message.
fn old_stream() -> Vec<u8> {
    b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x02\0\0\x00\x03one".to_vec()
}

/// A client's request, a server's answer, and frames.
fn web_socket() -> Vec<Vec<u8>> {
    let mut request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: ZWS2.0/NULL,ZWS2.0\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .to_vec();
    let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
        Sec-WebSocket-Protocol: ZWS2.0/NULL\r\n\r\n"
        .to_vec();
    request.extend_from_slice(b"\x82\x83\x01\x02\x03\x04\x01\x02\x03\x82\xfe\xff\xff\x01\x02");
    answer.extend_from_slice(b"\x82\x03\x00\x01\x02\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff");
    vec![request, answer]
}

/// Each as it is, cut short, and with a byte changed; and rubbish.
fn spoiled(seeds: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut all = vec![b"GET / HTTP/1.1\r\n\r\n".to_vec(), vec![0xff; 100], vec![0]];
    for seed in seeds {
        all.push(seed.clone());
        for part in 1..4 {
            let at = seed.len() * part / 4;
            all.push(seed[..at].to_vec());
            let mut changed = seed.clone();
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= 0xff;
            }
            all.push(changed);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_harness_finds_seeds_in_its_folder() {
        for program in [
            "bind_fuzzer",
            "connect_null_fuzzer",
            "socket_options_fuzzer",
        ] {
            let folder = tempfile::tempdir().unwrap();
            write(program, folder.path()).unwrap();
            let corpora = folder.path().join("tests/libzmq-fuzz-corpora");
            let corpus = corpora.join(format!("test_{program}_seed_corpus"));
            assert!(fs::read_dir(corpus).unwrap().count() > 5);
        }
    }

    #[test]
    fn other_programs_get_none() {
        let folder = tempfile::tempdir().unwrap();
        write("pair_tcp", folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_first_bytes_are_a_greeting() {
        let bytes = stream("NULL", &ready());
        assert_eq!(&bytes[..12], b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01");
        assert_eq!(&bytes[12..17], b"NULL\0");
        assert_eq!(bytes[64], 4);
        assert_eq!(&bytes[66..72], b"\x05READY");
    }
}
