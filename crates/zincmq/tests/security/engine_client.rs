//! A client that has what it takes to get in, and then does not behave: an
//! engine and a stream, without a socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use zmtp::{Config, CurveClient, Engine, Event, Login, Security};

use super::{Curve, Mechanism, Null, Plain, SocketType, keys};

pub(super) struct EngineClient {
    stream: TcpStream,
    engine: Engine,
}

impl EngineClient {
    /// A PUSH whose handshake is over.
    pub(super) fn connect(address: &str, mechanism: Mechanism) -> Self {
        let mut config = Config::new(SocketType::Push);
        config.security = match mechanism {
            Null => Security::Null,
            Plain => Security::PlainClient(Login::new("admin", "secret").unwrap()),
            Curve => Security::CurveClient(CurveClient::new(&keys(3), *keys(4).public())),
        };
        let now = Instant::now();
        let mut client = Self {
            stream: TcpStream::connect(address).unwrap(),
            engine: Engine::new(config, now),
        };
        client.stream.set_nodelay(true).unwrap();
        let mut input = Vec::new();
        loop {
            let mut output = Vec::new();
            client.engine.transmit(&mut output);
            client.stream.write_all(&output).unwrap();
            let (used, event) = client.engine.step(&input, now).unwrap();
            let needs_more = matches!(event, Event::NeedMore { .. });
            input.drain(..used);
            if client.engine.is_ready() {
                return client;
            }
            if needs_more {
                let mut buffer = [0; 4096];
                let read = client.stream.read(&mut buffer).unwrap();
                assert!(read > 0, "kept out");
                input.extend_from_slice(&buffer[..read]);
            }
        }
    }

    /// Sends the first part of a message and then leaves, with a reset or without: in the
    /// middle of a short frame, of a long one, in a header, or between two frames.
    pub(super) fn leave_in_mid_message(mut self, index: usize) {
        let mut bytes = Vec::new();
        self.engine.transmit(&mut bytes);
        self.engine.encode_frame(&[1; 5000], true, &mut bytes);
        let whole = bytes.len();
        let len = [100, 20_000, 300, 0][index % 4];
        self.engine.encode_frame(&vec![2; len], false, &mut bytes);
        let cut = [50, 10_000, 5, 0][index % 4];
        self.stream.write_all(&bytes[..whole + cut]).unwrap();
        if index.is_multiple_of(3) {
            let linger = Some(Duration::ZERO);
            rustix::net::sockopt::set_socket_linger(&self.stream, linger).unwrap();
        }
    }
}
