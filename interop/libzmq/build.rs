//! Builds libzmq once and keeps the archive in the shared target folder, so that the interop and
//! the bench workspaces, in debug and in release, link the same optimised library.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Change it whenever the defines below change: it names the cache folder.
const RECIPE: &str = "libzmq-4.3.5-r2";

/// What libzmq's own configure script finds on Linux and the `zeromq-src` crate leaves out. Without
/// eventfd, libzmq falls back to socket pairs, and the comparison would be with a slower library
/// than the one distributions ship. The conformance suites build with the same list.
const FOUND_BY_CONFIGURE: &str = include_str!("found_by_configure.txt");

/// As distributions ship it, with libsodium, which the system has to have.
const CURVE: &str = "ZMQ_HAVE_CURVE ZMQ_USE_LIBSODIUM";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=found_by_configure.txt");
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let cache = target_dir(&out_dir).join(RECIPE);
    fs::create_dir_all(&cache).unwrap_or_else(|e| panic!("{}: {e}", cache.display()));

    let lock = File::create(cache.join("lock")).expect("the cache folder was just created");
    lock.lock().expect("the file system can lock files");
    let done = cache.join("done");
    if !done.exists() {
        compile(&cache);
        File::create(&done).expect("the cache folder is writable");
    }

    // The archive must come before the C++ runtime it needs.
    println!(
        "cargo:rustc-link-search=native={}",
        cache.join("lib").display()
    );
    println!("cargo:rustc-link-lib=static=zmq");
    println!("cargo:rustc-link-lib=sodium");
    println!("cargo:rustc-link-lib=stdc++");
    println!("cargo:root={}", cache.display());
}

/// `<target>/<profile>/build/<package>/out` → `<target>`.
fn target_dir(out_dir: &Path) -> &Path {
    out_dir
        .ancestors()
        .nth(4)
        .expect("OUT_DIR lies four folders below the target folder")
}

/// Compiles into `cache/lib`, headers into `cache/source/include`.
fn compile(cache: &Path) {
    let defines: Vec<String> = FOUND_BY_CONFIGURE
        .split_whitespace()
        .chain(CURVE.split_whitespace())
        .map(|d| format!("-D{d}"))
        .collect();
    // SAFETY: build scripts are single-threaded at this point; nobody reads the environment
    // concurrently. `zeromq-src` and `cc` take their settings from here.
    unsafe {
        env::set_var("OUT_DIR", cache);
        env::set_var("OPT_LEVEL", "3");
        env::set_var("DEBUG", "false");
        env::set_var("CXXFLAGS", defines.join(" "));
    }
    zeromq_src::Build::new().build();
}
