//! `cargo xtask conformance libzmq`: libzmq's own test programs on our library.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::expected::{self, Expected};
use super::ours;
use super::outcome::{Ending, Outcome};
use super::programs::{self, Program};
use super::reference::Reference;
use super::runner::{self, Runner, result_file};
use super::verdict::{self, Failure};
use crate::tally::Tally;
use crate::test::Run;

/// What to run, and on what.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Programs, with or without `test_`; all if none is named
    names: Vec<String>,
    /// Run on libzmq only, and print what passes there
    #[arg(long)]
    reference: bool,
    /// Run on libzmq again, instead of reading what came of it before
    #[arg(long)]
    again: bool,
    /// Run each program so many times
    #[arg(long, default_value_t = 1, value_name = "N")]
    runs: u32,
    /// The folder of the libzmq.so.5 to be tested, instead of ours
    #[arg(long, value_name = "DIR")]
    library: Option<PathBuf>,
    /// Print all that failing programs print
    #[arg(long, short)]
    verbose: bool,
}

impl Arguments {
    /// All programs on our library, once.
    pub fn all() -> Self {
        Self {
            names: Vec::new(),
            reference: false,
            again: false,
            runs: 1,
            library: None,
            verbose: false,
        }
    }
}

/// One program on both libraries.
struct Row {
    program: Program,
    reference: Outcome,
    /// One for each run.
    ours: Vec<Outcome>,
    /// By case: what happened, and in how many runs.
    failures: BTreeMap<String, (String, u32)>,
    /// It failed beside others, and passed when it was run again by itself.
    unsteady: Option<Failure>,
}

/// What came of it all.
pub struct Report {
    rows: Vec<Row>,
    /// Programs that do not count, with what they do on libzmq.
    left_out: Vec<String>,
    /// What makes the step fail.
    faults: Vec<String>,
    expected: Vec<String>,
}

/// Builds what is missing and runs.
pub fn run(run: &Run, arguments: &Arguments) -> Result<Report> {
    runner::no_core_dumps()?;
    let folder = run.repo.target().join("conformance");
    let reference = Reference::build(run, &folder.join("libzmq"))?;
    let programs = chosen(programs::build(&reference)?, &arguments.names)?;
    let references = on_reference(&reference, &programs, arguments.again)?;
    if arguments.reference {
        return Ok(Report::of_reference(references));
    }

    let (counting, left_out): (Vec<_>, Vec<_>) = references
        .into_iter()
        .partition(|(_, outcome)| !verdict::counted(outcome).is_empty());
    let library = match &arguments.library {
        Some(folder) => folder.canonicalize()?,
        None => ours::build(run)?,
    };
    if !library.join("libzmq.so.5").exists() {
        bail!("{} has no libzmq.so.5", library.display());
    }
    let runner = Runner {
        library,
        logs: folder.join("logs/ours"),
    };
    let mut rows: Vec<Row> = counting
        .into_iter()
        .map(|(program, outcome)| Row::new(program, outcome))
        .collect();
    for number in 1..=arguments.runs {
        if arguments.runs > 1 {
            eprintln!("run {number} of {}", arguments.runs);
        }
        on_ours(&runner, &mut rows)?;
    }
    let mut report = Report {
        left_out: left_out.iter().map(left_out_line).collect(),
        rows,
        faults: Vec::new(),
        expected: Vec::new(),
    };
    report.judge(expected::LIBZMQ);
    if arguments.verbose {
        report.print_outputs();
    }
    Ok(report)
}

fn chosen(programs: Vec<Program>, names: &[String]) -> Result<Vec<Program>> {
    if names.is_empty() {
        return Ok(programs);
    }
    let mut chosen = Vec::new();
    for name in names {
        let name = name.strip_prefix("test_").unwrap_or(name);
        match programs.iter().find(|program| program.name == name) {
            Some(program) => chosen.push(program.clone()),
            None => bail!("libzmq 4.3.5 has no test_{name}"),
        }
    }
    Ok(chosen)
}

