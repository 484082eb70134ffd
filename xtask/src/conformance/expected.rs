//! What does not pass yet, and why. A row that passes has to go.

/// A case of a program, or the whole of it.
pub struct Expected {
    /// The program, without `test_`.
    pub program: &'static str,
    /// The case; `*` when the program as a whole does not pass.
    pub case: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// Of libzmq's programs.
pub const LIBZMQ: &[Expected] = &[];

/// Of pyzmq's tests.
pub const PYZMQ: &[Expected] = &[];
