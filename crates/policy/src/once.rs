//! One decision for a principal of whom nothing was kept: a token seen for the first time.
//!
//! [`Bound`](crate::Bound) types every attribute of the policy and decides every table, once per token.
//! [`Once`] looks only at what one table's rules for one operation read, so its cost does not grow with
//! the number of tables, roles or attributes. Both answer alike, which a property test holds.

use smallvec::SmallVec;

use crate::attribute::AttrId;
use crate::bound::{Access, BindError, Slot, access, check_keys, value_of};
use crate::condition::{AttrView, RowView};
use crate::ids::TableId;
use crate::policy::Policy;
use crate::principal::Principal;
use crate::table::Table;
use crate::tool::Tool;

/// What a principal may do with one table through one tool.
#[derive(Debug, Clone)]
pub struct Once<'a> {
    table: &'a Table,
    access: Access,
    /// The attributes that the table's rules for the operation read.
    values: SmallVec<[(AttrId, Slot); 6]>,
    now_micros: i64,
}

impl<'a> Once<'a> {
    /// Decides for one table and tool. `None` when no role of the principal grants the tool there.
    ///
    /// # Errors
    /// [`BindError`] when a name of the principal, or an attribute that the table's rules read, is
    /// present but empty, NULL or of the wrong type. Attributes that only other tables read are not
    /// looked at; [`Bound::new`](crate::Bound::new) refuses those too.
    pub fn decide(
        policy: &'a Policy,
        principal: &Principal,
        table: TableId,
        tool: Tool,
        now_micros: i64,
    ) -> Result<Option<Once<'a>>, BindError> {
        check_keys(principal)?;
        let Some(table) = policy.table(table) else { return Ok(None) };
        let granted = principal.roles.iter().any(|role| {
            policy.roles.get(role.as_str()).is_some_and(|grants| {
                let found = grants.tools.binary_search_by_key(&table.id, |(id, _)| *id);
                found.ok().and_then(|at| grants.tools.get(at)).is_some_and(|(_, set)| set.has(tool))
            })
        });
        if !granted {
            return Ok(None);
        }
        let op = tool.op();
        let mut wanted: SmallVec<[AttrId; 8]> = SmallVec::new();
        let mut want = |id| {
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        };
        for rule in table.rules.iter().filter(|rule| rule.on.has(op)) {
            rule.when.attributes(&mut want);
        }
        if let Some(boundary) = table.boundary.get(op.index()) {
            boundary.attributes(&mut want);
        }
        let mut values = SmallVec::new();
        for id in wanted {
            let Some(attribute) = policy.attributes.get(id) else { continue };
            values.push((id, value_of(policy, id, attribute, principal)?));
        }
        let access = access(table, op, &Known(&values));
        Ok(Some(Once { table, access, values, now_micros }))
    }

    /// The rules that take part.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }

    /// May the principal, through this tool, touch this row of the table?
    #[must_use]
    pub fn shows(&self, row: &dyn RowView) -> bool {
        self.access.shows(self.table, row, self)
    }
}

impl AttrView for Once<'_> {
    fn slot(&self, id: AttrId) -> &Slot {
        find(&self.values, id)
    }

    fn now_micros(&self) -> i64 {
        self.now_micros
    }
}

/// The attributes before the decision is made.
struct Known<'a>(&'a [(AttrId, Slot)]);

impl AttrView for Known<'_> {
    fn slot(&self, id: AttrId) -> &Slot {
        find(self.0, id)
    }

    fn now_micros(&self) -> i64 {
        0
    }
}

