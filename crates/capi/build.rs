//! Gives the shared library the name that programs linked to libzmq ask for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");
}
