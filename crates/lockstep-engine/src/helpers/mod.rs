//! The small helps of directus-sync, on every kind of store and with nothing installed.

mod duplicates;
mod ready;
mod untrack;

pub use duplicates::{Duplicate, Duplicates, Keep, remove_duplicates};
pub use ready::{Ready, Waiting, wait_ready};
pub use untrack::{Untracked, untrack};
