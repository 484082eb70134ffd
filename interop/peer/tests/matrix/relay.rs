//! Stands between two peers and counts their connections.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Listens for one peer and connects to the other for each that comes.
pub struct Relay {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Relay {
    /// Leads to `target`, an address and port. Ends with the process.
    pub fn to(target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let count = Arc::new(AtomicUsize::new(0));
        let (target, counter) = (target.to_owned(), Arc::clone(&count));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Ok(other) = TcpStream::connect(&target) {
                    counter.fetch_add(1, Ordering::SeqCst);
                    // What cannot be joined is dropped, and so closed.
                    let _ = join(stream, other);
                }
            }
        });
        Ok(Self { address, count })
    }

    /// Where to connect to.
    pub fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// How many connections there have been.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Copies both ways, until one way ends.
fn join(a: TcpStream, b: TcpStream) -> io::Result<()> {
    for (mut from, mut to) in [(a.try_clone()?, b.try_clone()?), (b, a)] {
        thread::spawn(move || {
            // Whatever ends it ends the connection.
            let _ = io::copy(&mut from, &mut to);
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
