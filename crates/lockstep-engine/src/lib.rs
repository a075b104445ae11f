//! placeholder

pub mod dump;