/// What the programs do on libzmq, from files where it is known.
fn on_reference(
    reference: &Reference,
    programs: &[Program],
    again: bool,
) -> Result<Vec<(Program, Outcome)>> {
    let folder = reference.prefix().join("results");
    std::fs::create_dir_all(&folder)?;
    let known = |program: &Program| Outcome::load(&result_file(&folder, program));
    let missing: Vec<Program> = programs
        .iter()
        .filter(|program| again || known(program).is_none())
        .cloned()
        .collect();
    if !missing.is_empty() {
        eprintln!("running {} programs on libzmq", missing.len());
    }
    let runner = Runner {
        library: reference.library_folder(),
        logs: folder.join("logs"),
    };
    for (program, mut outcome) in runner.run(&missing, |_| None)? {
        if outcome.passed() < outcome.ran() {
            // Others may have disturbed it.
            outcome = runner.once(&program, None)?;
        }
        outcome.save(&result_file(&folder, &program))?;
    }
    let with_outcome = |program: &Program| Some((program.clone(), known(program)?));
    Ok(programs.iter().filter_map(with_outcome).collect())
}

fn on_ours(runner: &Runner, rows: &mut [Row]) -> Result<()> {
    let times: BTreeMap<String, Duration> = rows
        .iter()
        .map(|row| (row.program.name.clone(), row.reference.time()))
        .collect();
    let expected = |program: &Program| times.get(&program.name).copied();
    let programs: Vec<Program> = rows.iter().map(|row| row.program.clone()).collect();
    for (program, mut outcome) in runner.run(&programs, expected)? {
        let Some(row) = rows.iter_mut().find(|row| row.program.name == program.name) else {
            continue;
        };
        let mut failures = verdict::failures(&row.reference, &outcome);
        let unexpected = failures.iter().find(|failure| {
            verdict::expectation(expected::LIBZMQ, &program.name, &failure.case).is_none()
        });
        if let Some(first) = unexpected.cloned() {
            let again = runner.once(&program, expected(&program))?;
            let left = verdict::failures(&row.reference, &again);
            if left.is_empty() {
                row.unsteady = Some(first);
                (outcome, failures) = (again, left);
            }
        }
        for failure in failures {
            let entry = row.failures.entry(failure.case);
            entry.or_insert((failure.what, 0)).1 += 1;
        }
        row.ours.push(outcome);
    }
    Ok(())
}

impl Row {
    fn new(program: Program, reference: Outcome) -> Self {
        Self {
            program,
            reference,
            ours: Vec::new(),
            failures: BTreeMap::new(),
            unsteady: None,
        }
    }

    /// Cases that count, and how many of them passed in every run.
    fn counts(&self) -> (usize, usize) {
        let counted = verdict::counted(&self.reference);
        let failed = |case: &&&str| self.failures.contains_key(**case);
        let lost = counted.iter().filter(failed).count();
        (counted.len() - lost, counted.len())
    }

    /// The first failure in the program's order.
    fn first_failure(&self) -> Option<(&str, &str)> {
        let mut names = verdict::counted(&self.reference);
        names.push("end");
        names.into_iter().find_map(|name| {
            let (what, _) = self.failures.get(name)?;
            Some((name, what.as_str()))
        })
    }
}

impl Report {
    fn of_reference(references: Vec<(Program, Outcome)>) -> Self {
        let mut report = Self {
            rows: Vec::new(),
            left_out: Vec::new(),
            faults: Vec::new(),
            expected: Vec::new(),
        };
        for (program, outcome) in references {
            if verdict::counted(&outcome).is_empty() {
                report.left_out.push(left_out_line(&(program, outcome)));
            } else {
                report.rows.push(Row::new(program, outcome));
            }
        }
        report
    }

