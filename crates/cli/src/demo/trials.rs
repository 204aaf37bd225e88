//! What the demo tries, as data: who asks what, what they must see, and why. Every expectation is
//! computed from the generated rows, with plain loops that know nothing of the engine.

use serde_json::{Value, json};

use crate::demo::data::{Customer, Dataset, Order};
use crate::demo::{agents, models};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// A user of an account, in its workspace `prod`.
    User {
        /// The account.
        account: &'static str,
        /// The user.
        user: &'static str,
    },
    /// The same, for the models' API.
    OfModels {
        /// The account.
        account: &'static str,
        /// The user.
        user: &'static str,
    },
    /// A platform principal.
    Platform(&'static str),
    /// Nobody: no token.
    Nobody,
}

/// One thing to try.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// A stable name: `agent-own-tickets`.
    pub name: &'static str,
    /// Who asks, in words: `an agent of Northwind`.
    pub role: &'static str,
    /// Who asks.
    pub caller: Caller,
    /// The calls, in order.
    pub steps: Vec<Step>,
    /// What they see, in one sentence.
    pub sees: String,
    /// Why, by the rules of the file.
    pub why: &'static str,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The tool; or the whole path, beginning with a slash.
    pub tool: &'static str,
    /// Its arguments. A value `{"$before": "/pointer"}` stands for that value of the answer before.
    pub body: Value,
    /// Headers besides the token.
    pub headers: &'static [(&'static str, &'static str)],
    /// What must come back.
    pub expect: Expect,
}

impl Step {
    /// Where it is sent.
    #[must_use]
    pub fn path(&self) -> String {
        if self.tool.starts_with('/') { self.tool.to_owned() } else { ["/app/v1/tools/", self.tool].concat() }
    }
}

/// What must come back.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// Success, with all of these facts.
    Answer(Vec<Fact>),
    /// All of these facts, of an answer in the form of a model's protocol.
    Bare(Vec<Fact>),
    /// A refusal with this code, in the form of a model's protocol.
    BareRefused(&'static str),
    /// A refusal with one of these codes.
    Refused(&'static [&'static str]),
    /// To the byte what the step before answered, but for the request's id.
    SameAsBefore,
}

