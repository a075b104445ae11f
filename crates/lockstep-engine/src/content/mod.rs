//! Content of an instance: the rows that a comparison is about, and no others, whatever else its collections hold.

mod rows;
pub(crate) use rows::Wanted;
