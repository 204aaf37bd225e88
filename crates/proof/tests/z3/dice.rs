//! Random policies: few columns, attributes and constants, so that rules meet.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::tables::{TableText, shown, tables};

struct Dice(ChaCha8Rng);

/// The table of customers may be there, and orders may hang on it.
pub(crate) fn policy(seed: u64) -> (Vec<TableText>, String) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let hops = dice.one_in(2);
    let null = |dice: &mut Dice| if dice.one_in(2) { "" } else { " not null" };
    let mut text = String::new();
    if hops {
        text.push_str(&format!(
            "customers(id int not null, tenant_id text{}, name text{}, level int{});",
            null(&mut dice),
            null(&mut dice),
            null(&mut dice)
        ));
    }
    let through = hops && dice.one_in(3);
    text.push_str(&format!(
        "orders(id int not null{}, status text{}, owner text{}, amount int{}, total decimal{}, made timestamp{}, open bool{}, batch uuid{}{})",
        if through { String::new() } else { format!(", tenant_id text{}", null(&mut dice)) },
        null(&mut dice),
        null(&mut dice),
        null(&mut dice),
        null(&mut dice),
        null(&mut dice),
        null(&mut dice),
        null(&mut dice),
        if hops { format!(", customer_id int{}", null(&mut dice)) } else { String::new() },
    ));
    let reach = dice.below(4);
    let mut file = String::new();
    if reach > 0 {
        file.push_str("[tenancy]\n");
        if reach & 1 != 0 {
            file.push_str("reach.read = [\"principal.metadata.children\"]\n");
        }
        if reach & 2 != 0 {
            file.push_str("reach.write = [\"principal.metadata.children\"]\n");
        }
    }
    if hops {
        file.push_str(
            "[table.customers]\nsource = \"main.customers\"\nscope = { tenant_id = \"principal.tenant_id\" }\n",
        );
        if dice.one_in(2) {
            file.push_str("relations.orders = { table = \"orders\", foreign_key = \"customer_id\" }\n");
        }
        let atoms = Atoms { tenant: Some("tenant_id"), texts: &["name"], ints: &["id", "level"], all: false };
        rules(&mut dice, &atoms, &mut file, false);
    }
    file.push_str("[table.orders]\nsource = \"main.orders\"\n");
    if through {
        file.push_str("scope = { \"customer.tenant_id\" = \"principal.tenant_id\" }\n");
    } else if dice.one_in(4) {
        file.push_str("scope = { tenant_id = \"principal.tenant_id\", owner = \"principal.user_id\" }\n");
    } else {
        file.push_str("scope = { tenant_id = \"principal.tenant_id\" }\n");
    }
    if hops {
        file.push_str("relations.customer = { table = \"customers\", key = \"customer_id\" }\n");
    }
    let atoms = Atoms {
        tenant: if through { Some("customer.tenant_id") } else { Some("tenant_id") },
        texts: if hops { &["status", "owner", "customer.name"] } else { &["status", "owner"] },
        ints: if hops { &["amount", "id", "customer.level", "customer_id"] } else { &["amount", "id"] },
        all: true,
    };
    let writes = dice.one_in(2);
    rules(&mut dice, &atoms, &mut file, writes);
    if writes {
        let reference = if hops && dice.one_in(2) { ", \"customer_id\"" } else { "" };
        let automatic = if dice.one_in(3) { ", auto_update = { batch = \"principal.metadata.batch\" }" } else { "" };
        file.push_str(&format!(
            "write = {{ create = [\"status\"{reference}], update = [\"status\", \"amount\"{reference}], delete = true{automatic} }}\n"
        ));
    }
    let texts = tables(&text);
    let file = shown(&file, &texts);
    (texts, file)
}

/// What conditions may name.
struct Atoms<'a> {
    tenant: Option<&'a str>,
    texts: &'a [&'a str],
    ints: &'a [&'a str],
    /// The other types, too.
    all: bool,
}

