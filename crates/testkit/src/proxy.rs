//! A tcp proxy that does to connections what networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::SockRef;

/// Stands between those who connect to [`endpoint`](Self::endpoint) and a
/// server. Clones are handles to the same proxy; every setting works on the
/// connections there are as well as on those to come. Dropping the last
/// handle ends them all.
#[derive(Debug, Clone)]
pub struct FaultProxy {
    handle: Arc<Handle>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From who connected to the server behind.
    ToServer,
    /// From the server to who connected.
    ToClient,
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As if the other end had closed.
    Close,
    /// With a reset; what is under way is lost.
    Reset,
}

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    endpoint: String,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Where connections are forwarded to.
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
    accepted: AtomicU64,
    killed: AtomicU64,
    forwarded: [AtomicU64; 2],
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    links: Vec<Link>,
    next_link: u64,
    over: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    delay: Duration,
    split: usize,
    stopped: [bool; 2],
    cut: Option<(Direction, u64, Ending)>,
    refusing: bool,
}

#[derive(Debug)]
struct Link {
    number: u64,
    client: TcpStream,
    server: TcpStream,
    halves_done: u32,
}

impl FaultProxy {
    /// A proxy in front of `endpoint` (`tcp://127.0.0.1:port`), without faults.
    ///
    /// # Panics
    ///
    /// If that is no such endpoint, or the system refuses.
    #[must_use]
    #[track_caller]
    pub fn new(endpoint: &str) -> Self {
        let server = endpoint
            .strip_prefix("tcp://")
            .and_then(|address| address.parse().ok())
            .expect("an endpoint of the form tcp://127.0.0.1:port");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
            accepted: AtomicU64::new(0),
            killed: AtomicU64::new(0),
            forwarded: Default::default(),
        });
        let accepting = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || accepting.accept(&listener));
        Self {
            handle: Arc::new(Handle {
                shared,
                endpoint: format!("tcp://{address}"),
                address,
                acceptor: Some(acceptor),
            }),
        }
    }

    /// Where to connect to.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.handle.endpoint
    }

    /// Holds each piece back for so long.
    pub fn delay(&self, delay: Duration) {
        self.change(|faults| faults.delay = delay);
    }

    /// Forwards at most so many bytes at once; 0 for as they come.
    pub fn split(&self, bytes: usize) {
        self.change(|faults| faults.split = bytes);
    }

    /// Forwards nothing more in that direction, until [`resume`](Self::resume).
    pub fn stop(&self, direction: Direction) {
        self.change(|faults| faults.stopped[direction as usize] = true);
    }

    /// Forwards again, in both directions.
    pub fn resume(&self) {
        self.change(|faults| faults.stopped = [false; 2]);
    }

    /// Ends each connection when it has forwarded so many bytes in that
    /// direction, and not one more.
    pub fn cut_at(&self, direction: Direction, byte: u64, ending: Ending) {
        self.change(|faults| faults.cut = Some((direction, byte, ending)));
    }

    /// Lets connections live.
    pub fn no_cut(&self) {
        self.change(|faults| faults.cut = None);
    }

    /// Ends every new connection at once, or no longer.
    pub fn refuse(&self, refusing: bool) {
        self.change(|faults| faults.refusing = refusing);
    }

    /// Ends every connection there is; tells how many.
    pub fn kill(&self, ending: Ending) -> usize {
        let links = std::mem::take(&mut self.handle.shared.lock().links);
        let killed = links.len();
        self.handle
            .shared
            .killed
            .fetch_add(killed as u64, Ordering::SeqCst);
        for link in &links {
            link.end(ending);
        }
        killed
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.handle.shared.accepted.load(Ordering::SeqCst)
    }

    /// Connections that ended by a fault of this proxy.
    #[must_use]
    pub fn killed(&self) -> u64 {
        self.handle.shared.killed.load(Ordering::SeqCst)
    }

    /// Connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.handle.shared.lock().links.len()
    }

    /// Bytes forwarded in that direction, by all connections together.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        self.handle.shared.forwarded[direction as usize].load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.handle.shared.lock().faults);
        self.handle.shared.changed.notify_all();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let links = {
            let mut state = self.shared.lock();
            state.over = true;
            std::mem::take(&mut state.links)
        };
        self.shared.changed.notify_all();
        for link in links {
            link.end(Ending::Close);
        }
        // Wakes the acceptor, which then sees that it is over.
        let woken = TcpStream::connect(self.address);
        if let (Ok(_), Some(acceptor)) = (woken, self.acceptor.take()) {
            let _ = acceptor.join();
        }
    }
}