fn find(values: &[(AttrId, Slot)], id: AttrId) -> &Slot {
    values.iter().find(|(known, _)| *known == id).map_or(&Slot::Missing, |(_, slot)| slot)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::bound::Bound;
    use crate::condition::Cond;
    use crate::condition::tests::arbitrary::{self, Person};
    use crate::context::Context;
    use crate::ids::Address;
    use crate::policy::RoleGrants;
    use crate::principal::Datum;
    use crate::table::{Budget, OpSet, Rule, RuleKind, Writes};
    use crate::tool::ToolSet;
    use crate::value::Value;

    fn table(rules: Vec<Rule>, boundary: Cond) -> Table {
        Table {
            id: TableId(0),
            name: "t".into(),
            description: None,
            source: "main".into(),
            dialect: crate::catalog::Dialect::Sqlite,
            schema: "main".into(),
            db_name: "t".into(),
            columns: Vec::new(),
            key: Vec::new(),
            unique: Vec::new(),
            relations: Vec::new(),
            tenant: None,
            rules,
            boundary: [boundary.clone(), boundary.clone(), boundary.clone(), boundary],
            writes: Writes::default(),
            budget: Budget::default(),
            by_name: BTreeMap::new(),
        }
    }

    fn rules() -> impl Strategy<Value = Vec<Rule>> {
        let kinds = vec![RuleKind::Scope, RuleKind::Shared, RuleKind::Permit, RuleKind::Bypass, RuleKind::Require];
        let one = (prop::sample::select(kinds), any::<bool>(), arbitrary::cond()).prop_map(|(kind, all, when)| Rule {
            address: Address::new("table.t.rule"),
            kind,
            on: if all { OpSet::ALL } else { OpSet::READ },
            when,
            text: "".into(),
        });
        vec(one, 0..5)
    }

    /// The principal whose attributes, read by the policy of [`arbitrary::attributes`], are the person's.
    fn principal(person: &Person, roles: &[&str]) -> Principal {
        let datum = |value: &Value| match value {
            Value::Int(number) => Datum::Int(*number),
            Value::Text(text) => Datum::Text(text.to_string()),
            other => panic!("no attribute is {other:?}"),
        };
        let mut principal =
            Principal { roles: roles.iter().map(|role| (*role).to_owned()).collect(), ..Principal::default() };
        for (name, slot) in ["int", "text", "now", "ints", "texts", "tenant"].into_iter().zip(&person.slots) {
            let datum = match slot {
                Slot::One(value) => datum(value),
                Slot::Many(list) => Datum::List(list.iter().map(datum).collect()),
                Slot::Missing | Slot::Now => continue,
            };
            match (name, datum) {
                ("tenant", Datum::Text(text)) => principal.tenant_id = Some(text),
                (name, datum) => {
                    principal.metadata.insert(name.to_owned(), datum);
                }
            }
        }
        principal
    }

    fn policy(table: Table) -> Arc<Policy> {
        let readers = RoleGrants { tools: vec![(TableId(0), ToolSet::NONE.with(Tool::Query).with(Tool::Delete))] };
        Arc::new(Policy {
            attributes: arbitrary::attributes(),
            tables: vec![table],
            roles: [("reader".into(), readers), ("other".into(), RoleGrants::default())].into(),
            ..Policy::default()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn once_answers_as_a_kept_binding_does(
            rules in rules(), boundary in arbitrary::cond(), rows in vec(arbitrary::row(), 1..4),
            person in arbitrary::person(), reads in any::<bool>(),
        ) {
            let roles: &[&str] = if reads { &["other", "reader", "unknown"] } else { &["other"] };
            let policy = policy(table(rules, boundary));
            let principal = Arc::new(principal(&person, roles));
            let bound = Arc::new(Bound::new(Arc::clone(&policy), Arc::clone(&principal)).unwrap());
            let context =
                Context { bound: Arc::clone(&bound), now_micros: person.now, request_id: Arc::from("req") };
            for tool in Tool::ALL {
                let once = Once::decide(&policy, &principal, TableId(0), tool, person.now).unwrap();
                let access = bound.access(TableId(0), tool.op());
                let granted = bound.tools(TableId(0)).has(tool);
                prop_assert_eq!(once.as_ref().map(Once::access), granted.then_some(access));
                for row in &rows {
                    let kept = granted && access.shows(&policy.tables[0], row, &context);
                    prop_assert_eq!(once.as_ref().is_some_and(|once| once.shows(row)), kept);
                }
            }
        }
    }

    #[test]
    fn a_principal_that_could_be_misread_is_refused() {
        let reads_int =
            Cond::InAttr { term: crate::condition::Term::Literal(Value::Int(1)), list: AttrId(3), negated: false };
        let scope = Rule {
            address: Address::new("table.t.scope"),
            kind: RuleKind::Scope,
            on: OpSet::ALL,
            when: reads_int,
            text: "".into(),
        };
        let policy = policy(table(vec![scope], Cond::Const(true)));
        let with = |name: &str, datum| Principal {
            roles: vec!["reader".to_owned()],
            metadata: BTreeMap::from([(name.to_owned(), datum)]),
            ..Principal::default()
        };
        let unfit = [
            Principal { tenant_id: Some(String::new()), ..Principal::default() },
            Principal { roles: vec!["a\0".to_owned()], ..Principal::default() },
            with("ints", Datum::Int(1)),
        ];
        for principal in unfit {
            assert!(Once::decide(&policy, &principal, TableId(0), Tool::Query, 0).is_err());
        }
        // No rule of the table reads it.
        assert!(Once::decide(&policy, &with("int", Datum::Null), TableId(0), Tool::Query, 0).is_ok());
        assert!(matches!(Once::decide(&policy, &Principal::default(), TableId(9), Tool::Query, 0), Ok(None)));
    }
}
