//! `cargo xtask conformance libzmq`: libzmq's own test programs on our library.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use super::expected::{self, Expected};
use super::ours;
use super::outcome::{Ending, Outcome, Verdict};
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
    /// Programs that do not count, with the reason.
    left_out: Vec<String>,
    /// What is expected not to pass, and passes.
    outdated: Vec<String>,
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
    let report = Report {
        outdated: outdated(&rows, expected::LIBZMQ),
        left_out: left_out.iter().map(left_out_line).collect(),
        rows,
    };
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

    /// The failures in the program's order.
    fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut names = verdict::counted(&self.reference);
        names.push("end");
        names.into_iter().filter_map(|name| {
            let (case, (what, _)) = self.failures.get_key_value(name)?;
            Some((case.as_str(), what.as_str()))
        })
    }

    fn expectation(&self, case: &str) -> Option<&'static Expected> {
        verdict::expectation(expected::LIBZMQ, &self.program.name, case)
    }

    fn is_unexpected(&self) -> bool {
        self.failures()
            .any(|(case, _)| self.expectation(case).is_none())
    }
}

/// What the table says fails, and does not.
fn outdated(rows: &[Row], table: &[Expected]) -> Vec<String> {
    let mut outdated = Vec::new();
    for row in rows {
        let name = row.program.name.as_str();
        for expected in table.iter().filter(|expected| expected.program == name) {
            let fails = match expected.case {
                "*" => !row.failures.is_empty(),
                case => row.failures.contains_key(case),
            };
            if !fails {
                outdated.push(format!("{name} {}", expected.case));
            }
        }
    }
    outdated
}

impl Report {
    fn of_reference(references: Vec<(Program, Outcome)>) -> Self {
        let (counting, left_out): (Vec<_>, Vec<_>) = references
            .into_iter()
            .partition(|(_, outcome)| !verdict::counted(outcome).is_empty());
        Self {
            rows: counting
                .into_iter()
                .map(|(program, outcome)| Row::new(program, outcome))
                .collect(),
            left_out: left_out.iter().map(left_out_line).collect(),
            outdated: Vec::new(),
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

    /// Whether what fails is what is expected to.
    pub fn holds(&self) -> bool {
        self.outdated.is_empty() && !self.rows.iter().any(Row::is_unexpected)
    }

    /// Cases that pass; cases that should and outdated expectations; what is expected not to pass.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            failed: self.outdated.len() as u64,
            skipped: self.left_out.clone(),
            ..Tally::default()
        };
        for row in &self.rows {
            tally.passed += row.counts().0 as u64;
            for (case, _) in row.failures() {
                match row.expectation(case) {
                    Some(expected) => {
                        let (name, case) = (&row.program.name, expected.case);
                        let reason = format!("{name} {case}: {}", expected.reason);
                        if !tally.skipped.contains(&reason) {
                            tally.skipped.push(reason);
                        }
                    }
                    None => tally.failed += 1,
                }
            }
        }
        tally
    }

    /// The rows that differ and the sum.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        for line in &self.left_out {
            writeln!(text, "left out: {line}")?;
        }
        for row in &self.rows {
            let (passed, ran) = (row.reference.passed(), row.reference.ran());
            if passed < ran {
                let (name, ending) = (&row.program.name, row.reference.ending);
                writeln!(
                    text,
                    "on libzmq: {name} passes {passed} of {ran} ({ending})"
                )?;
            }
        }
        for row in &self.rows {
            row.write(&mut text)?;
        }
        for what in &self.outdated {
            writeln!(text, "{what} passes and is listed as not passing")?;
        }
        let programs = self.rows.iter().filter(|row| row.failures.is_empty());
        let counts = self.rows.iter().map(Row::counts);
        let (cases, all_cases) = counts.fold((0, 0), |sum, (p, t)| (sum.0 + p, sum.1 + t));
        write!(
            text,
            "libzmq-suite: {} of {} programs, {cases} of {all_cases} cases",
            programs.count(),
            self.rows.len(),
        )?;
        Ok(text)
    }
}

impl Row {
    /// One line, if there is something to tell: name, group, cases on both libraries, how it ended
    /// on ours, the first failure that is not expected.
    fn write(&self, text: &mut String) -> Result<()> {
        let head = format!("{:<24} {:<10}", self.program.name, self.program.group);
        if let Some(failure) = &self.unsteady {
            let (case, what) = (&failure.case, &failure.what);
            writeln!(
                text,
                "{head} passes when run again by itself; {case}: {what}"
            )?;
        }
        let unexpected = self
            .failures()
            .find(|(case, _)| self.expectation(case).is_none());
        let Some((case, what)) = unexpected.or_else(|| self.failures().next()) else {
            return Ok(());
        };
        let reason = match self.expectation(case) {
            Some(expected) => format!(" [expected: {}]", expected.reason),
            None => String::new(),
        };
        let (passed, counted) = self.counts();
        let ending = self.ours.iter().map(|outcome| outcome.ending).max();
        let ending = ending.map_or("not run".to_owned(), |ending| ending.to_string());
        let runs = match self.ours.len() {
            1 => String::new(),
            runs => {
                let worst = self.failures.values().map(|(_, count)| *count).max();
                format!(" in {} of {runs} runs", worst.unwrap_or_default())
            }
        };
        writeln!(
            text,
            "{head} libzmq {counted}/{counted} ours {passed}/{counted} {ending}{runs} \
             {case}: {what}{reason}",
        )?;
        Ok(())
    }
}

/// Why a program does not count.
fn left_out_line((program, outcome): &(Program, Outcome)) -> String {
    let ignored = outcome.cases.iter().find_map(|case| match &case.verdict {
        Verdict::Ignored(reason) => Some(reason.as_str()),
        Verdict::Passed | Verdict::Failed(_) => None,
    });
    let why = match (outcome.ending, ignored) {
        // What libzmq's tests say when the system lacks something.
        (Ending::Exit(77), _) => "libzmq skips it on this machine".to_owned(),
        (_, Some(reason)) => format!("libzmq ignores its cases: {reason}"),
        (ending, None) => format!("no case passes on libzmq: {ending}"),
    };
    format!("{}: {why}", program.name)
}
