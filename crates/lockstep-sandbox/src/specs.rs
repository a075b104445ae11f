//! Descriptions of the API for other programs: OpenAPI and GraphQL.

pub(crate) mod graphql;
pub(crate) mod openapi;
