//! One case's samples, medians and ratios.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::case::Case;
use crate::figures::{Figures, median};
use crate::quantity::{Better, Quantity};

/// One case; the subject is the first contender.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub case: Case,
    pub contenders: Vec<Contender>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Contender {
    /// Its name, as the table shows it.
    pub library: Cow<'static, str>,
    /// Messages, or round trips, in each run.
    pub count: u64,
    pub samples: Vec<Figures>,
    /// For each message or round trip, in a run of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_calls: Option<f64>,
    /// Why runs have no sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

impl Row {
    /// What there is to show.
    pub fn quantities(&self) -> impl Iterator<Item = Quantity> {
        let usual = self.case.pattern.quantities().iter().copied();
        let also = [Quantity::VoluntarySwitches, Quantity::SystemCalls];
        usual.chain(also.into_iter().filter(|&quantity| {
            let mut contenders = self.contenders.iter();
            contenders.any(|contender| contender.median(quantity).is_some())
        }))
    }

    /// By the quantity that decides, how many times better the subject is than each other.
    pub fn ratios(&self) -> impl Iterator<Item = (&str, f64)> {
        let deciding = self.case.pattern.quantities().iter().take(1);
        deciding.flat_map(|&quantity| self.ratios_of(quantity))
    }

    /// How many times better the subject's median is than each other contender's: more messages
    /// a second, or fewer of anything else.
    pub fn ratios_of(&self, quantity: Quantity) -> impl Iterator<Item = (&str, f64)> {
        let subject = self.contenders.first();
        let ours = subject.and_then(|subject| subject.median(quantity));
        self.contenders.iter().skip(1).filter_map(move |other| {
            let (ours, theirs) = (ours?, other.median(quantity)?);
            let ratio = match quantity.better() {
                // Both may be nothing at all.
                _ if ours == theirs => 1.0,
                Better::More => ours / theirs,
                Better::Less => theirs / ours,
                Better::Neither => return None,
            };
            Some((&*other.library, ratio))
        })
    }

    pub fn json(&self) -> serde_json::Value {
        let quantities = self.quantities();
        let ratios: BTreeMap<Quantity, BTreeMap<_, _>> = quantities
            .map(|quantity| (quantity, self.ratios_of(quantity).collect()))
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
    /// Without a run.
    pub fn new(library: &'static str) -> Self {
        Self {
            library: Cow::Borrowed(library),
            count: 0,
            samples: Vec::new(),
            system_calls: None,
            failures: Vec::new(),
        }
    }

    pub fn median(&self, quantity: Quantity) -> Option<f64> {
        if quantity == Quantity::SystemCalls {
            return self.system_calls;
        }
        let mut values = self.values(quantity).peekable();
        values.peek()?;
        Some(median(values))
    }

    fn values(&self, quantity: Quantity) -> impl Iterator<Item = f64> {
        let samples = self.samples.iter();
        samples.filter_map(move |sample| sample.value(quantity))
    }

    /// The median, and in parentheses the least and the most.
    pub fn show(&self, quantity: Quantity) -> Option<String> {
        let median = quantity.show(self.median(quantity)?);
        if self.values(quantity).next().is_none() {
            return Some(median);
        }
        let low = self.values(quantity).fold(f64::INFINITY, f64::min);
        let high = self.values(quantity).fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = (quantity.number(low), quantity.number(high));
        Some(match low == high {
            true => median,
            false => format!("{median} ({low}–{high})"),
        })
    }
}

/// A line for each quantity: what each contender has, and how many times better the first is.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, quantity) in self.quantities().enumerate() {
            let title = match i {
                0 => self.case.to_string(),
                _ => format!("  {}", quantity.text()),
            };
            write!(f, "{title:<28}")?;
            for contender in &self.contenders {
                if let Some(text) = contender.show(quantity) {
                    write!(f, "  {} {text}", contender.library)?;
                }
            }
            for (name, ratio) in self.ratios_of(quantity) {
                write!(f, "  {ratio:.2} x {name}")?;
            }
            writeln!(f)?;
        }
        for contender in &self.contenders {
            if let Some(why) = contender.failures.last() {
                let (name, times) = (&contender.library, contender.failures.len());
                writeln!(f, "  {name} failed in {times} runs: {why}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Pattern, Transport};

    fn row(quantity: Quantity, subject: &[f64], other: &[f64]) -> Row {
        let contender = |library, values: &[f64]| {
            let values = values.iter();
            let samples = values.map(|&value| Figures::default().with(quantity, value));
            Contender {
                samples: samples.collect(),
                ..Contender::new(library)
            }
        };
        let pattern = match quantity {
            Quantity::PerSecond => Pattern::Throughput,
            _ => Pattern::Latency,
        };
        Row {
            case: Case::new(pattern, Transport::Tcp, 64),
            contenders: vec![contender("libzmq", subject), contender("raw", other)],
        }
    }

    #[test]
    fn more_a_second_and_fewer_microseconds_are_both_better() {
        let ratio = |row: &Row| row.ratios().next().unwrap().1;
        let faster = row(Quantity::PerSecond, &[1e6, 4e6, 3e6], &[1e6, 1e6, 9e6]);
        assert_eq!(ratio(&faster), 3.0);
        let sooner = row(Quantity::Median, &[10.0, 20.0], &[60.0]);
        assert_eq!(ratio(&sooner), 4.0);
    }

    #[test]
    fn a_row_shows_medians_ranges_and_ratios() {
        let text = row(Quantity::PerSecond, &[2e6, 1e6, 3e6], &[4e6]).to_string();
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "tcp push-pull 64 B            libzmq 2.00 M/s (1.00 M–3.00 M)  raw 4.00 M/s  0.50 x raw"
        );
    }
}
