//! What is sent to fill an instance, in order.

use lockstep_sandbox::sample::Step;
use serde_json::Value;

use crate::Error;
use crate::directus::Http;

/// Records per request. The largest ones have some 500 bytes, and a server takes 1 MB.
const BATCH: usize = 500;

/// Sends the steps, each after the one before.
pub(super) async fn send(http: &Http, steps: Vec<Step>) -> Result<(), Error> {
    for step in steps {
        match step {
            Step::Batch(path, records) => {
                for batch in records.chunks(BATCH) {
                    http.post(path, &Value::Array(batch.to_vec())).await?;
                }
            }
            Step::Each(path, records) => {
                for record in &records {
                    http.post(path, record).await?;
                }
            }
            Step::Patch(path, record) => {
                http.patch(path, &record).await?;
            }
        }
    }
    Ok(())
}