impl Link {
    fn end(&self, ending: Ending) {
        for stream in [&self.client, &self.server] {
            let _ = match ending {
                Ending::Close => stream.shutdown(Shutdown::Both),
                // Wakes the pumps and says nothing to the network; the close
                // that follows is then a reset.
                Ending::Reset => SockRef::from(stream)
                    .set_linger(Some(Duration::ZERO))
                    .and_then(|()| stream.shutdown(Shutdown::Read)),
            };
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((client, _)) = listener.accept() {
            let refusing = {
                let state = self.lock();
                if state.over {
                    return;
                }
                state.faults.refusing
            };
            self.accepted.fetch_add(1, Ordering::SeqCst);
            if refusing {
                let _ = SockRef::from(&client).set_linger(Some(Duration::ZERO));
                continue;
            }
            // Nobody there: the client sees its connection end.
            if let Ok(server) = TcpStream::connect(self.server) {
                self.join(client, server);
            }
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let _ = client.set_nodelay(true);
        let _ = server.set_nodelay(true);
        for stream in [&client, &server] {
            // A pump that cannot write looks up now and then.
            let _ = stream.set_write_timeout(Some(Duration::from_millis(50)));
        }
        let clones = || -> std::io::Result<[TcpStream; 4]> {
            Ok([
                client.try_clone()?,
                client.try_clone()?,
                server.try_clone()?,
                server.try_clone()?,
            ])
        };
        let Ok([client_in, client_out, server_in, server_out]) = clones() else {
            return;
        };
        let number = {
            let mut state = self.lock();
            state.next_link += 1;
            let number = state.next_link;
            state.links.push(Link {
                number,
                client,
                server,
                halves_done: 0,
            });
            number
        };
        for (direction, from, to) in [
            (Direction::ToServer, client_in, server_out),
            (Direction::ToClient, server_in, client_out),
        ] {
            let me = Arc::clone(self);
            std::thread::spawn(move || me.pump(number, direction, from, to));
        }
    }

    /// Forwards until either end, or a fault, ends it.
    fn pump(&self, number: u64, direction: Direction, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 64 * 1024];
        let mut forwarded = 0;
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.end(number, Ending::Reset, false);
                    return;
                }
            };
            let mut rest = &buffer[..n];
            while !rest.is_empty() {
                let Some(faults) = self.wait_to_forward(number, direction) else {
                    return;
                };
                if !faults.delay.is_zero() {
                    std::thread::sleep(faults.delay);
                }
                let mut piece = match faults.split {
                    0 => rest.len(),
                    most => most.min(rest.len()),
                };
                let cut = faults.cut.filter(|(which, ..)| *which == direction);
                if let Some((_, at, _)) = cut {
                    piece = piece.min(usize::try_from(at - forwarded.min(at)).unwrap_or(piece));
                }
                // Counted first: who has seen a byte sees it counted.
                self.forwarded[direction as usize].fetch_add(piece as u64, Ordering::SeqCst);
                if !self.write(number, &mut to, &rest[..piece]) {
                    self.end(number, Ending::Reset, false);
                    return;
                }
                forwarded += piece as u64;
                rest = &rest[piece..];
                if let Some((_, at, ending)) = cut
                    && forwarded >= at
                {
                    self.end(number, ending, true);
                    return;
                }
            }
        }
        self.half_done(number, &to);
    }

    /// Writes all of it; false if the connection is no more.
    fn write(&self, number: u64, to: &mut TcpStream, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            match to.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ) =>
                {
                    if !self.lock().links.iter().any(|link| link.number == number) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        }
        true
    }

    /// One end has said all it had to say; the other may go on.
    fn half_done(&self, number: u64, to: &TcpStream) {
        let mut state = self.lock();
        let Some(index) = state.links.iter().position(|link| link.number == number) else {
            return;
        };
        let _ = to.shutdown(Shutdown::Write);
        state.links[index].halves_done += 1;
        if state.links[index].halves_done == 2 {
            state.links.swap_remove(index);
        }
    }

    /// The faults in force once that direction may go on; `None` if the
    /// connection is no more.
    fn wait_to_forward(&self, number: u64, direction: Direction) -> Option<Faults> {
        let mut state = self.lock();
        loop {
            if !state.links.iter().any(|link| link.number == number) {
                return None;
            }
            if !state.faults.stopped[direction as usize] {
                return Some(state.faults);
            }
            // A connection's own end is not announced here, hence the limit.
            state = self
                .changed
                .wait_timeout(state, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn end(&self, number: u64, ending: Ending, by_fault: bool) {
        let link = {
            let mut state = self.lock();
            let found = state.links.iter().position(|link| link.number == number);
            found.map(|index| state.links.swap_remove(index))
        };
        if let Some(link) = link {
            if by_fault {
                self.killed.fetch_add(1, Ordering::SeqCst);
            }
            link.end(ending);
        }
    }
}