/// A fact about an answer; `at` is a JSON pointer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// This value stands there. Numbers compare by value.
    Is(&'static str, Value),
    /// A list of this length stands there.
    Count(&'static str, usize),
    /// Each row of the list has this value in this field; the list is not empty.
    Every(&'static str, &'static str, Value),
    /// The field's values, row by row, are exactly these.
    Column(&'static str, &'static str, Vec<Value>),
    /// The object there has no such field.
    Lacks(&'static str, &'static str),
    /// The text there is 32 hexadecimal digits.
    Hash(&'static str),
}

const ANA: Caller = Caller::User { account: "northwind", user: "ana@northwind.example" };
const ADA: Caller = Caller::User { account: "northwind", user: "ada@northwind.example" };
const EVA: Caller = Caller::User { account: "northwind-eu", user: "eva@northwind-eu.example" };
const INES: Caller = Caller::User { account: "northwind", user: "ines@northwind.example" };
const GUS: Caller = Caller::User { account: "globex", user: "gus@globex.example" };
const GIA: Caller = Caller::User { account: "globex", user: "gia@globex.example" };
const SAM: Caller = Caller::Platform("sam@platform.example");

fn step(tool: &'static str, body: Value, expect: Expect) -> Step {
    Step { tool, body, headers: &[], expect }
}

fn answer(facts: impl IntoIterator<Item = Fact>) -> Expect {
    Expect::Answer(facts.into_iter().collect())
}

/// The rows that the trials speak of.
struct Cast<'a> {
    data: &'a Dataset,
    /// A live, open order of Northwind.
    order: &'a Order,
    /// Another one, for the delete that waits.
    other_order: &'a Order,
    /// An archived order of Northwind.
    archived: &'a Order,
    /// A live order of Globex.
    foreign: &'a Order,
    /// A customer of Northwind with at least three live orders.
    customer: &'a Customer,
    /// A key that no order has.
    absent: i64,
}

impl<'a> Cast<'a> {
    fn of(data: &'a Dataset) -> Option<Cast<'a>> {
        let mut open = data
            .orders
            .iter()
            .filter(|order| order.tenant_id == "northwind" && order.is_live() && order.status == "open");
        Some(Cast {
            data,
            order: open.next()?,
            other_order: open.next()?,
            archived: data.orders.iter().find(|order| {
                order.tenant_id == "northwind" && order.status == "archived" && order.deleted_at.is_none()
            })?,
            foreign: data.orders.iter().find(|order| order.tenant_id == "globex" && order.is_live())?,
            customer: data.customers.iter().find(|customer| {
                customer.tenant_id == "northwind"
                    && data.orders.iter().filter(|order| order.customer_id == customer.id && order.is_live()).count()
                        >= 3
            })?,
            absent: data.orders.last()?.id + 1_000_000,
        })
    }

    fn live_sum(&self, tenant: &str) -> i64 {
        let own = self.data.orders.iter().filter(|order| order.tenant_id == tenant && order.is_live());
        own.map(|order| order.total_cents).sum()
    }

    fn live_count(&self, tenant: &str) -> usize {
        self.data.orders.iter().filter(|order| order.tenant_id == tenant && order.is_live()).count()
    }

    fn tickets_of(&self, tenant: &str, agent: &str) -> impl Iterator<Item = i64> {
        let own = self.data.tickets.iter();
        own.filter(move |ticket| ticket.tenant_id == tenant && ticket.assigned_to == Some(agent))
            .map(|ticket| ticket.id)
    }

    fn tickets_in(&self, tenant: &str) -> usize {
        self.data.tickets.iter().filter(|ticket| ticket.tenant_id == tenant).count()
    }

    /// The keys of a customer's live orders, the newest key first.
    fn orders_of_customer(&self) -> Vec<i64> {
        let own = self.data.orders.iter().filter(|order| order.customer_id == self.customer.id && order.is_live());
        own.map(|order| order.id).rev().collect()
    }
}

/// Everything that the demo tries on these rows, in order. Empty when there are too few rows to try
/// anything, which [`Dataset::generate`] never makes.
#[must_use]
pub fn trials(data: &Dataset) -> Vec<Trial> {
    let Some(cast) = Cast::of(data) else { return Vec::new() };
    let mut all = reads(&cast);
    all.extend(fields(&cast));
    all.extend(writes(&cast));
    all.extend(models::trials());
    all.extend(agents::trials(foreign_customer(&cast)));
    all
}

fn reads(cast: &Cast<'_>) -> Vec<Trial> {
    let own: Vec<i64> = cast.tickets_of("northwind", "ana@northwind.example").take(6).collect();
    let pages = |from: usize| own.iter().skip(from).take(3).map(|id| json!(id)).collect::<Vec<_>>();
    let ana_tickets = cast.tickets_of("northwind", "ana@northwind.example").count();
    let newest: Vec<Value> = cast.orders_of_customer().into_iter().take(2).map(|id| json!(id)).collect();
    let documents = |confidential_too: bool, user: &str| {
        let own = cast.data.documents.iter().filter(|document| document.tenant_id == "northwind");
        own.filter(|document| confidential_too || !document.is_confidential || document.owner_id == user).count()
    };
    let public: Vec<Value> = cast.data.plans.iter().filter(|plan| plan.is_public).map(|plan| json!(plan.id)).collect();
    vec![
        Trial {
            name: "agent-own-tickets",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![
                step(
                    "query",
                    json!({"model": "tickets", "select": ["id", "assigned_to", "subject"],
                        "order_by": [{"field": "id", "direction": "asc"}], "take": 3}),
                    answer([
                        Fact::Column("/data", "id", pages(0)),
                        Fact::Every("/data", "assigned_to", json!("ana@northwind.example")),
                        Fact::Is("/has_more", json!(true)),
                    ]),
                ),
                step(
                    "query",
                    json!({"model": "tickets", "select": ["id", "assigned_to", "subject"],
                        "order_by": [{"field": "id", "direction": "asc"}], "take": 3,
                        "cursor": {"$before": "/next_cursor"}}),
                    answer([Fact::Column("/data", "id", pages(3))]),
                ),
            ],
            sees: "only tickets assigned to her; the signed cursor goes on where the page ended".to_owned(),
            why: "table.tickets.scope: tenant_id = principal.tenant_id AND assigned_to = principal.metadata.agent",
        },
        Trial {
            name: "agent-count",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "aggregate",
                json!({"model": "tickets", "operation": "count"}),
                answer([Fact::Is("/data/0/value", json!(ana_tickets))]),
            )],
            sees: format!("{ana_tickets} tickets of {} in her organization", cast.tickets_in("northwind")),
            why: "counting goes through the same scope as reading",
        },
        Trial {
            name: "admin-all-tickets",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![step(
                "aggregate",
                json!({"model": "tickets", "operation": "count"}),
                answer([Fact::Is("/data/0/value", json!(cast.tickets_in("northwind")))]),
            )],
            sees: format!("all {} tickets of Northwind, and none of anybody else", cast.tickets_in("northwind")),
            why: "table.tickets.permit.admin widens to the own organization",
        },
        Trial {
            name: "child-alone",
            role: "an agent of Northwind Europe",
            caller: EVA,
            steps: vec![step(
                "aggregate",
                json!({"model": "orders", "operation": "count"}),
                answer([Fact::Is("/data/0/value", json!(cast.live_count("northwind-eu")))]),
            )],
            sees: format!(
                "the {} orders of her organization, and none of the one above it",
                cast.live_count("northwind-eu")
            ),
            why: "a parent may be let in to its child; nothing leads the other way",
        },
        Trial {
            name: "other-tenant-same-id",
            role: "an agent of Globex",
            caller: GUS,
            steps: vec![
                step(
                    "get",
                    json!({"model": "orders", "id": cast.order.id}),
                    answer([Fact::Is("/found", json!(false)), Fact::Is("/data", Value::Null)]),
                ),
                step("get", json!({"model": "orders", "id": cast.absent}), Expect::SameAsBefore),
            ],
            sees: "found: false, and the very same answer for an order that does not exist".to_owned(),
            why: "table.orders.scope; somebody else's row and no row answer alike",
        },
        Trial {
            name: "header-changes-nothing",
            role: "an agent of Globex who sends X-Tenant-Id: northwind",
            caller: GUS,
            steps: vec![Step {
                tool: "aggregate",
                body: json!({"model": "orders", "operation": "count"}),
                headers: &[("x-tenant-id", "northwind"), ("x-account", "northwind")],
                expect: answer([Fact::Is("/data/0/value", json!(cast.live_count("globex")))]),
            }],
            sees: format!("the {} orders of Globex", cast.live_count("globex")),
            why: "the tenant comes from the verified token, never from a header, path or body",
        },
        Trial {
            name: "no-token",
            role: "somebody without a token",
            caller: Caller::Nobody,
            steps: vec![step("query", json!({"model": "orders"}), Expect::Refused(&["AUTHENTICATION_REQUIRED"]))],
            sees: "AUTHENTICATION_REQUIRED".to_owned(),
            why: "no token, no principal; no principal, no rows",
        },
        Trial {
            name: "parent-analyst",
            role: "the analyst of Northwind, parent of Northwind Europe",
            caller: INES,
            steps: vec![step(
                "aggregate",
                json!({"model": "orders", "operation": "sum", "field": "total_cents", "group_by": ["tenant_id"]}),
                answer([
                    Fact::Column("/data", "tenant_id", vec![json!("northwind"), json!("northwind-eu")]),
                    Fact::Column(
                        "/data",
                        "value",
                        vec![json!(cast.live_sum("northwind")), json!(cast.live_sum("northwind-eu"))],
                    ),
                ]),
            )],
            sees: "the sums of her organization and of its child, not of Globex".to_owned(),
            why: "table.orders.permit.parent-access, within tenancy.reach.read",
        },
        Trial {
            name: "support-bypass",
            role: "platform support",
            caller: SAM,
            steps: vec![step(
                "aggregate",
                json!({"model": "tickets", "operation": "count", "group_by": ["tenant_id"]}),
                answer([
                    Fact::Column(
                        "/data",
                        "tenant_id",
                        vec![json!("globex"), json!("northwind"), json!("northwind-eu")],
                    ),
                    Fact::Column(
                        "/data",
                        "value",
                        ["globex", "northwind", "northwind-eu"].map(|tenant| json!(cast.tickets_in(tenant))).to_vec(),
                    ),
                ]),
            )],
            sees: "the tickets of all three organizations, on record".to_owned(),
            why: "table.tickets.bypass.support: named, audited, reads only",
        },
        Trial {
            name: "archived-for-nobody",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![step(
                "get",
                json!({"model": "orders", "id": cast.archived.id}),
                answer([Fact::Is("/found", json!(false))]),
            )],
            sees: "found: false for an archived order of her own organization".to_owned(),
            why: "table.orders.require.not-archived narrows for everybody, bypasses too",
        },
        Trial {
            name: "confidential-documents",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "aggregate",
                json!({"model": "documents", "operation": "count"}),
                answer([Fact::Is("/data/0/value", json!(documents(false, "ana@northwind.example")))]),
            )],
            sees: format!(
                "{} of {} documents: the open ones and her own",
                documents(false, "ana@northwind.example"),
                documents(true, "")
            ),
            why: "table.documents.require.confidential",
        },
        Trial {
            name: "shared-plans",
            role: "an agent of Globex",
            caller: GUS,
            steps: vec![step(
                "query",
                json!({"model": "plans", "order_by": [{"field": "id", "direction": "asc"}]}),
                answer([Fact::Column("/data", "id", public.clone()), Fact::Lacks("/data/0", "internal_cost_cents")]),
            )],
            sees: format!("the {} public plans, without what they cost us", public.len()),
            why: "table.plans.shared: is_public = TRUE",
        },
        Trial {
            name: "include-with-limit",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "get",
                json!({"model": "customers", "id": cast.customer.id, "select": ["id", "name"],
                    "include": [{"relation": "orders", "select": ["id", "status"], "take": 2,
                        "order_by": [{"field": "id", "direction": "desc"}],
                        "include": [{"relation": "lines", "take": 1}]}]}),
                answer([
                    Fact::Is("/data/name", json!(cast.customer.name)),
                    Fact::Column("/data/orders", "id", newest),
                    Fact::Count("/data/orders/0/lines", 1),
                ]),
            )],
            sees: "the customer with the two newest orders and one line of each, in one batched statement".to_owned(),
            why: "each included table's own rules and limits apply, per parent",
        },
    ]
}

