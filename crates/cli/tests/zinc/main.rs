//! `zinc`, as a person or a script at a terminal sees it.

mod demo;
mod keygen;
mod password;
mod run;
mod terminal;
