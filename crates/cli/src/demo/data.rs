//! The demo's rows, made from a seed. The same seed and size make the same rows on every machine,
//! so that what the demo expects can be computed from them rather than written down.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The organizations: name, share of the rows in percent, and the people who take tickets there.
pub const ACCOUNTS: [(&str, u64, &[&str]); 3] = [
    ("northwind", 45, &["ana@northwind.example", "bo@northwind.example", "chi@northwind.example"]),
    ("northwind-eu", 25, &["eva@northwind-eu.example", "emil@northwind-eu.example"]),
    ("globex", 30, &["gus@globex.example", "gil@globex.example"]),
];

/// The size that the demo has unless asked otherwise, in rows of all tables together.
pub const DEFAULT_ROWS: u64 = 200_000;

/// The seed that the demo has unless asked otherwise.
pub const DEFAULT_SEED: u64 = 2026;

/// 2026-01-01T00:00:00Z in microseconds: the end of the demo's time.
const END: i64 = 1_767_225_600_000_000;
/// A minute in microseconds.
const MINUTE: i64 = 60_000_000;
/// Minutes in two years: the demo's time goes back this far.
const SPAN_MINUTES: u64 = 2 * 365 * 24 * 60;

/// A plan that customers may buy. The same for all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Key.
    pub id: i64,
    /// Name.
    pub name: &'static str,
    /// What customers pay.
    pub price_cents: i64,
    /// What it costs us; nobody's business.
    pub internal_cost_cents: i64,
    /// Offered to everybody?
    pub is_public: bool,
}

/// A customer of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Key.
    pub id: i64,
    /// The account.
    pub tenant_id: &'static str,
    /// Name.
    pub name: String,
    /// E-mail.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// Card number (a made-up one).
    pub card: String,
    /// The plan.
    pub plan_id: i64,
    /// What the agents think; never shown.
    pub internal_note: Option<&'static str>,
    /// Microseconds since 1970.
    pub created_at: i64,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Key.
    pub id: i64,
    /// The account.
    pub tenant_id: &'static str,
    /// Who ordered.
    pub customer_id: i64,
    /// open, paid, shipped, archived.
    pub status: &'static str,
    /// The sum of its lines.
    pub total_cents: i64,
    /// Microseconds since 1970.
    pub placed_at: i64,
    /// Softly deleted at this time.
    pub deleted_at: Option<i64>,
}

impl Order {
    /// Does any rule of the demo's file let people see it?
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.status != "archived" && self.deleted_at.is_none()
    }
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Key.
    pub id: i64,
    /// The order.
    pub order_id: i64,
    /// The article.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// For one.
    pub price_cents: i64,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Key.
    pub id: i64,
    /// The account.
    pub tenant_id: &'static str,
    /// About whom.
    pub customer_id: i64,
    /// The agent, or nobody yet.
    pub assigned_to: Option<&'static str>,
    /// What it is about.
    pub subject: String,
    /// 1 (urgent) to 4.
    pub priority: i64,
    /// new, open, solved.
    pub status: &'static str,
    /// Microseconds since 1970.
    pub created_at: i64,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Key.
    pub id: i64,
    /// The account.
    pub tenant_id: &'static str,
    /// Whose it is.
    pub owner_id: &'static str,
    /// Title.
    pub title: String,
    /// Text.
    pub body: String,
    /// Only for its owner and administrators?
    pub is_confidential: bool,
    /// Microseconds since 1970.
    pub created_at: i64,
}

/// All rows of the demo, ordered by key in each table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dataset {
    /// Shared by all accounts.
    pub plans: Vec<Plan>,
    /// Per account.
    pub customers: Vec<Customer>,
    /// Per account.
    pub orders: Vec<Order>,
    /// Through their order.
    pub lines: Vec<Line>,
    /// Per account and agent.
    pub tickets: Vec<Ticket>,
    /// Per account, some per owner.
    pub documents: Vec<Document>,
}