fn fields(cast: &Cast<'_>) -> Vec<Trial> {
    let last4: String = cast.customer.card.chars().skip(cast.customer.card.chars().count().saturating_sub(4)).collect();
    vec![
        Trial {
            name: "masked-and-hashed",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "get",
                json!({"model": "customers", "id": cast.customer.id, "select": ["name", "card", "email"]}),
                answer([
                    Fact::Is("/data/name", json!(cast.customer.name)),
                    Fact::Is("/data/card", json!(["***", &last4].concat())),
                    Fact::Hash("/data/email"),
                ]),
            )],
            sees: format!("***{last4} in place of the card, a keyed hash in place of the address"),
            why: "table.customers.fields: card = mask last4, email = hash",
        },
        Trial {
            name: "masked-is-no-oracle",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "query",
                json!({"model": "customers", "where": {"field": "card", "op": "startswith", "value": "4000"}}),
                Expect::Refused(&["FIELD_NOT_ALLOWED"]),
            )],
            sees: "FIELD_NOT_ALLOWED".to_owned(),
            why: "a masked field may not be filtered by: each answer would tell a digit",
        },
        Trial {
            name: "denied-field",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![
                step(
                    "query",
                    json!({"model": "customers", "select": ["id", "internal_note"]}),
                    Expect::Refused(&["FIELD_NOT_ALLOWED"]),
                ),
                step(
                    "query",
                    json!({"model": "customers", "order_by": [{"field": "internal_note", "direction": "asc"}]}),
                    Expect::Refused(&["FIELD_NOT_ALLOWED"]),
                ),
            ],
            sees: "FIELD_NOT_ALLOWED, in select and in order_by alike".to_owned(),
            why: "table.customers.fields: internal_note = deny",
        },
    ]
}

