//! Conditions: parsed, written again, checked, evaluated, and emitted for both databases.

use tenantry_policy::condition::{NoRow, eval, parse, to_text};
use tenantry_policy::request::{Act, AskRead};
use tenantry_policy::{Request, Tool, decide};
use tenantry_sql::{policy_expressions, render};

use crate::answer;
use crate::oracle::{check, check_program};
use crate::world::{DIALECTS, context, file, policy};

pub(crate) const WORDS: &[&str] = &[
    " AND ",
    " OR ",
    "NOT ",
    "HAS ",
    " IS NULL",
    " IS NOT NULL",
    " IN ",
    " NOT IN ",
    " STARTS WITH ",
    " LIKE 'zqx%'",
    "TRUE",
    "FALSE",
    "=",
    "<>",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "(",
    ")",
    "'zqx'",
    "''",
    "status",
    "amount",
    "total",
    "made",
    "open",
    "batch",
    "tenant_id",
    "customer.status",
    "customer.amount",
    "principal.tenant_id",
    "principal.user_id",
    "principal.roles",
    "principal.now",
    "principal.metadata.word",
    "principal.metadata.words",
    "principal.metadata.a.b",
    "5",
    "-1",
    "DECIMAL '1.50'",
    "TIMESTAMP '2026-01-01T00:00:00Z'",
    "UUID '018f4c1e-7b5a-7c3e-9d2f-0a1b2c3d4e5f'",
    "nope",
    "lower(status)",
    "1 + 1",
    "NULL",
];

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "status = 'zqx'",
        "status IN ('a', 'b') OR amount > 5",
        "NOT (customer.status STARTS WITH 'zqx')",
        "tenant_id IN principal.metadata.words",
        "HAS principal.metadata.word AND status = principal.metadata.word",
        "total >= DECIMAL '1.50' AND made < principal.now",
        "batch = UUID '018f4c1e-7b5a-7c3e-9d2f-0a1b2c3d4e5f'",
        "open = TRUE OR open IS NULL",
        "'support' IN principal.roles",
        "status NOT IN principal.metadata.words AND customer.amount <= 7",
        "made > TIMESTAMP '2026-01-01T00:00:00Z'",
        "((((status <> 'x'))))",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

pub(crate) struct Target;

impl Target {
    pub(crate) fn new() -> Target {
        Target
    }

    pub(crate) fn run(&self, input: &[u8]) -> u64 {
        let text = String::from_utf8_lossy(input);
        let tree = match parse(&text) {
            Ok(tree) => tree,
            Err(error) => return answer((1, format!("{:?}", error.code))),
        };
        let again = to_text(&tree);
        let reparsed = parse(&again).unwrap_or_else(|error| panic!("{error:?}: {again}"));
        assert_eq!(to_text(&reparsed), again, "written again, it reads otherwise");
        let rule = format!("bypass.case = {{ when = {} }}\n", serde_json::Value::from(text.as_ref()));
        let mut shape = Vec::new();
        for dialect in DIALECTS {
            let Some(policy) = policy(file(&rule), dialect) else { return answer((2, again.len() / 8)) };
            let rules = policy_expressions(&policy, "main").expect("row security renders");
            for expression in rules.iter().flat_map(|rule| rule.using.iter().chain(&rule.check)) {
                // Literals of a rule stand in row security, quoted: whatever they hold, it stays one expression.
                let sql = format!("SELECT 1 FROM t WHERE ({expression})");
                let parsed = sqlparser::parser::Parser::parse_sql(&sqlparser::dialect::PostgreSqlDialect {}, &sql);
                assert_eq!(parsed.unwrap_or_else(|error| panic!("{error}: {sql}")).len(), 1);
            }
            let Some(context) = context(policy) else { return answer(3) };
            let table = context.bound.policy.find("orders").expect("the table");
            let case = table.rules.iter().find(|rule| rule.address.as_str().ends_with("case")).expect("the rule");
            shape.push(format!("{:?}", eval(&case.when, &NoRow, &context)));
            let act = Act::Query(AskRead::default());
            let request = Request { tool: Tool::Query, model: "orders".to_owned(), act, reason: None, dry_run: false };
            if let Ok(allowed) = decide(&context, request) {
                let program = render(&allowed).expect("renders");
                check_program(&program);
            }
            check(dialect, "SELECT 1");
            shape.push(format!("{:?}", std::mem::discriminant(&case.when)));
        }
        answer((4, shape, again.len() / 8))
    }
}
