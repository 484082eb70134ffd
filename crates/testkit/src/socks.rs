//! A SOCKS5 proxy (RFC 1928, RFC 1929) that takes down what it is asked.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Connects whoever asks, by whatever host, to the port asked for on
/// 127.0.0.1, and replies with an address of the type asked for. Settings work on connections to come. Dropping it ends the
/// connections there are.
#[derive(Debug)]
pub struct SocksProxy {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

/// What a client said before it was connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocksRequest {
    /// Username and password.
    pub login: Option<(String, String)>,
    /// The host in the form it came in.
    pub host: SocksHost,
    /// The port.
    pub port: u16,
}

/// A host as it stands in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocksHost {
    /// Type 1.
    V4(Ipv4Addr),
    /// Type 3.
    Name(String),
    /// Type 4.
    V6(Ipv6Addr),
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    login: Option<(String, String)>,
    refusals: VecDeque<u8>,
    eager: bool,
    requests: Vec<SocksRequest>,
    streams: Vec<TcpStream>,
    over: bool,
}

impl SocksProxy {
    /// A proxy that asks nobody to log in.
    ///
    /// # Panics
    ///
    /// If the system refuses.
    #[must_use]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accepting.accept(&listener));
        Self {
            shared,
            address,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens: `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets in only who logs in so.
    pub fn require(&self, username: &str, password: &str) {
        self.shared.lock().login = Some((username.to_owned(), password.to_owned()));
    }

    /// Answers the next requests with these replies instead of connecting.
    pub fn refuse(&self, replies: &[u8]) {
        self.shared.lock().refusals.extend(replies);
    }

    /// Waits for the server's first words, and sends the last byte of its own
    /// reply and these in one piece.
    pub fn be_eager(&self) {
        self.shared.lock().eager = true;
    }

    /// What it was asked so far, refused or not.
    #[must_use]
    pub fn requests(&self) -> Vec<SocksRequest> {
        self.shared.lock().requests.clone()
    }
}

impl Default for SocksProxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for SocksProxy {
    fn drop(&mut self) {
        let streams = {
            let mut state = self.shared.lock();
            state.over = true;
            std::mem::take(&mut state.streams)
        };
        for stream in streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor, which then sees that it is over.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            if !self.keep(&client) {
                return;
            }
            let me = Arc::clone(self);
            std::thread::spawn(move || {
                // Whoever asked sees the connection end, and that is all.
                let _ = me.serve(&client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    }

    /// Has `stream` end with the proxy. False if that is over already.
    fn keep(&self, stream: &TcpStream) -> bool {
        let mut state = self.lock();
        if let Ok(stream) = stream.try_clone() {
            state.streams.push(stream);
        }
        !state.over
    }

    fn serve(&self, mut client: &TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let (required, eager) = {
            let state = self.lock();
            (state.login.clone(), state.eager)
        };

        let [version, count] = take(client)?;
        let mut methods = vec![0; count.into()];
        client.read_exact(&mut methods)?;
        let method = if required.is_some() { 2 } else { 0 };
        if version != 5 || !methods.contains(&method) {
            return client.write_all(&[5, 0xff]);
        }
        client.write_all(&[5, method])?;

        let mut login = None;
        if required.is_some() {
            let [1] = take(client)? else {
                return client.write_all(&[1, 1]);
            };
            login = Some((text(client)?, text(client)?));
            let refused = u8::from(login != required);
            client.write_all(&[1, refused])?;
            if refused != 0 {
                return Ok(());
            }
        }

        let [5, 1, 0, kind] = take(client)? else {
            return client.write_all(&[5, 7, 0, 1, 0, 0, 0, 0, 0, 0]);
        };
        let host = match kind {
            1 => SocksHost::V4(take::<4>(client)?.into()),
            3 => SocksHost::Name(text(client)?),
            4 => SocksHost::V6(take::<16>(client)?.into()),
            _ => return client.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]),
        };
        let port = u16::from_be_bytes(take(client)?);
        let refusal = {
            let mut state = self.lock();
            state.requests.push(SocksRequest { login, host, port });
            state.refusals.pop_front()
        };
        if let Some(reply) = refusal {
            return client.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
        }
        let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
            return client.write_all(&[5, 5, 0, 1, 0, 0, 0, 0, 0, 0]);
        };
        server.set_nodelay(true)?;
        self.keep(&server);

        let mut reply = vec![5, 0, 0, kind];
        match kind {
            1 => reply.extend(Ipv4Addr::LOCALHOST.octets()),
            4 => reply.extend(Ipv6Addr::LOCALHOST.octets()),
            // The longest name there is.
            _ => reply.extend([u8::MAX; 256]),
        }
        reply.extend(server.local_addr()?.port().to_be_bytes());
        if eager {
            let last = reply.split_off(reply.len() - 1);
            client.write_all(&reply)?;
            let mut first = [0; 4096];
            let count = server.read(&mut first)?;
            client.write_all(&[&last, &first[..count]].concat())?;
        } else {
            client.write_all(&reply)?;
        }

        let (from, to) = (client.try_clone()?, server.try_clone()?);
        let there = std::thread::spawn(move || pump(&from, &to));
        pump(&server, client);
        let _ = there.join();
        Ok(())
    }
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn take<const N: usize>(mut client: &TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Text behind its length.
fn text(mut client: &TcpStream) -> io::Result<String> {
    let [length] = take(client)?;
    let mut bytes = vec![0; length.into()];
    client.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
