//! Gives the shared library the name that programs linked to libzmq ask for, and keeps it loaded
//! after `dlclose`: a thread of it may still be looking up a name.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
