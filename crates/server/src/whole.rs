//! Calls that run to their end, whether or not the caller stays for the answer.

use std::future::Future;
use std::sync::Arc;

use axum::response::Response;
use tenantry_guard::Reply;
use tenantry_guard::reply::refusal;
use tenantry_policy::{Code, Denied};

use crate::answer::from_reply;

/// Answers a call of the guard.
///
/// A caller that hangs up makes the server drop the request's future wherever it stands: a write that
/// the database has already begun to commit would then never get its end, with the rows before and
/// after, in the audit. So the call is a task of its own, which nobody drops.
pub(crate) async fn answered(call: impl Future<Output = Reply> + Send + 'static) -> Response {
    from_reply(kept(call).await)
}

/// The same, with the reply itself.
pub(crate) async fn kept(call: impl Future<Output = Reply> + Send + 'static) -> Reply {
    match tokio::spawn(call).await {
        Ok(reply) => reply,
        Err(error) => {
            tracing::error!(%error, "a call did not end");
            let denied = Denied::new(Code::InternalError, "the call failed on our side");
            let request_id = Arc::from("none");
            Reply { code: Some(denied.code), body: refusal(&denied, &request_id, &[]), request_id }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_goes_on_when_its_caller_hangs_up() {
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let (told, ended) = tokio::sync::oneshot::channel::<()>();
        let call = async move {
            let _ = wait.await;
            let _ = told.send(());
            Reply { code: None, body: Vec::new(), request_id: Arc::from("none") }
        };
        let hung_up = tokio::time::timeout(std::time::Duration::ZERO, answered(call)).await;
        assert!(hung_up.is_err());
        go.send(()).unwrap();
        ended.await.unwrap();
    }
}
