//! Tables of saved results, in the README.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::saved::{self, Saved};

const BEGIN: &str = "<!-- table ";
const END: &str = "<!-- end of table -->";

/// Puts the newest result of each kind the README has a place for into it.
pub fn fill_readme() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, filled(&text, table_of)?)?;
    Ok(())
}

/// `text` with another table at each of its places.
fn filled(text: &str, table: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (kind, after) = after.split_once(" -->\n").context("a table has no kind")?;
        let Some((_, after)) = after.split_once(END) else {
            bail!("the table {kind} has no end");
        };
        write!(out, "{before}{BEGIN}{kind} -->\n{}{END}", table(kind)?)?;
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn table_of(kind: &str) -> Result<String> {
    let Some((path, saved)) = saved::newest(kind)? else {
        return Ok("No result is saved yet.\n".to_owned());
    };
    let machine = &saved.machine;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!(
        "\n[{name}](results/{name}): {}, {} on {} cores, Linux {}, medians of {} runs each.\n",
        machine.date, machine.cpu, machine.cores, machine.kernel, saved.pairs
    );
    text.push_str(&markdown(&saved)?);
    text.push('\n');
    Ok(text)
}

/// A line for each case and quantity, a column for each contender of any case.
fn markdown(saved: &Saved) -> Result<String> {
    let mut names: Vec<&str> = Vec::new();
    for contender in saved.rows.iter().flat_map(|row| &row.contenders) {
        if !names.contains(&&*contender.library) {
            names.push(&contender.library);
        }
    }
    let mut text = format!("\n| | | {} | × libzmq |\n", names.join(" | "));
    writeln!(text, "|---|---|{}---|", "---|".repeat(names.len()))?;
    for row in &saved.rows {
        let mut title = row.case.to_string();
        for quantity in row.quantities() {
            write!(text, "| {title} | {} |", quantity.text())?;
            for name in &names {
                let mut contenders = row.contenders.iter();
                let contender = contenders.find(|contender| contender.library == *name);
                let cell = contender.map(|contender| match contender.median(quantity) {
                    Some(median) => quantity.show(median),
                    None if contender.samples.is_empty() => "cannot".to_owned(),
                    None => String::new(),
                });
                write!(text, " {} |", cell.unwrap_or_default())?;
            }
            let ratio = row.ratios_of(quantity).find(|(name, _)| *name == "libzmq");
            let ratio = ratio.map(|(_, ratio)| format!("{ratio:.2}"));
            writeln!(text, " {} |", ratio.unwrap_or_default())?;
            title.clear();
        }
    }
    for row in &saved.rows {
        for contender in &row.contenders {
            if let Some(why) = contender.failures.first() {
                let why = why.lines().next().unwrap_or_default();
                let (name, times) = (&contender.library, contender.failures.len());
                writeln!(
                    text,
                    "\n{name} failed in {times} runs of {}: {why}",
                    row.case
                )?;
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_gets_its_table() {
        let text = format!("a\n{BEGIN}x -->\nold\n{END}\nb\n{BEGIN}y -->\n{END}\n");
        let new = filled(&text, |kind| Ok(format!("table of {kind}\n"))).unwrap();
        assert!(
            new.contains("table of x") && new.contains("table of y"),
            "{new}"
        );
        assert!(!new.contains("old"), "{new}");
        // Again, and it is the same.
        let again = filled(&new, |kind| Ok(format!("table of {kind}\n"))).unwrap();
        assert_eq!(again, new);
    }

    #[test]
    fn a_place_without_an_end_is_an_error() {
        let text = format!("{BEGIN}x -->\nold\n");
        assert!(filled(&text, |_| Ok(String::new())).is_err());
    }
}
