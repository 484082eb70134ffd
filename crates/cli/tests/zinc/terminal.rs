//! A terminal to run `zinc` at.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::run::{BINARY, DEADLINE};

const AND_LOOK: &str = r#""$0" "$@"; code=$?; stty -a; exit $code"#;

pub struct Terminal {
    child: Child,
    /// Where the keyboard and the screen are.
    near: File,
    shown: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
    end: Instant,
}

impl Terminal {
    /// Runs `zinc` there, through `setsid` of util-linux: the terminal has to be its own.
    /// A shell stays after it, as it does at real ones, and tells how the terminal was left.
    pub fn start(arguments: &[&str]) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&near).expect("a terminal of ours");
        unlockpt(&near).expect("a terminal of ours");
        let name = ptsname(&near, Vec::new()).expect("a terminal of ours");
        let open = || {
            let path = name.to_str().expect("a path");
            let far = OpenOptions::new().read(true).write(true).open(path);
            far.expect("its other end")
        };
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", "sh", "-c", AND_LOOK, BINARY])
            .args(arguments)
            .stdin(open())
            .stdout(open())
            .stderr(open())
            .spawn()
            .expect("setsid (util-linux) starts");
        let near = File::from(near);
        let shown = Arc::new(Mutex::new(String::new()));
        let reader = {
            let (mut screen, shown) = (near.try_clone().expect("a file"), Arc::clone(&shown));
            thread::spawn(move || {
                let mut bytes = [0; 1024];
                // Reading fails once nobody is at the other end.
                while let Ok(read @ 1..) = screen.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..read]);
                    shown.lock().expect("nobody panics").push_str(&text);
                }
            })
        };
        Self {
            child,
            near,
            shown,
            reader,
            end: Instant::now() + DEADLINE,
        }
    }

    /// Waits until it has asked that and what is typed is no longer shown, then types.
    pub fn answer(&mut self, question: &str, answer: &str) {
        self.await_question(question);
        writeln!(self.near, "{answer}").expect("it is there");
    }

    fn await_question(&mut self, question: &str) {
        loop {
            let modes = tcgetattr(&self.near).expect("a terminal").local_modes;
            let shown = self.shown.lock().expect("nobody panics").clone();
            if shown.contains(question) && !modes.contains(LocalModes::ECHO) {
                break;
            }
            if Instant::now() > self.end {
                self.child.kill().expect("a child of ours");
                panic!("{question:?} is not asked, or answers are shown: {shown}");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it has asked that, then presses Ctrl-C.
    pub fn interrupt(&mut self, question: &str) {
        self.await_question(question);
        self.near.write_all(b"\x03").expect("it is there");
    }

    /// The exit code, and all that was shown, at last by `stty -a`.
    pub fn finish(mut self) -> (Option<i32>, String) {
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                break status.code();
            }
            if Instant::now() > self.end {
                self.child.kill().expect("a child of ours");
                panic!("it does not end");
            }
            thread::sleep(Duration::from_millis(5));
        };
        self.reader.join().expect("it does not panic");
        let shown = self.shown.lock().expect("nobody panics").clone();
        (code, shown)
    }
}
