//! Work of our own beside the slowest request of a command.

use futures::future::{Either, ready, try_select};

/// Sends `slow` before `quick`, and gives what `quick` came to as soon as it is there, with the rest of `slow` to be awaited
/// when it is needed. Meanwhile the server goes on with it.
///
/// # Errors
/// Of whichever fails first; the other is given up.
pub(crate) async fn beside<S, Q, E>(
    slow: impl Future<Output = Result<S, E>> + Unpin,
    quick: impl Future<Output = Result<Q, E>> + Unpin,
) -> Result<(Q, impl Future<Output = Result<S, E>>), E> {
    match try_select(slow, quick).await {
        Ok(Either::Left((slow, quick))) => Ok((quick.await?, Either::Left(ready(Ok(slow))))),
        Ok(Either::Right((quick, slow))) => Ok((quick, Either::Right(slow))),
        Err(failed) => Err(failed.factor_first().0),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::channel::oneshot;
    use futures::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_quick_one_does_not_wait() {
        let (done, slow) = oneshot::channel::<u8>();
        let (quick, slow) = beside(slow, ready(Ok(1))).await.unwrap();
        assert_eq!(quick, 1);
        done.send(2).unwrap();
        assert_eq!(slow.await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_should_be_slow_may_be_there_first() {
        let (done, quick) = oneshot::channel::<u8>();
        let slow = pin!(async {
            done.send(1).unwrap();
            Ok(2)
        });
        let (quick, slow) = beside(slow, quick).await.unwrap();
        assert_eq!((quick, slow.await.unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn the_first_failure_is_the_failure_of_both() {
        let never = || pending::<Result<u8, &str>>();
        assert_eq!(beside(never(), ready(Err::<u8, _>("quick"))).await.err(), Some("quick"));
        assert_eq!(beside(ready(Err::<u8, _>("slow")), never()).await.err(), Some("slow"));
    }
}
