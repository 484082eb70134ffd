//! Running a suite: what its programs do on libzmq, from files where it is known, and on ours.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::comparison::{self, Comparison, Failure, counted, expectation};
use super::expected::Expected;
use super::jobs;
use super::outcome::{Ending, Outcome};
use super::report::{LeftOut, Report};

/// What can be asked of every suite.
#[derive(clap::Args, Debug, Clone)]
pub struct Arguments {
    /// What to run, with or without `test_`; all if nothing is named
    names: Vec<String>,
    /// Run on libzmq only, and print what does not pass there
    #[arg(long)]
    pub reference: bool,
    /// Run on libzmq again, instead of reading what came of it before
    #[arg(long)]
    again: bool,
    /// Run on ours so many times
    #[arg(long, default_value_t = 1, value_name = "N")]
    runs: u32,
    /// The folder of the libzmq.so.5 to be tested, instead of ours
    #[arg(long, value_name = "DIR")]
    pub library: Option<PathBuf>,
    /// Print every case that fails, and all that failing programs print
    #[arg(long, short)]
    pub verbose: bool,
}

impl Arguments {
    /// Everything on our library, once.
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

    /// Those that are named.
    pub fn chosen<P: Program>(&self, programs: Vec<P>) -> Result<Vec<P>> {
        if self.names.is_empty() {
            return Ok(programs);
        }
        let mut chosen = Vec::new();
        for name in &self.names {
            let name = name.strip_prefix("test_").unwrap_or(name);
            match programs.iter().find(|program| program.name() == name) {
                Some(program) => chosen.push(program.clone()),
                None => bail!("there is no test_{name}"),
            }
        }
        Ok(chosen)
    }
}

/// What is run as a whole: a program, or a file of tests.
pub trait Program: Clone + Send + Sync {
    /// Without `test_`.
    fn name(&self) -> &str;
    /// What it is about; empty if the suite knows no groups.
    fn group(&self) -> &'static str;
    /// Beside whom it may run.
    fn company(&self) -> Company;
}

/// Beside whom a program may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Beside any other.
    Any,
    /// Not beside others that have ports or names of their own choosing, or expect nobody at one.
    NoFixedNames,
    /// By itself: it takes all the descriptors, threads or memory that it can get.
    Nobody,
}

/// Runs programs on one library.
pub trait Runner: Sync {
    /// What it runs.
    type Program: Program;

    /// Runs one, that usually takes so long.
    fn once(&self, program: &Self::Program, usual: Option<Duration>) -> Result<Outcome>;
}

/// What came of a program, and which it was.
type Ran<P> = (P, Outcome);

/// What the programs do on libzmq, at their best of a few tries: what is busy beside them is not
/// to lower what is asked of ours. It is kept in the folder `results`, and tried anew as long as
/// something fails.
pub fn on_reference<R: Runner>(
    runner: &R,
    programs: &[R::Program],
    results: &Path,
    arguments: &Arguments,
) -> Result<Vec<Ran<R::Program>>> {
    fs::create_dir_all(results).with_context(|| results.display().to_string())?;
    let file = |program: &R::Program| results.join(format!("{}.json", program.name()));
    let known = |program: &R::Program| Outcome::load(&file(program));
    if arguments.again {
        for file in programs.iter().map(file).filter(|file| file.exists()) {
            fs::remove_file(&file).with_context(|| file.display().to_string())?;
        }
    }
    let mut left = programs.to_vec();
    for _ in 0..3 {
        left.retain(|program| known(program).is_none_or(|outcome| fails(&outcome)));
        if left.is_empty() {
            break;
        }
        eprintln!("running {} programs on libzmq", left.len());
        for (program, outcome) in each(runner, &left, |_| None)? {
            let is_better = |known: Outcome| outcome.counts().0 >= known.counts().0;
            if known(&program).is_none_or(is_better) {
                outcome.save(&file(&program))?;
            }
        }
    }
    let with_outcome = |program: &R::Program| Some((program.clone(), known(program)?));
    Ok(programs.iter().filter_map(with_outcome).collect())
}

/// Whether something other than missing means kept cases from passing.
fn fails(outcome: &Outcome) -> bool {
    let ends_well = matches!(outcome.ending, Ending::Exit(0 | 77));
    !ends_well || outcome.counts().1 > 0
}

