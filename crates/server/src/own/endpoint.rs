//! What an endpoint is: one value from which routing, the OpenAPI document and the authorization matrix
//! are made. Its forms are those of its handler's own types, so they cannot say anything else.

use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tenantry_guard::Guard;
use tenantry_identity::text::Fields;
use tenantry_identity::{Audience, Caller, Identity, Permission, Reach, Refusal};

use crate::own::form;
use crate::own::reply::{Done, Reply};

/// How much of an account a token must be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Any token of the context.
    Anyone,
    /// A token for the account as a whole: one for a single workspace is refused.
    Account,
    /// A token for the account, or for the workspace that is meant.
    Workspace,
    /// A platform principal's token.
    Platform,
}

/// Makes the form of a type.
pub(crate) type Form = fn(&mut SchemaGenerator) -> Schema;

/// An endpoint.
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// The whole path, with `{parameters}`.
    pub(crate) path: String,
    pub(crate) summary: &'static str,
    pub(crate) context: Audience,
    pub(crate) level: Level,
    /// Any of these is needed; none means that any token of the context will do.
    pub(crate) any_of: &'static [Permission],
    /// The form of the query, whole.
    pub(crate) query: Value,
    /// The form of the body, whole.
    pub(crate) body: Option<Value>,
    /// The name of the body's form in the document.
    pub(crate) body_form: Option<Form>,
    pub(crate) status: u16,
    pub(crate) answer_form: Option<Form>,
    /// The method and the path.
    pub(crate) name: String,
    pub(crate) handle: Box<dyn Fn(Raw) -> Answering + Send + Sync>,
}

/// An answer on its way.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Done, Refusal>> + Send>>;

/// A call that passed: token, permission and the forms of path, query and body.
pub(crate) struct Raw {
    pub(crate) identity: Arc<Identity>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) caller: Caller,
    pub(crate) any_of: &'static [Permission],
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) query: Value,
    pub(crate) body: Value,
}

/// The same, typed.
pub(crate) struct Call<Q = (), B = ()> {
    pub(crate) identity: Arc<Identity>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) caller: Caller,
    /// Any of these was needed.
    pub(crate) any_of: &'static [Permission],
    params: Vec<(&'static str, String)>,
    pub(crate) query: Q,
    pub(crate) body: B,
    /// The body's members as they were sent, which tell null from absent.
    pub(crate) sent: Fields,
}

impl<Q, B> Call<Q, B> {
    /// A parameter of the path.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The id of the account that is meant.
    ///
    /// INVARIANT: a token for an account means that account, whatever else was sent; only the platform's
    /// own tokens, which have none, let the path name one.
    pub(crate) fn account(&self) -> &str {
        match &self.caller.reach {
            Reach::Account { account, .. } => account,
            Reach::Platform(_) | Reach::Operator => self.param("account_id"),
        }
    }
}

/// An endpoint of a method and a path; its forms are those of the handler's types.
pub(crate) fn endpoint<Q, B, R, F>(
    method: &'static str,
    path: impl Into<String>,
    handle: fn(Call<Q, B>) -> F,
) -> Endpoint
where
    Q: DeserializeOwned + JsonSchema + Send + 'static,
    B: DeserializeOwned + JsonSchema + Send + 'static,
    R: Reply,
    F: Future<Output = Result<R, Refusal>> + Send + 'static,
{
    let path = path.into();
    let context = context(&path);
    let has_body = TypeId::of::<B>() != TypeId::of::<()>();
    let body_form: Form = |generator| generator.subschema_for::<B>();
    Endpoint {
        name: [method, " ", &path].concat(),
        method,
        path,
        summary: "",
        context,
        level: match context {
            Audience::App => Level::Anyone,
            Audience::Dashboard => Level::Account,
            Audience::Portal => Level::Platform,
        },
        any_of: &[],
        query: form::whole::<Q>(),
        body: has_body.then(form::whole::<B>),
        body_form: has_body.then_some(body_form),
        status: R::STATUS.as_u16(),
        answer_form: R::FORM,
        handle: Box::new(move |raw| {
            Box::pin(async move {
                let sent = match &raw.body {
                    Value::Object(members) => members.clone(),
                    _ => Fields::new(),
                };
                let call = Call {
                    identity: raw.identity,
                    guard: raw.guard,
                    caller: raw.caller,
                    any_of: raw.any_of,
                    params: raw.params,
                    query: form::typed(raw.query)?,
                    body: form::typed(raw.body)?,
                    sent,
                };
                handle(call).await?.done()
            })
        }),
    }
}

/// The context that a path belongs to: the first part of the path names it.
fn context(path: &str) -> Audience {
    [Audience::App, Audience::Dashboard]
        .into_iter()
        .find(|context| path.split('/').nth(1) == Some(context.name()))
        .unwrap_or(Audience::Portal)
}

impl Endpoint {
    /// Says what it does, in a few words.
    pub(crate) fn says(self, summary: &'static str) -> Endpoint {
        Endpoint { summary, ..self }
    }

    /// Needs any of these permissions.
    pub(crate) fn needs(self, any_of: &'static [Permission]) -> Endpoint {
        Endpoint { any_of, ..self }
    }

    /// Also answers tokens for one workspace, in contexts that have such.
    pub(crate) fn in_a_workspace(self) -> Endpoint {
        let level = if self.context == Audience::Dashboard { Level::Workspace } else { self.level };
        Endpoint { level, ..self }
    }

    /// The names of the path's parameters, in their order.
    pub(crate) fn params(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}