const FIRST: &[&str] = &[
    "Ada", "Bela", "Carl", "Dora", "Edith", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena", "Milo", "Nora",
    "Omar", "Pia", "Quinn", "Rosa", "Sami", "Tara", "Udo", "Vera", "Wim", "Xenia", "Yara", "Zoë",
];
const LAST: &[&str] = &[
    "Abbott", "Baker", "Cohen", "Diaz", "Eklund", "Fischer", "Garcia", "Hansen", "Ito", "Jensen", "Kowalski",
    "Laurent", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Suzuki", "Tran", "Ueda", "Vogel", "Weber",
    "Young",
];
const MATTERS: &[&str] = &["Invoice", "Login", "Delivery", "Refund", "Upgrade", "Outage", "Contract", "Export"];
const TROUBLES: &[&str] = &["is late", "does not work", "shows the wrong amount", "needs a change", "question"];
const TITLES: &[&str] = &["Handover notes", "Price list", "Incident report", "Onboarding guide", "Meeting minutes"];
const NOTES: &[&str] = &["pays late", "friendly, loyal", "threatened to leave", "asks for the manager"];

/// Draws numbers.
struct Dice(ChaCha8Rng);

impl Dice {
    /// A number below `bound` (0 when it is 0).
    fn below(&mut self, bound: u64) -> u64 {
        // The bias of the remainder is below 2^-40 for the bounds used here: it matters to nobody.
        self.0.next_u64().checked_rem(bound).unwrap_or(0)
    }

    fn small(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap_or(0)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let at = self.below(u64::try_from(from.len()).unwrap_or(0));
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or_default()
    }

    fn moment(&mut self) -> i64 {
        END - MINUTE * (self.small(SPAN_MINUTES) + 1)
    }
}

impl Dataset {
    /// The rows of a seed, about `rows` in all tables together (at least 600 are made).
    #[must_use]
    pub fn generate(seed: u64, rows: u64) -> Dataset {
        let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
        let mut data = Dataset { plans: plans(), ..Dataset::default() };
        // Of 20 rows about 2 are customers, 5 orders, 11 lines (2.2 an order), 1.5 tickets, 0.5 documents.
        let unit = rows.max(600) / 40;
        for (tenant_id, share, agents) in ACCOUNTS {
            let part = |count: u64| (unit * count * share / 100).max(1);
            let first = next_id(data.customers.len());
            for _ in 0..part(4) {
                let customer = customer(&mut dice, next_id(data.customers.len()), tenant_id);
                data.customers.push(customer);
            }
            let of_customers = part(4);
            for _ in 0..part(10) {
                let id = next_id(data.orders.len());
                let mut total_cents = 0;
                for _ in 0..line_count(&mut dice) {
                    let line = Line {
                        id: next_id(data.lines.len()),
                        order_id: id,
                        sku: format!("SKU-{:04}", dice.below(2_000)),
                        quantity: 1 + dice.small(5),
                        price_cents: 99 + 50 * dice.small(400),
                    };
                    total_cents += line.quantity * line.price_cents;
                    data.lines.push(line);
                }
                let placed_at = dice.moment();
                data.orders.push(Order {
                    id,
                    tenant_id,
                    customer_id: first + dice.small(of_customers),
                    status: dice.pick(&["open", "open", "paid", "paid", "shipped", "shipped", "shipped", "archived"]),
                    total_cents,
                    placed_at,
                    deleted_at: dice.percent(2).then_some(placed_at + 30 * MINUTE),
                });
            }
            for _ in 0..part(3) {
                data.tickets.push(Ticket {
                    id: next_id(data.tickets.len()),
                    tenant_id,
                    customer_id: first + dice.small(of_customers),
                    assigned_to: (!dice.percent(10)).then(|| dice.pick(agents)),
                    subject: [dice.pick(MATTERS), " ", dice.pick(TROUBLES)].concat(),
                    priority: 1 + dice.small(4),
                    status: dice.pick(&["new", "open", "open", "solved", "solved"]),
                    created_at: dice.moment(),
                });
            }
            for _ in 0..part(1) {
                let title = dice.pick(TITLES);
                data.documents.push(Document {
                    id: next_id(data.documents.len()),
                    tenant_id,
                    owner_id: dice.pick(agents),
                    title: format!("{title} {}", 1 + dice.below(500)),
                    body: format!("{title} of {tenant_id}, page {}.", 1 + dice.below(40)),
                    is_confidential: dice.percent(20),
                    created_at: dice.moment(),
                });
            }
        }
        data
    }

