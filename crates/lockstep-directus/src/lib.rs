//! A client of the Directus API: requests built without IO, transport, retry, authentication, errors, and the
//! endpoints that a tool needs which reads and writes a whole instance.
//!
//! A [`Request`] is plain data and says how safe it is to send twice ([`Safety`]); a [`Client`] sends it. A request
//! that creates something is never sent again when the server may have done it already: the caller gets
//! [`ErrorKind::Lost`] and looks. Endpoint modules have a pure `request_…` function for each request, and an async
//! function that sends it and reads the answer.
//!
//! Nothing here knows of syncing.

pub mod activity;
mod answer;
mod auth;
mod base_url;
pub mod caches;
mod client;
pub mod collections;
mod decorator;
mod error;
mod event;
pub mod items;
mod limiter;
pub mod mappings;
pub mod policies;
pub mod realtime;
mod refusal;
pub mod relations;
mod request;
mod retry;
pub mod schema;
pub mod server;
mod transport;
pub mod users;
pub mod web;

pub use answer::Answer;
pub use auth::Auth;
pub use bytes::Bytes;
pub use client::{Client, ClientOptions, Observer};
pub use decorator::{Decorated, Decorator, Exchanged, NotExchanged, Outgoing};
pub use error::{Error, ErrorKind};
pub use event::RequestEvent;
pub use request::{Body, Method, Request, Safety, path_segment};
pub use retry::RetryPolicy;
