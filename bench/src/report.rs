//! Samples, medians, ratios; as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::json;

use crate::case::Case;
use crate::machine::Machine;

/// What others may use of a machine that counts as quiet.
const QUIET: f64 = 0.05;

/// Everything one call measured.
pub struct Report {
    /// What was run: `quick`, `full`, `capi` or `python`.
    kind: &'static str,
    pairs: u32,
    machine: Machine,
    rows: Vec<Row>,
}

/// One case; the subject is the first contender.
#[derive(Debug, Serialize)]
pub struct Row {
    pub case: Case,
    pub contenders: Vec<Contender>,
}

#[derive(Debug, Serialize)]
pub struct Contender {
    /// Its name, as the table shows it.
    pub library: &'static str,
    /// Messages, or round trips, in each run.
    pub count: u64,
    pub samples: Vec<Sample>,
}

/// One run.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Sample {
    Throughput {
        /// Messages.
        per_second: f64,
        /// Of both processes together.
        cpu_seconds_per_million: f64,
        /// Part of the machine that processes outside the run used meanwhile.
        others_share: f64,
    },
    /// One way, in microseconds.
    Latency {
        median: f64,
        p99: f64,
        max: f64,
        cpu_seconds_per_million: f64,
        others_share: f64,
    },
    /// One way, in microseconds, by a program that tells no more.
    MeanLatency {
        mean: f64,
        cpu_seconds_per_million: f64,
        others_share: f64,
    },
}

impl Report {
    /// An empty report of this machine.
    pub fn new(kind: &'static str, pairs: u32) -> Self {
        Self {
            kind,
            pairs,
            machine: Machine::this(),
            rows: Vec::new(),
        }
    }

    /// Also tells the versions of what else took part.
    pub fn with_versions(mut self, others: BTreeMap<String, String>) -> Self {
        self.machine.versions.others = others;
        self
    }

    /// Measures each case, prints the table and saves it.
    pub fn complete(mut self, cases: &[Case], measure: impl Fn(Case) -> Result<Row>) -> Result<()> {
        for &case in cases {
            let row = measure(case)?;
            println!("{row}");
            self.rows.push(row);
        }
        println!("results: {}", self.save()?.display());
        if let Some(note) = self.disturbance() {
            println!("{note}");
        }
        println!("{}", self.worst());
        Ok(())
    }

    /// Writes `bench/results/DATE-KIND.json` and returns its path.
    fn save(&self) -> Result<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let date = self.machine.date.replace(':', "");
        let file = folder.join(format!("{date}-{}.json", self.kind));
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let report = json!({
            "machine": self.machine,
            "kind": self.kind,
            "pairs": self.pairs,
            "rows": rows,
        });
        let text = serde_json::to_string_pretty(&report)? + "\n";
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        Ok(file)
    }

    /// A warning, when others used the machine: above all latency then says little, since it
    /// depends on whether the scheduler puts both sides on one core.
    fn disturbance(&self) -> Option<String> {
        let samples = self.rows.iter().flat_map(|row| &row.contenders);
        let shares =
            samples.flat_map(|contender| contender.samples.iter().map(Sample::others_share));
        let share = median(shares);
        (share > QUIET).then(|| {
            let percent = share * 100.0;
            format!("note: other processes used {percent:.0} % of the machine during the runs")
        })
    }

    /// The case in which the subject does least well beside the first it is compared with.
    fn worst(&self) -> String {
        let ratios = self.rows.iter().filter_map(|row| {
            let (_, ratio) = row.ratios().next()?;
            Some((&row.case, ratio))
        });
        match ratios.min_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((case, ratio)) => format!("worst: {case} {ratio:.2}"),
            None => "worst: nothing was compared".to_owned(),
        }
    }
}

impl Row {
    /// How many times better the subject's median is than each other contender's: more messages
    /// a second, or fewer microseconds.
    fn ratios(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let subject = self.contenders.first();
        self.contenders.iter().skip(1).filter_map(move |other| {
            let (ours, theirs) = (subject?.median(), other.median());
            let ratio = match subject?.samples.first()? {
                Sample::Throughput { .. } => ours / theirs,
                Sample::Latency { .. } | Sample::MeanLatency { .. } => theirs / ours,
            };
            Some((other.library, ratio))
        })
    }

