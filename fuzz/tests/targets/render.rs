//! The renderer: bytes choose a request, hostile texts in every place that takes one; what is allowed is rendered
//! for both databases.

use std::sync::Arc;

use tenantry_policy::request::{
    Act, AskAggregate, AskFilter, AskHaving, AskInclude, AskOrder, AskRead, AskTarget, FilterOp, Id, Literal, Operation,
};
use tenantry_policy::value::{parse_decimal, parse_timestamp};
use tenantry_policy::{Context, Request, Tool, Value, decide};
use tenantry_sql::render;

use crate::answer;
use crate::oracle::check_program;
use crate::world::{COLUMNS, DIALECTS, context, file, policy};

const HOSTILE: &[&str] = &[
    "zqx",
    "zqx' OR 1=1 --",
    "zqx\"; DROP TABLE orders; --",
    "zqx$1",
    "zqx?1",
    "zqx\\' OR ''='",
    "zqx*/",
    "/*zqx",
    "zqx;SELECT 1",
    "zqx%_",
    "zqx) UNION SELECT 1",
    "${zqx}",
    "E'zqx\\047'",
    "zqx\u{2019}",
    "$$zqx$$",
];

/// A rule of each kind, a hop among them, so that statements hold all that the emitter can write.
const RULES: &str = "shared = \"status = 'public'\"\n\
    permit.words = { when = \"status IN principal.metadata.words AND tenant_id = principal.tenant_id\" }\n\
    bypass.support = { when = \"'admin' IN principal.roles\", on = [\"read\", \"create\", \"update\", \"delete\"] }\n\
    require.customer = { when = \"customer.amount >= 0 OR NOT (customer.status STARTS WITH 'x') OR customer_id IS NULL\" }\n\
    require.made = { when = \"made <= principal.now OR made IS NULL OR total < DECIMAL '5.00'\" }\n";

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    (0..=255_u8)
        .step_by(5)
        .map(|first| (0..48).map(|at: u8| first.wrapping_add(at.wrapping_mul(37))).collect())
        .collect()
}

pub(crate) struct Target {
    contexts: Vec<Context>,
}

impl Target {
    pub(crate) fn new() -> Target {
        let contexts = DIALECTS.map(|dialect| {
            let policy = policy(file(RULES), dialect).expect("the file compiles");
            context(policy).expect("the principal binds")
        });
        Target { contexts: contexts.into_iter().collect() }
    }

    pub(crate) fn run(&self, input: &[u8]) -> u64 {
        let request = Choice(input.iter().copied()).request();
        let mut told = Vec::new();
        for context in &self.contexts {
            match decide(context, request.clone()) {
                Ok(allowed) => {
                    let program = render(&allowed).expect("what is allowed renders");
                    told.push(format!("{:?} {:?}", request.tool, check_program(&program)));
                }
                Err(denied) => told.push(format!("{:?}", denied.code)),
            }
        }
        answer(told)
    }
}

/// Bytes as choices; when they end, the first of everything.
struct Choice<I>(I);

