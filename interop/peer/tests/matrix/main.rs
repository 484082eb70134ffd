//! ZincMQ against libzmq, process against process: every pattern, both ways round.
//!
//! Each case starts two peers, tells them what to exchange and compares their answers. Without the
//! feature `zincmq`, or with `INTEROP_SELF_CHECK=1`, libzmq plays both sides, which checks the cases
//! themselves. A failing case prints what both processes said.

mod admission;
mod exchange;
mod heartbeat;
mod process;
mod reconnect;
mod relay;
mod security;
mod setup;
mod stream;
mod subscriptions;

use libtest_mimic::{Arguments, Trial};

use setup::Side;

fn main() {
    let mut arguments = Arguments::from_args();
    // Most cases wait, for another process or for time to pass; more than there are cores keep them
    // busy.
    arguments.test_threads.get_or_insert(8);

    let mut trials: Vec<Trial> = Vec::new();
    trials.extend(exchange::cases());
    trials.extend(stream::cases());
    trials.extend(reconnect::cases());
    trials.extend(heartbeat::cases());
    trials.extend(admission::cases());
    trials.extend(subscriptions::cases());
    println!("{} meets libzmq", Side::Ours.library());
    libtest_mimic::run(&arguments, trials).exit();
}
