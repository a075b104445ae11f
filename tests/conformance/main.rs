//! Conformance: what is true on a real Directus.
//!
//! Each test that starts one is `#[ignore = "real Directus: run by cargo xtask test"]`, so that `cargo test` says why
//! it does not run it and needs no Node; `cargo xtask test` installs the servers and runs all of them.

mod smoke;
