//! The command line.

use anyhow::{Context as _, Result, bail};

use crate::Guard;

/// `--type PUSH [--opt NAME=VALUE]… [--watch] [--admit RULE]… [--otherwise STATUS] [--postpone COUNT]
/// [--bind ENDPOINT]… [--connect ENDPOINT]…`
#[derive(Debug, Default)]
pub struct Arguments {
    /// The socket type's name in capitals.
    pub kind: String,
    /// Options, set before anything is bound or connected.
    pub options: Vec<(String, String)>,
    /// Whether to keep the events of connections for the command `outcome`.
    pub watch: bool,
    /// Who judges clients, if anybody does.
    pub guard: Option<Guard>,
    /// Endpoints to bind, in order.
    pub bind: Vec<String>,
    /// Endpoints to connect to, in order.
    pub connect: Vec<String>,
}

impl Arguments {
    /// Parses the arguments after the program's name.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut parsed = Self::default();
        let mut words = words.into_iter();
        while let Some(flag) = words.next() {
            if flag == "--watch" {
                parsed.watch = true;
                continue;
            }
            let value = words
                .next()
                .with_context(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--type" => parsed.kind = value,
                "--bind" => parsed.bind.push(value),
                "--connect" => parsed.connect.push(value),
                "--opt" => {
                    let (name, value) = value
                        .split_once('=')
                        .with_context(|| format!("--opt {value}: expected NAME=VALUE"))?;
                    parsed.options.push((name.to_owned(), value.to_owned()));
                }
                "--admit" => parsed.guard().admit(&value)?,
                "--otherwise" => parsed.guard().answer_otherwise(value.parse()?),
                "--postpone" => parsed.guard().postpone(value.parse()?),
                _ => bail!("unknown argument {flag}"),
            }
        }
        if parsed.kind.is_empty() {
            bail!("--type is missing");
        }
        Ok(parsed)
    }

    fn guard(&mut self) -> &mut Guard {
        self.guard.get_or_insert_with(Guard::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_every_flag() {
        let parsed = parse(
            "--type SUB --opt RCVHWM=0 --watch --admit NULL,anna --bind tcp://a --connect ipc://b",
        )
        .unwrap();
        assert_eq!(parsed.kind, "SUB");
        assert_eq!(parsed.options, [("RCVHWM".to_owned(), "0".to_owned())]);
        assert!(parsed.watch && parsed.guard.is_some());
        assert_eq!(parsed.bind, ["tcp://a"]);
        assert_eq!(parsed.connect, ["ipc://b"]);
    }

    #[test]
    fn names_what_is_wrong() {
        for (line, text) in [
            ("--bind tcp://a", "--type is missing"),
            ("--type", "--type needs a value"),
            ("--type SUB --opt RCVHWM", "expected NAME=VALUE"),
            ("--type SUB --color red", "unknown argument --color"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(text), "{line}: {error}");
        }
    }
}
