//! Stands between two peers and counts their connections.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Listens for one peer and connects to the other for each that comes.
pub struct Relay {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
    endings: Arc<Mutex<Vec<&'static str>>>,
}

impl Relay {
    /// Leads to `target`, an address and port. Ends with the process.
    pub fn to(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let count = Arc::new(AtomicUsize::new(0));
        let endings = Arc::<Mutex<Vec<_>>>::default();
        let (target, counter) = (target.to_owned(), Arc::clone(&count));
        let ended = Arc::clone(&endings);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Ok(other) = TcpStream::connect(&target) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    // What cannot be joined is dropped, and so closed.
                    let _ = join(stream, other, &ended);
                }
            }
        });
        Ok(Self {
            address,
            count,
            endings,
        })
    }

    /// Where to connect to.
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// How many connections there have been.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Who closed first, for each that has ended.
    pub fn endings(&self) -> Vec<&'static str> {
        self.endings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Copies both ways, until one way ends.
fn join(
    dialler: TcpStream,
    binder: TcpStream,
    endings: &Arc<Mutex<Vec<&'static str>>>,
) -> io::Result<()> {
    let ways = [
        (
            dialler.try_clone()?,
            binder.try_clone()?,
            "the one that connects",
        ),
        (binder, dialler, "the one that binds"),
    ];
    let is_open = Arc::new(AtomicBool::new(true));
    for (mut from, mut to, who) in ways {
        let (endings, is_open) = (Arc::clone(endings), Arc::clone(&is_open));
        thread::spawn(move || {
            // Whatever ends it ends the connection.
            let _ = io::copy(&mut from, &mut to);
            if is_open.swap(false, Ordering::SeqCst) {
                endings
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(who);
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