fn rules(dice: &mut Dice, atoms: &Atoms<'_>, file: &mut String, writes: bool) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    if dice.one_in(4) {
        file.push_str(&format!("shared = {}\n", quoted(&dice.condition(atoms, 1))));
    }
    for (word, most) in [("permit", 3), ("bypass", 2), ("require", 3)] {
        for at in 0..dice.below(most) {
            let condition = match word {
                "permit" if dice.one_in(2) => {
                    let narrowed = dice.condition(atoms, 1);
                    let tenant = atoms.tenant.unwrap_or("tenant_id");
                    match dice.below(3) {
                        0 => format!("{tenant} = principal.tenant_id AND ({narrowed})"),
                        1 => format!("{tenant} IN principal.metadata.children AND ({narrowed})"),
                        _ => format!("{tenant} IN principal.metadata.children"),
                    }
                }
                "bypass" if dice.one_in(2) => "'support' IN principal.roles".to_owned(),
                _ => dice.condition(atoms, 0),
            };
            let on = match (writes, dice.below(3)) {
                (true, 0) => ", on = [\"read\", \"update\"]",
                (true, 1) => ", on = [\"read\", \"create\", \"update\", \"delete\"]",
                _ => "",
            };
            file.push_str(&format!("{word}.r{at} = {{ when = {}{on} }}\n", quoted(&condition)));
        }
    }
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'t>(&mut self, items: &[&'t str]) -> &'t str {
        let at = self.below(items.len());
        items[at]
    }

    fn condition(&mut self, atoms: &Atoms<'_>, depth: usize) -> String {
        if depth < 3 && self.one_in(2) {
            let (one, other) = (self.condition(atoms, depth + 1), self.condition(atoms, depth + 1));
            return match self.below(3) {
                0 => format!("({one} AND {other})"),
                1 => format!("({one} OR {other})"),
                _ => format!("NOT ({one})"),
            };
        }
        self.atom(atoms)
    }

    fn atom(&mut self, atoms: &Atoms<'_>) -> String {
        let not = if self.one_in(3) { "NOT " } else { "" };
        let text = self.pick(atoms.texts);
        let int = self.pick(atoms.ints);
        let equal = self.pick(&["=", "<>"]);
        let order = self.pick(&["=", "<>", "<", "<=", ">", ">="]);
        let word = self.pick(&["'a'", "'ab'", "'abc'", "'b'"]);
        let number = self.pick(&["1", "2", "7"]);
        let tenant = atoms.tenant.unwrap_or("tenant_id");
        match self.below(if atoms.all { 20 } else { 12 }) {
            0 => format!("{text} {equal} {word}"),
            1 => format!("{text} {not}IN ({word}, 'c')"),
            2 => format!("{text} {not}STARTS WITH {word}"),
            3 => format!("{text} {not}STARTS WITH principal.metadata.prefix"),
            4 => format!("{text} {equal} principal.metadata.word"),
            5 => format!("{text} {not}IN principal.metadata.words"),
            6 => format!("{int} {order} {number}"),
            7 => format!("{int} {order} principal.metadata.level"),
            8 => format!("{not}HAS principal.metadata.{}", self.pick(&["word", "level", "words", "flag"])),
            9 => format!("{not}'x' IN principal.roles").replace("NOT 'x' IN", "'x' NOT IN"),
            10 => format!("{tenant} {equal} principal.tenant_id"),
            11 => {
                let own: Vec<&str> =
                    atoms.texts.iter().chain(atoms.ints).copied().filter(|name| !name.contains('.')).collect();
                format!("{} IS {not}NULL", self.pick(&own))
            }
            12 => format!("total {order} DECIMAL '{}'", self.pick(&["1.00", "1.01", "1.02"])),
            13 => format!("total {order} principal.metadata.limit"),
            14 => format!("made {order} TIMESTAMP '2026-01-01T00:00:00{}Z'", self.pick(&["", ".000001"])),
            15 => format!("made {order} principal.now"),
            16 => format!("open {equal} {}", self.pick(&["TRUE", "FALSE"])),
            17 => format!("batch {equal} principal.metadata.batch"),
            18 => "owner = principal.user_id".to_owned(),
            _ => format!("owner {equal} status"),
        }
    }
}
