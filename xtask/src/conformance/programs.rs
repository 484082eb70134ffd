//! libzmq's test programs, compiled once against the shared library.
//!
//! Its unit tests are left out: they use what is inside libzmq.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::jobs;
use super::reference::{Reference, finish, sources_in};
use super::report::LeftOut;
use super::suite::{self, Company};
use crate::command::Command;

/// One program.
#[derive(Debug, Clone)]
pub struct Program {
    /// Without `test_`.
    pub name: String,
    /// What it is about.
    pub group: &'static str,
    /// The executable.
    pub path: PathBuf,
}

/// What the programs are about.
const GROUPS: &[(&str, &str)] = &[
    (
        "core",
        "bind_after_connect_tcp ctx_destroy disconnect_inproc hwm hwm_pubsub inproc_connect \
         mock_pub_sub monitor pair_inproc pair_tcp proxy proxy_hwm proxy_single_socket \
         proxy_steerable proxy_terminate reqrep_device reqrep_inproc reqrep_tcp spec_dealer \
         spec_pushpull spec_rep spec_req spec_router stream stream_disconnect stream_empty \
         stream_exceeds_buffer sub_forward term_endpoint",
    ),
    (
        "option",
        "conflate connect_delay_tipc connect_rid ctx_options diffserv filter_ipc \
         getsockopt_memset heartbeats immediate last_endpoint pair_tcp_cap_net_admin \
         probe_router pub_invert_matching reconnect_ivl req_correlate req_relaxed \
         router_handover router_mandatory router_mandatory_hwm setsockopt sockopt_hwm \
         stream_timeout tcp_accept_filter timeo use_fd xpub_manual xpub_nodrop xpub_verbose \
         xpub_welcome_msg",
    ),
    (
        "transport",
        "abstract_ipc address_tipc bind_src_address connect_resolve ipc_wildcard pair_ipc \
         pair_tipc pair_vmci pubsub rebind_ipc reqrep_device_tipc reqrep_ipc reqrep_tipc \
         reqrep_vmci router_mandatory_tipc socks sub_forward_tipc term_endpoint_tipc \
         unbind_wildcard ws_transport wss_transport",
    ),
    (
        "draft",
        "app_meta busy_poll channel client_server dgram disconnect_msg hello_msg hiccup_msg \
         msg_init peer poller pubsub_topics_count radio_dish reconnect_options router_notify \
         scatter_gather xpub_manual_last_value xsub_verbose zmq_ppoll_fd zmq_ppoll_signals",
    ),
    (
        "robustness",
        "bind_curve_fuzzer bind_fuzzer bind_null_fuzzer bind_stream_fuzzer bind_ws_fuzzer \
         connect_curve_fuzzer connect_fuzzer connect_null_fuzzer connect_stream_fuzzer \
         connect_ws_fuzzer invalid_rep issue_566 many_sockets socket_options_fuzzer system \
         xpub_topic z85_decode_fuzzer",
    ),
    (
        "util",
        "ancillaries atomics base85 capabilities iov msg_ffn msg_flags socket_null sodium \
         srcfd timers zmq_poll_fd",
    ),
    (
        "security",
        "metadata security_curve security_gssapi security_no_zap_handler security_null \
         security_plain security_zap",
    ),
    (
        "threads",
        "fork shutdown_stress shutdown_stress_tipc thread_safe",
    ),
];

/// Programs with ports or names of their own choosing, or that expect nobody at some port.
const FIXED_NAMES: &[&str] = &[
    "abstract_ipc",
    "address_tipc",
    "bind_src_address",
    "connect_delay_tipc",
    "connect_resolve",
    "disconnect_msg",
    "immediate",
    "pair_tipc",
    "radio_dish",
    "reqrep_device_tipc",
    "reqrep_tcp",
    "reqrep_tipc",
    "router_mandatory_tipc",
    "shutdown_stress_tipc",
    "sub_forward_tipc",
    "term_endpoint_tipc",
];

/// Programs that take all the descriptors or threads they can get.
const GREEDY: &[&str] = &["many_sockets", "shutdown_stress"];

/// Has the output written line by line, so that it tells how far a program came that died.
const LINE_BUFFERED: &str = "#include <stdio.h>
__attribute__((constructor)) static void line_buffered(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}
";

impl suite::Program for Program {
    fn name(&self) -> &str {
        &self.name
    }

