//! Plots of saved results.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::case::{self, Pattern, Transport};
use crate::quantity::Quantity;
use crate::row::Row;
use crate::saved;
use crate::svg::{Chart, Line};

/// Writes `bench/plots/NAME.svg` for what the newest results have.
pub fn plot_all() -> Result<()> {
    let throughput = |transport, curve| {
        move |row: &Row| {
            let case = row.case;
            let is_so = case.pattern == Pattern::Throughput && case.transport == transport;
            is_so && case.curve == curve
        }
    };
    let by_size = |row: &Row| case::size(row.case.size);
    let by_many = |row: &Row| row.case.many.unwrap_or_default().to_string();
    let pattern =
        |pattern, size| move |row: &Row| row.case.pattern == pattern && row.case.size == size;
    for (name, kind, transport) in [
        ("throughput-tcp", "capi", Transport::Tcp),
        ("throughput-ipc", "capi", Transport::Ipc),
        ("throughput-inproc", "capi", Transport::Inproc),
        ("rivals-tcp", "rivals", Transport::Tcp),
    ] {
        let title = format!("PUSH to PULL over {}", transport.text());
        let rows = rows(kind, throughput(transport, false))?;
        save(
            name,
            &over_rows(
                title,
                "messages a second",
                Quantity::PerSecond,
                &rows,
                by_size,
            ),
        )?;
    }
    let rows_curve = rows("capi", throughput(Transport::Tcp, true))?;
    let title = "PUSH to PULL over tcp with CURVE".to_owned();
    save(
        "throughput-curve",
        &over_rows(
            title,
            "messages a second",
            Quantity::PerSecond,
            &rows_curve,
            by_size,
        ),
    )?;
    for row in rows("latency", |_| true)? {
        let name = format!("latency-{}", row.case.to_string().replace(' ', "-"));
        save(&name, &percentiles(&row))?;
    }
    let subscribers = rows("scale", pattern(Pattern::Fanout, 64))?;
    let title = "One PUB to so many SUBs over tcp, 64 B".to_owned();
    save(
        "subscribers",
        &over_rows(
            title,
            "published a second",
            Quantity::PerSecond,
            &subscribers,
            by_many,
        ),
    )?;
    let topics = rows("scale", pattern(Pattern::Subscriptions, 64))?;
    let title = "Publishing with so many subscriptions".to_owned();
    save(
        "subscriptions",
        &over_rows(
            title,
            "ns a message",
            Quantity::PublishNanos,
            &topics,
            by_many,
        ),
    )?;
    let connections = rows("scale", pattern(Pattern::Connections, 64))?;
    let title = "One ROUTER with so many connections".to_owned();
    save(
        "connections",
        &over_rows(
            title,
            "processor seconds a million round trips",
            Quantity::CpuSecondsPerMillion,
            &connections,
            by_many,
        ),
    )
}

/// Of the newest result of a kind.
fn rows(kind: &str, wanted: impl Fn(&Row) -> bool) -> Result<Vec<Row>> {
    let rows = saved::newest(kind)?.map(|(_, saved)| saved.rows);
    Ok(rows
        .unwrap_or_default()
        .into_iter()
        .filter(wanted)
        .collect())
}

fn save(name: &str, chart: &Chart) -> Result<()> {
    let Some(svg) = chart.svg() else {
        println!("no plot {name}: nothing is saved for it");
        return Ok(());
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.svg"));
    fs::write(&file, svg)?;
    println!("{}", file.display());
    Ok(())
}

/// A place for each row.
fn over_rows(
    title: String,
    unit: &'static str,
    quantity: Quantity,
    rows: &[Row],
    place: impl Fn(&Row) -> String,
) -> Chart {
    let mut names: Vec<String> = Vec::new();
    for contender in rows.iter().flat_map(|row| &row.contenders) {
        if !names.iter().any(|name| *name == contender.library) {
            names.push(contender.library.to_string());
        }
    }
    let line = |name: String| {
        let value = |row: &Row| {
            let mut contenders = row.contenders.iter();
            let contender = contenders.find(|contender| contender.library == name.as_str());
            contender?.median(quantity)
        };
        let values = rows.iter().map(value).collect();
        Line { name, values }
    };
    Chart {
        title,
        unit,
        places: rows.iter().map(place).collect(),
        lines: names.into_iter().map(line).collect(),
    }
}

/// A place for each part of all round trips.
fn percentiles(row: &Row) -> Chart {
    let parts = [Quantity::Median, Quantity::P99, Quantity::Max];
    Chart {
        title: row.case.to_string(),
        unit: "µs one way",
        places: parts.map(|part| part.text().to_owned()).to_vec(),
        lines: row
            .contenders
            .iter()
            .map(|contender| Line {
                name: contender.library.to_string(),
                values: parts.map(|part| contender.median(part)).to_vec(),
            })
            .collect(),
    }
}
