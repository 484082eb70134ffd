//! All rows of a call, as a table and as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::case::Case;
use crate::figures::median;
use crate::machine::Machine;
use crate::quantity::Quantity;
use crate::row::Row;
use crate::saved;

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
            print!("{row}");
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
        let folder = saved::folder();
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
        let contenders = self.rows.iter().flat_map(|row| &row.contenders);
        let samples = contenders.flat_map(|contender| &contender.samples);
        let shares = samples.filter_map(|sample| sample.value(Quantity::OthersShare));
        let share = median(shares);
        (share > QUIET).then(|| {
            let percent = share * 100.0;
            format!("note: other processes used {percent:.0} % of the machine during the runs")
        })
    }

    /// The case in which the subject does least well beside libzmq, or beside the first it is
    /// compared with.
    fn worst(&self) -> String {
        let ratios = self.rows.iter().filter_map(|row| {
            let libzmq = row.ratios().find(|(name, _)| *name == "libzmq");
            let (_, ratio) = libzmq.or_else(|| row.ratios().next())?;
            Some((&row.case, ratio))
        });
        match ratios.min_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((case, ratio)) => format!("worst: {case} {ratio:.2}"),
            None => "worst: nothing was compared".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Pattern, Transport};
    use crate::figures::Figures;
    use crate::row::Contender;

    #[test]
    fn the_worst_case_is_named() {
        let row = |pattern, quantity| {
            let contender = |library, value| Contender {
                samples: vec![Figures::default().with(quantity, value)],
                ..Contender::new(library)
            };
            Row {
                case: Case::new(pattern, Transport::Tcp, 64),
                contenders: vec![contender("zincmq", 2.0), contender("libzmq", 1.0)],
            }
        };
        let mut report = Report::new("quick", 1);
        let rows = [
            row(Pattern::Throughput, Quantity::PerSecond),
            row(Pattern::Latency, Quantity::Median),
        ];
        report.rows.extend(rows);
        assert_eq!(report.worst(), "worst: tcp req-rep 64 B 0.50");
    }
}