    fn group(&self) -> &'static str {
        self.group
    }

    fn company(&self) -> Company {
        let name = self.name.as_str();
        match () {
            () if FIXED_NAMES.contains(&name) => Company::NoFixedNames,
            () if GREEDY.contains(&name) => Company::Nobody,
            () => Company::Any,
        }
    }
}

/// Compiles what is not there yet. A reference built anew begins with an empty folder, which is
/// part of its own. Returns the programs, and those that cannot be compiled here.
pub fn build(reference: &Reference) -> Result<(Vec<Program>, Vec<LeftOut>)> {
    let folder = reference.prefix().join("programs");
    fs::create_dir_all(&folder)?;
    let tests = reference.sources().join("tests");
    let mut sources = sources_in(&tests, "cpp")?;
    let shared: Vec<PathBuf> = sources
        .extract_if(.., |source| name_of(source).starts_with("testutil"))
        .collect();
    let left_out = sources.extract_if(.., |source| lacks(reference, name_of(source)).is_some());
    let left_out = left_out.map(|source| {
        let name = name_of(&source);
        let needs = lacks(reference, name).unwrap_or_default();
        LeftOut {
            program: name.strip_prefix("test_").unwrap_or(name).to_owned(),
            why: format!("it cannot be compiled without {needs}"),
            reference: None,
        }
    });
    let left_out = left_out.collect();

    let line_buffered = folder.join("line_buffered.c");
    fs::write(&line_buffered, LINE_BUFFERED)?;
    let shared: Vec<PathBuf> = shared
        .into_iter()
        .chain([
            reference.sources().join("external/unity/unity.c"),
            line_buffered,
        ])
        .collect();
    let shared = jobs::each(&shared, jobs::processors(), |source| {
        reference.object(source, &folder)
    })?;

    let missing = |source: &&PathBuf| !folder.join(name_of(source)).exists();
    match sources.iter().filter(missing).count() {
        0 => {}
        count => eprintln!("compiling {count} test programs"),
    }
    let programs = jobs::each(&sources, jobs::processors(), |source| {
        program(reference, source, &shared, &folder)
    })?;
    Ok((programs, left_out))
}

/// What `file` cannot be compiled without, and is not there.
fn lacks(reference: &Reference, file: &str) -> Option<&'static str> {
    match file {
        "test_pair_vmci" | "test_reqrep_vmci" => Some("VMware's headers"),
        "test_security_curve" if !reference.curve => Some("libsodium's headers"),
        "test_wss_transport" if !reference.wss => Some("GnuTLS's headers"),
        _ => None,
    }
}

fn program(
    reference: &Reference,
    source: &Path,
    shared: &[PathBuf],
    folder: &Path,
) -> Result<Program> {
    let file = name_of(source);
    let path = folder.join(file);
    if !path.exists() {
        let object = reference.object(source, folder)?;
        let unfinished = folder.join(format!("{file}.unfinished"));
        let mut link = Command::new("g++")
            .arguments(&["-o"])
            .arguments(&[&unfinished, &object])
            .arguments(shared);
        if file == "test_security_curve" {
            // It shakes hands by hand.
            for part in ["err", "random", "clock"] {
                let source = reference.sources().join(format!("src/{part}.cpp"));
                link = link.arguments(&[reference.object(&source, folder)?]);
            }
            link = link.arguments(&["-lsodium"]);
        }
        // A function that a library lacks fails the programs that call it, and no others.
        let link = link
            .arguments(&["-Wl,-z,lazy", "-L"])
            .arguments(&[reference.library_folder()])
            .arguments(&["-l:libzmq.so.5", "-lpthread"]);
        finish(link, &unfinished, &path)?;
        fs::remove_file(object)?;
    }
    let name = file
        .strip_prefix("test_")
        .context("test programs are called test_…")?;
    Ok(Program {
        name: name.to_owned(),
        group: group_of(name)?,
        path,
    })
}

fn group_of(name: &str) -> Result<&'static str> {
    let mut groups = GROUPS.iter();
    match groups.find(|(_, names)| names.split(' ').any(|other| other == name)) {
        Some((group, _)) => Ok(group),
        None => bail!("test_{name} is in no group"),
    }
}

fn name_of(source: &Path) -> &str {
    let name = source.file_stem().and_then(|name| name.to_str());
    name.unwrap_or_default()
}
