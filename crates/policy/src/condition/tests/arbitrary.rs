//! Random conditions, rows and principals over few columns, attributes and values, so that sides
//! are often equal, NULL or missing.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::attribute::{AttrId, AttrPath, Attribute, Attributes};
use crate::bound::Slot;
use crate::condition::{AttrView, Cmp, ColumnRef, Cond, RowView, Term};
use crate::ids::{ColumnId, RelationId};
use crate::value::{Type, Value};

const INT: ColumnRef = ColumnRef::Own(ColumnId(0));
const TEXT: ColumnRef = ColumnRef::Own(ColumnId(1));
const TIME: ColumnRef = ColumnRef::Own(ColumnId(2));
const HOP: ColumnRef = ColumnRef::Hop(RelationId(0), ColumnId(0));

/// The columns' values, by their order above.
#[derive(Debug, Clone)]
pub(crate) struct Row(Vec<Option<Value>>);

impl RowView for Row {
    fn value(&self, column: ColumnRef) -> Option<&Value> {
        let at = [INT, TEXT, TIME, HOP].iter().position(|known| *known == column).unwrap();
        self.0[at].as_ref()
    }
}

/// The attributes' values and the time.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) slots: Vec<Slot>,
    pub(crate) now: i64,
}

impl AttrView for Person {
    fn slot(&self, id: AttrId) -> &Slot {
        &self.slots[id.index()]
    }

    fn now_micros(&self) -> i64 {
        self.now
    }
}

fn path(name: &str) -> AttrPath {
    AttrPath::Metadata(vec![name.into()])
}

/// The attributes that random conditions read.
pub(crate) fn attributes() -> Attributes {
    let mut attributes = Attributes::default();
    for Attribute { path, ty, list } in [
        Attribute { path: path("int"), ty: Type::Int, list: false },
        Attribute { path: path("text"), ty: Type::Text, list: false },
        Attribute { path: AttrPath::Now, ty: Type::Timestamp, list: false },
        Attribute { path: path("ints"), ty: Type::Int, list: true },
        Attribute { path: path("texts"), ty: Type::Text, list: true },
        Attribute { path: AttrPath::TenantId, ty: Type::Text, list: false },
    ] {
        attributes.note(path, ty, list).unwrap();
    }
    attributes
}

fn int() -> impl Strategy<Value = Value> {
    prop_oneof![4 => 0_i64..3, 1 => Just(i64::MIN), 1 => Just(i64::MAX)].prop_map(Value::Int)
}

fn text() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["a", "ab", "b", "A", " a", "é"]).prop_map(Value::text)
}

fn time() -> impl Strategy<Value = Value> {
    (-1_i64..3).prop_map(Value::Timestamp)
}

fn of(ty: Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Int => int().boxed(),
        Type::Text => text().boxed(),
        _ => time().boxed(),
    }
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    let cell = |ty| prop::option::weighted(0.7, of(ty));
    (cell(Type::Int), cell(Type::Text), cell(Type::Timestamp), cell(Type::Text))
        .prop_map(|(int, text, time, hop)| Row(vec![int, text, time, hop]))
}

pub(crate) fn person() -> impl Strategy<Value = Person> {
    let one = |ty| prop_oneof![1 => Just(Slot::Missing), 2 => of(ty).prop_map(Slot::One)];
    let many = |ty| prop_oneof![1 => Just(Slot::Missing), 3 => vec(of(ty), 0..3).prop_map(Slot::Many)];
    (one(Type::Int), one(Type::Text), many(Type::Int), many(Type::Text), one(Type::Text), -1_i64..3).prop_map(
        |(int, text, ints, texts, tenant, now)| Person { slots: vec![int, text, Slot::Now, ints, texts, tenant], now },
    )
}

fn term(ty: Type) -> BoxedStrategy<Term> {
    let (columns, attrs) = match ty {
        Type::Int => (vec![INT], vec![0]),
        Type::Text => (vec![TEXT, HOP], vec![1, 5]),
        _ => (vec![TIME], vec![2]),
    };
    prop_oneof![
        2 => prop::sample::select(columns).prop_map(Term::Column),
        2 => prop::sample::select(attrs).prop_map(|at| Term::Attr(AttrId(at))),
        1 => of(ty).prop_map(Term::Literal),
    ]
    .boxed()
}

fn compare() -> impl Strategy<Value = Cond> {
    let equal = vec![Cmp::Eq, Cmp::Ne];
    let order = vec![Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge];
    prop::sample::select(vec![Type::Int, Type::Text, Type::Timestamp]).prop_flat_map(move |ty| {
        let operators = if ty == Type::Text { equal.clone() } else { order.clone() };
        (term(ty), prop::sample::select(operators), term(ty)).prop_map(move |(left, cmp, right)| Cond::Compare {
            left,
            cmp,
            right,
            ty,
        })
    })
}

fn member() -> impl Strategy<Value = Cond> {
    (prop::sample::select(vec![(Type::Int, 3), (Type::Text, 4)]), any::<bool>(), any::<bool>()).prop_flat_map(
        |((ty, list), negated, literals)| {
            (term(ty), vec(of(ty), 0..3)).prop_map(move |(term, items)| match literals {
                true => Cond::InLiterals { term, list: items, negated },
                false => Cond::InAttr { term, list: AttrId(list), negated },
            })
        },
    )
}

fn atom() -> impl Strategy<Value = Cond> {
    let prefix = prop_oneof![text().prop_map(Term::Literal), Just(Term::Attr(AttrId(1)))];
    prop_oneof![
        1 => any::<bool>().prop_map(Cond::Const),
        1 => (0_u16..6).prop_map(|at| Cond::Has(AttrId(at))),
        1 => (prop::sample::select(vec![INT, TEXT, TIME, HOP]), any::<bool>())
            .prop_map(|(column, negated)| Cond::IsNull { column, negated }),
        4 => compare(),
        3 => member(),
        1 => (term(Type::Text), prefix).prop_map(|(term, prefix)| Cond::StartsWith { term, prefix }),
    ]
}

pub(crate) fn cond() -> impl Strategy<Value = Cond> {
    atom().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 1..4).prop_map(Cond::And),
            vec(inner.clone(), 1..4).prop_map(Cond::Or),
            inner.prop_map(|inner| Cond::Not(Box::new(inner))),
        ]
    })
}