impl<I: Iterator<Item = u8>> Choice<I> {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % n
    }

    fn hostile(&mut self) -> &'static str {
        HOSTILE[self.below(HOSTILE.len())]
    }

    fn field(&mut self) -> String {
        match self.below(12) {
            0 => self.hostile().to_owned(),
            _ => COLUMNS[self.below(COLUMNS.len())].0.to_owned(),
        }
    }

    fn fields(&mut self) -> Option<Vec<String>> {
        match self.below(3) {
            0 => None,
            count => Some((0..count).map(|_| self.field()).collect()),
        }
    }

    fn literal(&mut self) -> Literal {
        match self.below(9) {
            0 => Literal::Null,
            1 => Literal::Bool(self.below(2) == 0),
            2 => Literal::Int(i64::try_from(self.below(200)).unwrap() - 100),
            3 => Literal::Number(Arc::from(["1.50", "1e9", "99999999999999999999"][self.below(3)])),
            4 => Literal::Text(Arc::from("2026-01-01T00:00:00Z")),
            5 => Literal::Text(Arc::from("018f4c1e-7b5a-7c3e-9d2f-0a1b2c3d4e5f")),
            6 => {
                let count = self.below(4);
                Literal::List((0..count).map(|_| self.literal()).collect())
            }
            _ => Literal::Text(Arc::from(self.hostile())),
        }
    }

    fn filter(&mut self, depth: usize) -> AskFilter {
        if depth < 3 {
            match self.below(6) {
                0 => return AskFilter::And((0..=self.below(3)).map(|_| self.filter(depth + 1)).collect()),
                1 => return AskFilter::Or((0..=self.below(3)).map(|_| self.filter(depth + 1)).collect()),
                2 => return AskFilter::Not(Box::new(self.filter(depth + 1))),
                _ => {}
            }
        }
        let op = FilterOp::ALL[self.below(FilterOp::ALL.len())];
        let value = match op {
            FilterOp::In | FilterOp::NotIn => Literal::List((0..self.below(4)).map(|_| self.literal()).collect()),
            FilterOp::Between => Literal::List(vec![self.literal(), self.literal()]),
            _ => self.literal(),
        };
        AskFilter::Leaf { field: self.field(), op, value }
    }

    fn read(&mut self, depth: usize) -> AskRead {
        let includes = if depth < 2 { self.below(2) } else { 0 };
        AskRead {
            select: self.fields(),
            filter: (self.below(2) == 0).then(|| self.filter(0)),
            order: (0..self.below(3))
                .map(|_| AskOrder { field: self.field(), descending: self.below(2) == 0 })
                .collect(),
            take: (self.below(2) == 0).then(|| u32::try_from(self.below(60)).unwrap()),
            after: match self.below(6) {
                0 => Some((0..self.below(3)).map(|_| self.value()).collect()),
                _ => None,
            },
            include: (0..includes)
                .map(|_| AskInclude {
                    relation: ["customer", "orders", "zqx\"--"][self.below(3)].to_owned(),
                    read: self.read(depth + 1),
                })
                .collect(),
        }
    }

    fn value(&mut self) -> Option<Value> {
        match self.below(5) {
            0 => None,
            1 => Some(Value::Int(5)),
            2 => parse_decimal("1.5").map(Value::Decimal),
            3 => parse_timestamp("2026-01-01T00:00:00Z").map(Value::Timestamp),
            _ => Some(Value::text(self.hostile())),
        }
    }

    fn data(&mut self) -> Vec<(String, Literal)> {
        (0..=self.below(4)).map(|_| (self.field(), self.literal())).collect()
    }

    fn id(&mut self) -> Id {
        match self.below(4) {
            0 => Id::Composite(vec![(self.field(), self.literal())]),
            1 => Id::Single(self.literal()),
            _ => Id::Single(Literal::Int(1)),
        }
    }

    fn request(&mut self) -> Request {
        let tool = Tool::ALL[self.below(Tool::ALL.len())];
        let act = match tool {
            Tool::Query => Act::Query(self.read(0)),
            Tool::Get => Act::Get { id: self.id(), select: self.fields(), include: Vec::new() },
            Tool::Aggregate => Act::Aggregate(AskAggregate {
                operation: [Operation::Count, Operation::Sum, Operation::Avg, Operation::Min, Operation::Max]
                    [self.below(5)],
                field: (self.below(3) > 0).then(|| self.field()),
                filter: (self.below(2) == 0).then(|| self.filter(0)),
                group_by: (0..self.below(3)).map(|_| self.field()).collect(),
                having: (self.below(3) == 0)
                    .then(|| AskHaving { op: FilterOp::ALL[self.below(FilterOp::ALL.len())], value: self.literal() }),
                distinct: self.below(3) == 0,
            }),
            Tool::Create | Tool::BulkCreate => {
                let first = self.data();
                let rows = match tool {
                    Tool::Create => vec![first],
                    _ => vec![first.clone(), first],
                };
                Act::Create { rows, return_fields: self.fields() }
            }
            Tool::Update => Act::Update { target: AskTarget::Id(self.id()), data: self.data() },
            Tool::BulkUpdate => {
                let target = match self.below(2) {
                    0 => AskTarget::Where(self.filter(0)),
                    _ => AskTarget::Ids(vec![self.id(), Id::Single(Literal::Int(2))]),
                };
                Act::Update { target, data: self.data() }
            }
            Tool::Delete => Act::Delete { id: self.id() },
        };
        let model = match self.below(8) {
            0 => self.hostile(),
            1 => "customers",
            _ => "orders",
        };
        let reason = (self.below(2) == 0).then(|| self.hostile().to_owned());
        Request { tool, model: model.to_owned(), act, reason, dry_run: self.below(2) == 0 }
    }
}
