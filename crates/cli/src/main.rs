//! `zinc`: ZincMQ at a terminal.

mod console;
mod demo;
mod echo;
mod keygen;
mod password;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "zinc", version, about = "ZeroMQ at a terminal")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the messaging patterns end to end over tcp, and check each of them
    Demo(demo::Arguments),
    /// Make keys for CURVE, or show one that is in a file
    Keygen(keygen::Arguments),
    /// Set the password of a user in a file of hashed passwords, for PLAIN
    Password(password::Arguments),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Password(arguments) => password::run(&arguments),
    }
}
