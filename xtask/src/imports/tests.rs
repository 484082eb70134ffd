//! Each rule catches a line that breaks it, and lets pass what only looks like it.

use std::path::Path;

use super::*;

/// The broken rules of a crate with all layers, into which `file` is put.
fn broken(file: &str, text: &str) -> Vec<String> {
    broken_with("", file, text)
}

fn broken_with(lib: &str, file: &str, text: &str) -> Vec<String> {
    let layers = LAYERS
        .iter()
        .map(|layer| (format!("{}.rs", layer.name), ""));
    let files = layers.chain([("lib.rs".to_owned(), lib), (file.to_owned(), text)]);
    let sources: Vec<Source> = files
        .map(|(file, text)| Source::parse(Path::new(&file), text).unwrap())
        .collect();
    check_sources(&sources)
}

#[test]
fn an_import_across_layers_is_caught_with_its_line() {
    let text = "use crate::route::FairQueue;\n\nuse crate::transport::tcp;\n";
    assert_eq!(
        broken("pattern/push.rs", text),
        ["pattern/push.rs:3: pattern names transport (crate::transport::tcp)"]
    );
}

#[test]
fn every_pair_in_the_table_is_caught() {
    for layer in rules() {
        for never in layer.never {
            let root = if *never == "zmtp" { "" } else { "crate::" };
            let text = format!("use {root}{never}::Thing;");
            assert_eq!(
                broken(&format!("{}/x.rs", layer.name), &text).len(),
                1,
                "{text}"
            );
        }
    }
    for ground in GROUND {
        let text = "use crate::route::Thing;";
        assert_eq!(broken(&format!("{ground}.rs"), text).len(), 1, "{ground}");
    }
}

#[test]
fn other_ways_to_say_it_are_caught_too() {
    for text in [
        "use crate::{message::Message, reactor::{Timer, self}};",
        "use super::super::reactor::Timer;",
        "use super::super::{reactor as r};",
        "fn f(t: crate::reactor::Timer) {}",
        "fn f() { println!(\"{}\", crate::reactor::NOW); }",
        "mod inner { use super::super::super::reactor::Timer; }",
        "macro_rules! m { () => { $crate::reactor::now() } }",
        "pub(crate) use crate::reactor::*;",
        "use crate::*;",
    ] {
        assert!(!broken("pattern/push.rs", text).is_empty(), "{text}");
    }
}

#[test]
fn a_detour_through_the_root_is_caught() {
    let lib = "mod socket; pub use socket::{Socket, Other as Alias};";
    for name in ["Socket", "Alias"] {
        let found = broken_with(lib, "route/x.rs", &format!("use crate::{name};"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("route names socket"));
    }
}

#[test]
fn what_only_looks_like_it_passes() {
    for text in [
        "// use crate::reactor::Timer;",
        "/// See [`crate::reactor`].\nfn f() {}",
        "const S: &str = \"use crate::reactor::Timer;\";",
        "use crate::route::FairQueue; use std::collections::HashMap;",
        "#[cfg(test)] use crate::reactor::Timer;",
        "#[cfg(test)] mod tests { use crate::reactor::Timer; } fn f() {}",
        "#[cfg(all(test, unix))] #[path = \"x.rs\"] mod tests { use crate::reactor::Timer; }",
        "fn f() -> impl Iterator<Item = u8> + use<> { [].into_iter() }",
    ] {
        assert_eq!(broken("pattern/push.rs", text), [""; 0], "{text}");
    }
    // The same behind `cfg(not(test))` is real.
    let text = "#[cfg(not(test))] use crate::reactor::Timer;";
    assert_eq!(broken("pattern/push.rs", text).len(), 1);
}

#[test]
fn test_modules_in_their_own_files_are_left_out() {
    let parse = |file: &str, text: &str| Source::parse(Path::new(file), text).unwrap();
    let layers = LAYERS.iter().map(|l| parse(&format!("{}.rs", l.name), ""));
    let with_tests = [
        parse("pattern/push.rs", "#[cfg(test)]\nmod tests;"),
        parse("pattern/push/tests.rs", "use crate::reactor::Timer;"),
    ];
    let sources: Vec<Source> = layers.chain(with_tests).collect();
    assert_eq!(check_sources(&sources), [""; 0]);
}

#[test]
fn wiring_is_for_context_and_socket_alone() {
    let text = "use crate::pattern::Push; use crate::transport::tcp;";
    assert_eq!(broken("socket/open.rs", text), [""; 0]);
    assert_eq!(broken("context.rs", text), [""; 0]);
    let found = broken("monitor.rs", text);
    assert_eq!(
        found,
        ["monitor wires {\"pattern\", \"transport\"} together"]
    );
    assert_eq!(broken("monitor.rs", "use crate::transport::tcp;"), [""; 0]);
}

#[test]
fn options_name_the_two_layers_whose_settings_they_hold() {
    let text = "use crate::pattern::Setting; use crate::transport::TransportOptions;";
    assert_eq!(broken("options/store.rs", text), [""; 0]);
    assert_eq!(
        broken("options/store.rs", "use crate::reactor::Threads;").len(),
        1
    );
}

#[test]
fn the_document_agrees_with_the_rules_or_is_told_where_not() {
    let row = |name: &str, never: &str| format!("| `{name}` | {never} |\n");
    let mut text = "## Who may import whom\n\n| | Never names |\n|---|---|\n".to_owned();
    text += "| `zmtp` | anything of ours but `salsa` |\n";
    text += "| `pipe` | anything of ours but `biased` |\n";
    text += "| `biased`, `salsa` | anything of ours |\n";
    text += "| `message`, `error`, `peer`, `security` | a layer |\n";
    for rule in rules() {
        text += &row(
            rule.name,
            &rule.never.join(", ").replace("zmtp", "the protocol"),
        );
    }
    assert_eq!(check_document(&text), [""; 0]);

    let fewer = text.replace(
        "| connection, transport, reactor,",
        "| connection, reactor,",
    );
    assert!(check_document(&fewer)[0].contains("pattern never names"));
    let without = text.replace("| `options` |", "| `opinions` |");
    assert_eq!(
        check_document(&without),
        [
            "ARCHITECTURE.md: no row for options",
            "ARCHITECTURE.md: nothing holds the row of opinions"
        ]
    );
    assert!(!check_document("# nothing\n").is_empty());
}

#[test]
fn a_layer_that_is_gone_is_noticed() {
    let sources = [Source::parse(Path::new("lib.rs"), "").unwrap()];
    assert_eq!(check_sources(&sources).len(), LAYERS.len());
}

#[test]
fn crates_depend_only_as_the_table_says() {
    let package = |name: &str, dependencies: &[(&str, Option<&str>)]| {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(name, kind)| serde_json::json!({ "name": name, "kind": kind }))
            .collect();
        serde_json::json!({ "name": name, "dependencies": dependencies })
    };
    let metadata = serde_json::json!({ "packages": [
        package("zincmq-zmtp", &[("thiserror", None), ("zincmq-testkit", Some("dev"))]),
        package("zincmq-pipe", &[("zincmq-zmtp", None)]),
        package("zincmq-testkit", &[]),
        package("zincmq-stray", &[]),
    ]});
    assert_eq!(
        check_crates(&metadata).unwrap(),
        [
            "zincmq-pipe depends on zincmq-zmtp",
            "zincmq-stray is not in the table of crates"
        ]
    );
}
