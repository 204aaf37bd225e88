//! Calls that run to their end, whether or not the caller stays for the answer.

use std::future::Future;
use std::sync::Arc;

use axum::response::Response;
use tenantry_guard::Reply;
use tenantry_guard::reply::refusal;
use tenantry_policy::{Clock, Code, Denied};

use crate::answer::from_reply;

/// Answers a call of the guard.
///
/// A caller that hangs up makes the server drop the request's future wherever it stands: a write that
/// the database has already begun to commit would then never get its end, with the rows before and
/// after, in the audit. So the call is a task of its own, which nobody drops.
pub(crate) async fn answered(clock: &dyn Clock, call: impl Future<Output = Reply> + Send + 'static) -> Response {
    from_reply(kept(call).await, clock)
}

/// The same, with the reply itself.
pub(crate) async fn kept(call: impl Future<Output = Reply> + Send + 'static) -> Reply {
    match tokio::spawn(call).await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::error!(%error, "a call did not end");
            let denied = Denied::new(Code::InternalError, "the call failed on our side");
            let request_id = Arc::from("none");
            let body = refusal(&denied, &request_id, &[]);
            Reply { code: Some(denied.code), body, request_id, standing: None, retry_after: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now_micros(&self) -> i64 {
            0
        }

        fn monotonic(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
    }

    #[tokio::test]
    async fn a_call_goes_on_when_its_caller_hangs_up() {
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (told, ended) = tokio::sync::oneshot::channel::<()>();
        let call = async move {
            let _ = wait.await;
            let _ = told.send(());
            Reply { code: None, body: Vec::new(), request_id: Arc::from("none"), standing: None, retry_after: None }
        };
        let hung_up = tokio::time::timeout(std::time::Duration::ZERO, answered(&Noon, call)).await;
        assert!(hung_up.is_err());
        go.send(()).unwrap();
        ended.await.unwrap();
    }
}
