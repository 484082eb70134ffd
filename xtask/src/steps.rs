//! The steps that are commands.

use anyhow::{Result, bail};

use crate::bench;
use crate::repo::WORKSPACES;
use crate::tally::Tally;
use crate::test::Run;
use crate::tools;

/// `cargo fmt --check` in every workspace.
pub fn fmt(run: &Run) -> Result<Tally> {
    each_workspace(run, |name| {
        run.check(
            run.repo
                .cargo(name, &["fmt", "--all", "--check", "--", "--color", "never"])?,
            2,
        )
    })
}

/// Clippy in every workspace, warnings forbidden.
pub fn clippy(run: &Run) -> Result<Tally> {
    tools::for_libzmq(run)?;
    each_workspace(run, |name| {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
            "--",
            "-D",
            "warnings",
        ];
        run.check(run.repo.cargo(name, &arguments)?, 15)
    })
}

/// cargo-deny in every workspace. The advisory database is a git repository; where it cannot be
/// fetched, the check counts as skipped.
pub fn deny(run: &Run) -> Result<Tally> {
    let deny = tools::cargo_deny(run)?;
    let config = run.repo.path("deny.toml");
    let config = config.to_string_lossy();
    let command = |name: &str, checks: &[&str]| {
        let arguments = [&["--all-features", "--config", &config, "check"], checks].concat();
        let command = run.repo.cargo(name, &[])?;
        Ok::<_, anyhow::Error>(command.program(&deny).arguments(&arguments))
    };
    let mut tally = each_workspace(run, |name| {
        run.check(command(name, &["bans", "licenses", "sources"])?, 5)
    })?;

    let advisories = run.command(command(".", &["advisories"])?, 5)?;
    let unreachable = advisories
        .text
        .contains("failed to fetch advisory database");
    tally += match !advisories.ok() && unreachable {
        true => Tally::skipped("advisories: the advisory database cannot be fetched".to_owned()),
        false => run.held(advisories.ok(), &advisories.summary()),
    };
    Ok(tally)
}

/// `cargo test` of the main workspace.
pub fn unit(run: &Run) -> Result<Tally> {
    let arguments = [
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--examples",
        "--no-fail-fast",
        "--locked",
    ];
    run.tests(run.repo.cargo(".", &arguments)?, 20)
}

/// The documentation's examples.
pub fn doc(run: &Run) -> Result<Tally> {
    let arguments = ["test", "--workspace", "--doc", "--no-fail-fast", "--locked"];
    run.tests(run.repo.cargo(".", &arguments)?, 10)
}

/// The pipe and the biased lock under loom, in a target folder of its own because of its flags.
pub fn loom(run: &Run) -> Result<Tally> {
    let arguments = [
        "test",
        "--package",
        "zincmq-pipe",
        "--package",
        "zincmq-biased",
        "--test",
        "loom",
        "--release",
        "--locked",
    ];
    let command = run
        .repo
        .cargo(".", &arguments)?
        .variable("RUSTFLAGS", "--cfg loom")
        .variable("CARGO_TARGET_DIR", run.repo.target().join("loom"));
    run.tests(command, 15)
}

/// ZincMQ against libzmq.
pub fn interop(run: &Run) -> Result<Tally> {
    tools::for_libzmq(run)?;
    let ours = [
        "test",
        "--workspace",
        "--features",
        "interop-peer/zincmq",
        "--no-fail-fast",
        "--locked",
    ];
    run.tests(run.repo.cargo("interop", &ours)?, 15)
}

/// Every fuzz target for `FUZZ_SECONDS` (60), from where its corpus has brought it.
pub fn fuzz(run: &Run) -> Result<Tally> {
    tools::cxx(run)?;
    run.repo.workspace("fuzz")?;
    let cargo_fuzz = match tools::cargo_fuzz(run) {
        Ok(path) => path,
        Err(error) => return Ok(Tally::skipped(format!("all targets: {error:#}"))),
    };
    let seconds: u64 = match std::env::var("FUZZ_SECONDS") {
        Ok(text) => text.parse()?,
        Err(_) => 60,
    };
    let command = |arguments: &[&str]| {
        let fuzz = run.repo.cargo("fuzz", &[])?.program(&cargo_fuzz);
        // The sanitizers are there in the stable compiler, behind this switch.
        let fuzz = fuzz
            .variable("RUSTC_BOOTSTRAP", "1")
            .variable("CARGO_TARGET_DIR", run.repo.target().join("fuzz"));
        Ok::<_, anyhow::Error>(fuzz.arguments(arguments))
    };

    let list = run.command(command(&["list", "--fuzz-dir", "."])?, 1)?;
    let targets: Vec<&str> = list.text.split_whitespace().collect();
    if !list.ok() || targets.is_empty() {
        bail!("no fuzz targets: {}", list.summary());
    }
    let build = run.command(command(&["build", "--fuzz-dir", "."])?, 15)?;
    if !build.ok() {
        bail!(build.summary());
    }
    let time = format!("-max_total_time={seconds}");
    let mut tally = Tally::default();
    for target in targets {
        // What is new goes to the first folder; the second is part of the repository.
        let new = run.repo.target().join("fuzz-corpus").join(target);
        std::fs::create_dir_all(&new)?;
        let known = format!("corpus/{target}");
        let fuzz = command(&["run", "--fuzz-dir", ".", target])?
            .arguments(&[new.as_path(), known.as_ref()])
            .arguments(&["--", &time]);
        tally += run.check(fuzz, seconds / 60 + 3)?;
    }
    Ok(tally)
}

/// A few messages through every bench, for their content and not for their speed.
pub fn benches(run: &Run) -> Result<Tally> {
    tools::for_libzmq(run)?;
    let arguments = ["run", "--release", "--locked", "--", "--quick", "--smoke"];
    let mut tally = run.check(run.repo.cargo("bench", &arguments)?, 15)?;
    for kind in bench::CAPI_KINDS {
        let run_capi = run
            .repo
            .cargo("bench", &["run", "--release", "--locked", "--"])?
            .arguments(&bench::capi(run.repo, kind)?)
            .arguments(&["--smoke"]);
        tally += run.check(run_capi, 15)?;
    }
    let run_python = run
        .repo
        .cargo("bench", &["run", "--release", "--locked", "--"])?
        .arguments(&bench::python(run)?)
        .arguments(&["--smoke"]);
    tally += run.check(run_python, 15)?;
    Ok(tally)
}

/// One missing workspace is one failure and hides nothing of the others.
fn each_workspace(run: &Run, check: impl Fn(&str) -> Result<Tally>) -> Result<Tally> {
    let mut sum = Tally::default();
    for name in WORKSPACES {
        sum += match check(name) {
            Ok(tally) => tally,
            Err(error) => run.held(false, &format!("{error:#}")),
        };
    }
    Ok(sum)
}
