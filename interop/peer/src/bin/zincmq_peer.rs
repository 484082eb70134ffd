//! The peer over ZincMQ.

fn main() -> anyhow::Result<()> {
    peer::run(&peer::ZincmqLibrary::new())
}