    /// Holds the failures against the table of those that are expected.
    fn judge(&mut self, table: &[Expected]) {
        for row in &self.rows {
            let name = row.program.name.as_str();
            for (case, (what, _)) in &row.failures {
                match verdict::expectation(table, name, case) {
                    Some(expected) => {
                        let line = format!("{name} {}: {}", expected.case, expected.reason);
                        if !self.expected.contains(&line) {
                            self.expected.push(line);
                        }
                    }
                    None => self.faults.push(format!("{name} {case}: {what}")),
                }
            }
            for expected in table.iter().filter(|expected| expected.program == name) {
                let fails = match expected.case {
                    "*" => !row.failures.is_empty(),
                    case => row.failures.contains_key(case),
                };
                if !fails {
                    let case = expected.case;
                    let fault =
                        format!("{name} {case}: passes, and is listed as one that does not");
                    self.faults.push(fault);
                }
            }
        }
    }

    fn print_outputs(&self) {
        for row in self.rows.iter().filter(|row| !row.failures.is_empty()) {
            for outcome in &row.ours {
                println!("--- {} ({})", row.program.name, outcome.ending);
                println!("{}", outcome.output);
            }
        }
    }

    /// Whether all is as it should be.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    /// Cases that pass; faults; what is expected not to pass, as skipped.
    pub fn tally(&self) -> Tally {
        Tally {
            passed: self.rows.iter().map(|row| row.counts().0 as u64).sum(),
            failed: self.faults.len() as u64,
            skipped: [self.expected.as_slice(), self.left_out.as_slice()].concat(),
        }
    }

    /// The rows that differ and the sum.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        for row in self.rows.iter().filter(|row| row.reference_fails()) {
            let (passed, ran) = (row.reference.passed(), row.reference.ran());
            writeln!(
                text,
                "on libzmq {} passes {passed} of {ran} cases ({})",
                row.program.name, row.reference.ending
            )?;
        }
        for line in &self.left_out {
            writeln!(text, "{line}")?;
        }
        let is_of_reference = self.rows.iter().all(|row| row.ours.is_empty());
        if !is_of_reference {
            self.write_rows(&mut text)?;
        }
        let programs = self.rows.iter().filter(|row| row.failures.is_empty());
        let cases: usize = self.rows.iter().map(|row| row.counts().0).sum();
        let all_cases: usize = self.rows.iter().map(|row| row.counts().1).sum();
        write!(
            text,
            "libzmq-suite: {} of {} programs, {cases} of {all_cases} cases",
            programs.count(),
            self.rows.len(),
        )?;
        Ok(text)
    }

    fn write_rows(&self, text: &mut String) -> Result<()> {
        for row in self.rows.iter().filter(|row| !row.failures.is_empty()) {
            let (passed, counted) = row.counts();
            let ending = match row.ours.iter().map(|outcome| outcome.ending).max() {
                Some(ending) => ending.to_string(),
                None => "not run".to_owned(),
            };
            let (case, what) = row.first_failure().unwrap_or_default();
            let runs = match row.ours.len() {
                1 => String::new(),
                runs => {
                    let worst = row.failures.values().map(|(_, count)| count).max();
                    format!(" in {} of {runs} runs", worst.unwrap_or(&0))
                }
            };
            writeln!(
                text,
                "{:<24} {:<10} libzmq {}/{counted} ours {passed}/{counted} {ending}{runs}  {case}: {what}",
                row.program.name, row.program.group, counted,
            )?;
        }
        for row in &self.rows {
            if let Some(failure) = &row.unsteady {
                writeln!(
                    text,
                    "{:<24} {:<10} passes when run again by itself  {}: {}",
                    row.program.name, row.program.group, failure.case, failure.what
                )?;
            }
        }
        for fault in &self.faults {
            writeln!(text, "not as expected: {fault}")?;
        }
        Ok(())
    }
}

impl Row {
    fn reference_fails(&self) -> bool {
        self.reference.passed() < self.reference.ran()
    }
}

fn left_out_line((program, outcome): &(Program, Outcome)) -> String {
    let why = match outcome.ending {
        // What libzmq's tests say when the system lacks something.
        Ending::Exit(77) => "libzmq skips it on this machine".to_owned(),
        ending => format!("passes no case on libzmq ({ending})"),
    };
    format!("{} is left out: {why}", program.name)
}