    /// How many rows there are in all tables.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.plans.len()
            + self.customers.len()
            + self.orders.len()
            + self.lines.len()
            + self.tickets.len()
            + self.documents.len()
    }
}

fn next_id(made: usize) -> i64 {
    i64::try_from(made).unwrap_or(i64::MAX - 1) + 1
}

/// One to four lines, 2.2 on average.
fn line_count(dice: &mut Dice) -> u64 {
    dice.pick(&[1, 1, 1, 2, 2, 2, 2, 3, 4, 4])
}

fn plans() -> Vec<Plan> {
    [
        ("Free", 0, 110, true),
        ("Team", 4_900, 900, true),
        ("Business", 19_900, 3_200, true),
        ("Enterprise", 99_900, 12_000, true),
        ("Staff", 0, 800, false),
        ("Pilot 2026", 1_900, 900, false),
    ]
    .into_iter()
    .zip(1..)
    .map(|((name, price_cents, internal_cost_cents, is_public), id)| Plan {
        id,
        name,
        price_cents,
        internal_cost_cents,
        is_public,
    })
    .collect()
}

fn customer(dice: &mut Dice, id: i64, tenant_id: &'static str) -> Customer {
    let (first, last) = (dice.pick(FIRST), dice.pick(LAST));
    Customer {
        id,
        tenant_id,
        name: [first, " ", last].concat(),
        // The number keeps addresses apart, as the table's unique key asks.
        email: format!("{}.{}.{id}@mail.example", first.to_lowercase().replace('ë', "e"), last.to_lowercase()),
        phone: format!("+1-555-{:03}-{:04}", dice.below(1_000), dice.below(10_000)),
        card: format!("4000{:04}{:04}{:04}", dice.below(10_000), dice.below(10_000), dice.below(10_000)),
        plan_id: 1 + dice.small(5),
        internal_note: dice.percent(30).then(|| dice.pick(NOTES)),
        created_at: dice.moment(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_same_seed_makes_the_same_rows() {
        let one = Dataset::generate(7, 3_000);
        assert_eq!(one, Dataset::generate(7, 3_000));
        assert_ne!(one, Dataset::generate(8, 3_000));
    }

    #[test]
    fn the_size_is_about_what_was_asked_for() {
        let rows = Dataset::generate(DEFAULT_SEED, DEFAULT_ROWS).rows();
        assert!((190_000..=215_000).contains(&rows), "{rows}");
    }

    #[test]
    fn keys_point_inside_the_own_account_and_totals_add_up() {
        let data = Dataset::generate(DEFAULT_SEED, 5_000);
        let owner: HashMap<i64, &str> = data.customers.iter().map(|row| (row.id, row.tenant_id)).collect();
        assert!(data.orders.iter().all(|order| owner[&order.customer_id] == order.tenant_id));
        assert!(data.tickets.iter().all(|ticket| owner[&ticket.customer_id] == ticket.tenant_id));
        let mut totals: HashMap<i64, i64> = HashMap::new();
        for line in &data.lines {
            *totals.entry(line.order_id).or_default() += line.quantity * line.price_cents;
        }
        assert!(data.orders.iter().all(|order| totals[&order.id] == order.total_cents));
        for (tenant, _, agents) in ACCOUNTS {
            assert!(data.orders.iter().any(|order| order.tenant_id == tenant && order.status == "archived"));
            assert!(data.tickets.iter().any(|ticket| ticket.tenant_id == tenant && ticket.assigned_to.is_none()));
            assert!(agents.iter().all(|agent| data.tickets.iter().any(|ticket| ticket.assigned_to == Some(agent))));
        }
    }
}
