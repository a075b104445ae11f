//! The server's caches, which outlive what they cache.

use crate::{Client, Error, Request, Safety};

/// `POST /utils/cache/clear`: the data cache, or with `system` the caches of schema and permissions too.
pub fn request_clear(system: bool) -> Request {
    let request = Request::post("/utils/cache/clear").safety(Safety::Idempotent);
    if system { request.query("system", "true") } else { request }
}

/// Clears the data cache and the system cache.
///
/// # Errors
/// Those of [`Client::send`].
pub async fn clear(client: &Client) -> Result<(), Error> {
    client.send(&request_clear(false)).await?;
    client.send(&request_clear(true)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_may_be_repeated() {
        assert_eq!(request_clear(true).target(), "/utils/cache/clear?system=true");
        assert_eq!(request_clear(false).safety, Safety::Idempotent);
    }
}
