//! The peer over libzmq 4.3.5.

fn main() -> anyhow::Result<()> {
    peer::run(&peer::LibzmqLibrary::new()?)
}