fn writes(cast: &Cast<'_>) -> Vec<Trial> {
    vec![
        Trial {
            name: "forged-tenant",
            role: "an administrator of Globex",
            caller: GIA,
            steps: vec![step(
                "create",
                json!({"model": "documents", "data": {"tenant_id": "northwind", "title": "Hello", "body": "from Globex",
                    "is_confidential": false}}),
                Expect::Refused(&["VALIDATION_ERROR", "WRITE_DISABLED", "FIELD_NOT_ALLOWED"]),
            )],
            sees: "a refusal: she may not say whose row it is".to_owned(),
            why: "table.documents.write.auto_set: the server sets tenant_id",
        },
        Trial {
            name: "foreign-reference",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![
                step(
                    "create",
                    json!({"model": "orders", "reason": "phone call", "data":
                        {"customer_id": foreign_customer(cast), "status": "open", "total_cents": 100}}),
                    Expect::Refused(&["VALIDATION_ERROR", "NOT_FOUND"]),
                ),
                step(
                    "create",
                    json!({"model": "orders", "reason": "phone call", "data":
                        {"customer_id": cast.absent, "status": "open", "total_cents": 100}}),
                    Expect::SameAsBefore,
                ),
            ],
            sees: "the same refusal for Globex's customer and for one that does not exist".to_owned(),
            why: "a row that is pointed at must be visible to the caller",
        },
        Trial {
            name: "tool-not-granted",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "delete",
                json!({"model": "orders", "id": cast.order.id, "reason": "why not"}),
                Expect::Refused(&["TOOL_NOT_ALLOWED", "MODEL_NOT_ALLOWED"]),
            )],
            sees: "TOOL_NOT_ALLOWED".to_owned(),
            why: "role.agent does not grant orders.delete",
        },
        Trial {
            name: "reason-missing",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "update",
                json!({"model": "orders", "id": cast.order.id, "data": {"status": "paid"}}),
                Expect::Refused(&["REASON_REQUIRED"]),
            )],
            sees: "REASON_REQUIRED".to_owned(),
            why: "table.orders.write.require_reason",
        },
        Trial {
            name: "update-with-reason",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![
                step(
                    "update",
                    json!({"model": "orders", "id": cast.order.id, "data": {"status": "paid"},
                        "reason": "bank transfer arrived"}),
                    answer([]),
                ),
                step(
                    "get",
                    json!({"model": "orders", "id": cast.order.id, "select": ["status", "updated_by"]}),
                    answer([
                        Fact::Is("/data/status", json!("paid")),
                        Fact::Is("/data/updated_by", json!("auth0|ana@northwind.example")),
                    ]),
                ),
            ],
            sees: "the order paid, and her name on the change".to_owned(),
            why: "table.orders.write: update = [\"status\"], auto_update sets updated_by",
        },
        Trial {
            name: "foreign-update",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![
                step(
                    "update",
                    json!({"model": "orders", "id": cast.foreign.id, "data": {"status": "paid"}, "reason": "mine now"}),
                    Expect::Refused(&["NOT_FOUND"]),
                ),
                step(
                    "update",
                    json!({"model": "orders", "id": cast.absent, "data": {"status": "paid"}, "reason": "mine now"}),
                    Expect::SameAsBefore,
                ),
            ],
            sees: "NOT_FOUND for Globex's order, to the byte as for one that does not exist".to_owned(),
            why: "the old row must be visible for the update, in the same statement",
        },
        Trial {
            name: "archiving-hides",
            role: "an agent of Northwind",
            caller: ANA,
            steps: vec![step(
                "update",
                json!({"model": "orders", "id": cast.other_order.id, "data": {"status": "archived"}, "reason": "old"}),
                Expect::Refused(&["VALIDATION_ERROR", "NOT_FOUND", "WRITE_DISABLED"]),
            )],
            sees: "a refusal: the new row would break a rule".to_owned(),
            why: "table.orders.require.not-archived holds for the row as it would become",
        },
        Trial {
            name: "too-many-rows",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![step(
                "bulk_update",
                json!({"model": "orders", "where": {"field": "status", "op": "eq", "value": "open"},
                    "data": {"status": "paid"}, "reason": "spring cleaning"}),
                Expect::Refused(&["MAX_AFFECTED_ROWS_EXCEEDED"]),
            )],
            sees: "MAX_AFFECTED_ROWS_EXCEEDED, and nothing changed".to_owned(),
            why: "table.orders.write.max_rows = 5",
        },
        Trial {
            name: "delete-waits",
            role: "an administrator of Northwind",
            caller: ADA,
            steps: vec![
                step(
                    "delete",
                    json!({"model": "orders", "id": cast.other_order.id, "reason": "entered twice"}),
                    Expect::Refused(&["WRITE_APPROVAL_REQUIRED"]),
                ),
                step(
                    "get",
                    json!({"model": "orders", "id": cast.other_order.id, "select": ["id"]}),
                    answer([Fact::Is("/found", json!(true))]),
                ),
            ],
            sees: "WRITE_APPROVAL_REQUIRED: a manager must agree first, and the order is still there".to_owned(),
            why: "table.orders.write.approval: roles = [\"manager\"], on = [\"delete\"]",
        },
    ]
}

fn foreign_customer(cast: &Cast<'_>) -> i64 {
    cast.foreign.customer_id
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn even_a_small_demo_has_every_trial_and_names_are_unique() {
        for rows in [600, 5_000] {
            let all = trials(&Dataset::generate(2026, rows));
            assert!(all.len() >= 20, "{} trials of {rows} rows", all.len());
            let names: BTreeSet<_> = all.iter().map(|trial| trial.name).collect();
            assert_eq!(names.len(), all.len());
            assert!(all.iter().all(|trial| !trial.steps.is_empty()));
        }
    }

    #[test]
    fn callers_and_accounts_are_those_of_the_file() {
        let file = crate::demo::file_for(tenantry_policy::catalog::Dialect::Sqlite);
        for trial in trials(&Dataset::generate(2026, 2_000)) {
            let header = match trial.caller {
                Caller::User { account, user } | Caller::OfModels { account, user } => {
                    format!("[account.{account}.workspace.prod.user.\"{user}\"]")
                }
                Caller::Platform(principal) => format!("[principal.\"{principal}\"]"),
                Caller::Nobody => continue,
            };
            assert!(file.contains(&header), "{header}");
        }
    }
}