    fn json(&self) -> serde_json::Value {
        let ratios: serde_json::Map<_, _> = self
            .ratios()
            .map(|(name, ratio)| (name.to_owned(), json!(ratio)))
            .collect();
        json!({
            "name": self.case.to_string(),
            "case": self.case,
            "contenders": self.contenders,
            "times_better_than": ratios,
        })
    }
}

impl Contender {
    fn median(&self) -> f64 {
        median(self.samples.iter().map(Sample::value))
    }
}

impl Sample {
    /// What is compared: messages a second, or the median or mean in microseconds.
    pub fn value(&self) -> f64 {
        match *self {
            Self::Throughput { per_second, .. } => per_second,
            Self::Latency { median, .. } => median,
            Self::MeanLatency { mean, .. } => mean,
        }
    }

    fn others_share(&self) -> f64 {
        match *self {
            Self::Throughput { others_share, .. }
            | Self::Latency { others_share, .. }
            | Self::MeanLatency { others_share, .. } => others_share,
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<24}", self.case.to_string())?;
        for contender in &self.contenders {
            write!(f, "  {} {contender}", contender.library)?;
        }
        for (name, ratio) in self.ratios() {
            write!(f, "  {ratio:.2} x {name}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = || self.samples.iter().map(Sample::value);
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(0.0, f64::max);
        match self.samples.first() {
            Some(Sample::Latency { .. }) => {
                let p99 = median(self.samples.iter().filter_map(|sample| match sample {
                    Sample::Latency { p99, .. } => Some(*p99),
                    _ => None,
                }));
                let median = self.median();
                write!(f, "{median:.1} µs ({low:.1}–{high:.1}; p99 {p99:.1})")
            }
            Some(Sample::MeanLatency { .. }) => {
                write!(f, "{:.1} µs ({low:.1}–{high:.1})", self.median())
            }
            _ => write!(
                f,
                "{}/s ({}–{})",
                short(self.median()),
                short(low),
                short(high)
            ),
        }
    }
}

/// `2.41 M`, `36.2 k`, `870`.
fn short(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.2} M", v / 1e6),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Pattern, Transport};

    fn row(pattern: Pattern, subject: &[f64], other: &[f64]) -> Row {
        let contender = |library, values: &[f64]| Contender {
            library,
            count: 1,
            samples: values
                .iter()
                .map(|&value| match pattern {
                    Pattern::Throughput => Sample::Throughput {
                        per_second: value,
                        cpu_seconds_per_million: 0.0,
                        others_share: 0.0,
                    },
                    Pattern::Latency => Sample::Latency {
                        median: value,
                        p99: 2.0 * value,
                        max: 3.0 * value,
                        cpu_seconds_per_million: 0.0,
                        others_share: 0.0,
                    },
                })
                .collect(),
        };
        Row {
            case: Case {
                pattern,
                transport: Transport::Tcp,
                size: 64,
                curve: false,
                python: None,
            },
            contenders: vec![contender("libzmq", subject), contender("raw", other)],
        }
    }

    #[test]
    fn more_a_second_and_fewer_microseconds_are_both_better() {
        let ratio = |row: &Row| row.ratios().next().unwrap().1;
        let faster = row(Pattern::Throughput, &[1e6, 4e6, 3e6], &[1e6, 1e6, 9e6]);
        assert_eq!(ratio(&faster), 3.0);
        let sooner = row(Pattern::Latency, &[10.0, 20.0], &[60.0]);
        assert_eq!(ratio(&sooner), 4.0);
    }

    #[test]
    fn a_row_shows_medians_ranges_and_ratios() {
        assert_eq!(
            row(Pattern::Throughput, &[2e6, 1e6, 3e6], &[4e6]).to_string(),
            "tcp push-pull 64 B        libzmq 2.00 M/s (1.00 M–3.00 M)  \
             raw 4.00 M/s (4.00 M–4.00 M)  0.50 x raw"
        );
        assert_eq!(
            row(Pattern::Latency, &[40.0], &[10.0]).to_string(),
            "tcp req-rep 64 B          libzmq 40.0 µs (40.0–40.0; p99 80.0)  \
             raw 10.0 µs (10.0–10.0; p99 20.0)  0.25 x raw"
        );
    }

    #[test]
    fn the_worst_case_is_named() {
        let mut report = Report::new("quick", 1);
        report.rows.push(row(Pattern::Throughput, &[2.0], &[1.0]));
        report.rows.push(row(Pattern::Latency, &[2.0], &[1.0]));
        assert_eq!(report.worst(), "worst: tcp req-rep 64 B 0.50");
    }
}