/// What is to be compared, before anything ran on ours.
pub fn report<P: Program>(reference: &[Ran<P>], table: &'static [Expected]) -> Report {
    let mut report = Report {
        programs: Vec::new(),
        left_out: Vec::new(),
        table,
    };
    for (program, outcome) in reference {
        let name = program.name().to_owned();
        let outcome = outcome.clone();
        if counted(&outcome).is_empty() {
            report.left_out.push(LeftOut::of_reference(name, outcome));
        } else {
            let comparison = Comparison::new(name, program.group(), outcome);
            report.programs.push(comparison);
        }
    }
    report
}

/// Runs on ours what counts. What fails and is not expected to has a second try, when the machine
/// is quieter.
pub fn on_ours<R: Runner>(
    runner: &R,
    programs: &[R::Program],
    report: &mut Report,
    arguments: &Arguments,
) -> Result<()> {
    let times: BTreeMap<String, Duration> = report
        .programs
        .iter()
        .map(|comparison| (comparison.program.clone(), comparison.reference.time()))
        .collect();
    let usual = |program: &R::Program| times.get(program.name()).copied();
    let counting = programs.iter().filter(|program| usual(program).is_some());
    let counting: Vec<R::Program> = counting.cloned().collect();
    for number in 1..=arguments.runs {
        if arguments.runs > 1 {
            eprintln!("run {number} of {}", arguments.runs);
        }
        let mut outcomes = each(runner, &counting, usual)?;
        let tried: Vec<R::Program> = outcomes
            .iter()
            .filter(|(program, outcome)| unexpected(report, program.name(), outcome).is_some())
            .map(|(program, _)| program.clone())
            .collect();
        for (program, again) in each(runner, &tried, usual)? {
            let name = program.name();
            let first = outcomes.iter_mut().find(|(other, _)| other.name() == name);
            let Some((_, outcome)) = first else { continue };
            if unexpected(report, name, &again).is_none() {
                let failure = unexpected(report, name, outcome);
                if let Some(comparison) = report.program(name) {
                    comparison.unsteady = failure;
                }
                *outcome = again;
            }
        }
        for (program, outcome) in outcomes {
            if let Some(comparison) = report.program(program.name()) {
                comparison.add(outcome);
            }
        }
    }
    Ok(())
}

/// The first failure that is not in the table.
fn unexpected(report: &mut Report, program: &str, outcome: &Outcome) -> Option<Failure> {
    let table = report.table;
    let comparison = report.program(program)?;
    let failures = comparison::failures(&comparison.reference, outcome);
    failures
        .into_iter()
        .find(|failure| expectation(table, program, &failure.case).is_none())
}

/// Runs each program once, side by side where they may.
fn each<R: Runner>(
    runner: &R,
    programs: &[R::Program],
    usual: impl Fn(&R::Program) -> Option<Duration> + Sync,
) -> Result<Vec<Ran<R::Program>>> {
    // The longest first, so that the end waits for none.
    let mut programs = programs.to_vec();
    programs.sort_by_key(|program| std::cmp::Reverse(usual(program)));
    let (alone, others): (Vec<_>, Vec<_>) = programs
        .into_iter()
        .partition(|program| program.company() == Company::Nobody);
    let (fixed, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|program| program.company() == Company::NoFixedNames);
    let mut chains = vec![fixed];
    chains.extend(others.into_iter().map(|program| vec![program]));

    let once = |program: &R::Program| Ok((program.clone(), runner.once(program, usual(program))?));
    let chain = |programs: &Vec<R::Program>| {
        let is_fixed = |program: &R::Program| program.company() == Company::NoFixedNames;
        let _others = match programs.iter().any(is_fixed) {
            true => Some(one_at_a_time()?),
            false => None,
        };
        programs.iter().map(once).collect::<Result<Vec<_>>>()
    };
    // They wait most of the time, so there may be more of them than processors.
    let outcomes = jobs::each(&chains, 2 * jobs::processors() + 1, chain)?;
    let mut outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    outcomes.extend(jobs::each(&alone, 1, once)?);
    outcomes.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    Ok(outcomes)
}

/// Waits for programs with the same names in other runs on this machine.
fn one_at_a_time() -> Result<File> {
    let user = rustix::process::getuid().as_raw();
    let path = std::env::temp_dir().join(format!("zincmq-conformance-{user}.lock"));
    let file = File::create(&path).with_context(|| path.display().to_string())?;
    file.lock()?;
    Ok(file)
}

/// Programs that die leave no images of their memory behind.
pub fn no_core_dumps() -> Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}
