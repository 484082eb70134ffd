//! Who may connect to a peer that is a server.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

/// Judges clients the same way under either library, and remembers what it was asked.
#[derive(Debug, Default)]
pub struct Guard {
    known: Vec<Known>,
    /// The status for everybody else.
    otherwise: u16,
    /// How many questions are answered by 300 before any other answer.
    postponed: usize,
    asked: Mutex<Vec<Question>>,
}

/// A client that asks to be let in (RFC 27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The mechanism's name.
    pub mechanism: String,
    /// The server's domain.
    pub domain: String,
    /// Where the client comes from.
    pub address: String,
    /// A name and a password, or a key in Z85.
    pub credentials: Vec<String>,
}

/// What becomes of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// 200, 300, 400 or 500.
    pub status: u16,
    /// Who it is, if it is let in.
    pub user: String,
}

/// The property that a guard adds to those it lets in, with the mechanism's name.
pub const PROPERTY: &str = "Came-By";

#[derive(Debug)]
struct Known {
    mechanism: String,
    credentials: Vec<String>,
    user: String,
}

impl Guard {
    /// One that refuses everybody.
    pub fn new() -> Self {
        Self {
            otherwise: 400,
            ..Self::default()
        }
    }

    /// Lets one more in: `MECHANISM[,CREDENTIAL]…,USER`.
    pub fn admit(&mut self, rule: &str) -> Result<()> {
        let mut words: Vec<String> = rule.split(',').map(str::to_owned).collect();
        let user = words.pop().context("a rule has words")?;
        let credentials = words.split_off(1.min(words.len()));
        let mechanism = words.pop().with_context(|| format!("{rule}: no user"))?;
        self.known.push(Known {
            mechanism,
            credentials,
            user,
        });
        Ok(())
    }

    /// Answers everybody else by `status`.
    pub fn answer_otherwise(&mut self, status: u16) {
        self.otherwise = status;
    }

    /// Answers the first `count` questions by 300.
    pub fn postpone(&mut self, count: usize) {
        self.postponed = count;
    }

    /// Answers a question.
    pub fn judge(&self, question: Question) -> Answer {
        let known = self.known.iter().find(|known| {
            known.mechanism == question.mechanism && known.credentials == question.credentials
        });
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(question);
        let status = match known {
            _ if asked.len() <= self.postponed => 300,
            Some(_) => 200,
            None => self.otherwise,
        };
        let user = known.filter(|_| status == 200);
        Answer {
            status,
            user: user.map(|known| known.user.clone()).unwrap_or_default(),
        }
    }

    /// How many have asked, and what the last of them had to show.
    pub fn report(&self) -> String {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.last() {
            None => "0".to_owned(),
            Some(last) => format!(
                "{} {} {} {}",
                asked.len(),
                last.mechanism,
                last.domain,
                last.address
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(credentials: &[&str]) -> Question {
        Question {
            mechanism: "PLAIN".to_owned(),
            domain: "here".to_owned(),
            address: "127.0.0.1".to_owned(),
            credentials: credentials.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn judges_by_all_credentials_and_counts() {
        let mut guard = Guard::new();
        guard.admit("PLAIN,admin,secret,anna").unwrap();
        guard.postpone(1);
        assert_eq!(guard.report(), "0");
        for (credentials, status, user) in [
            (&["admin", "secret"][..], 300, ""),
            (&["admin", "secret"], 200, "anna"),
            (&["admin", "wrong"], 400, ""),
            (&["admin"], 400, ""),
        ] {
            let user = user.to_owned();
            assert_eq!(guard.judge(question(credentials)), Answer { status, user });
        }
        assert_eq!(guard.report(), "4 PLAIN here 127.0.0.1");
    }

    #[test]
    fn a_rule_without_a_user_is_none() {
        let error = Guard::new().admit("NULL").unwrap_err().to_string();
        assert!(error.contains("no user"), "{error}");
    }
}
