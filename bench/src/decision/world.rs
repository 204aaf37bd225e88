//! The roles, people, rows and questions, in a form of neither engine.

/// The tables.
pub(super) const TABLES: usize = 10;
/// The people, asked in turn, so that no engine answers from one warm line of cache.
pub(super) const PEOPLE: usize = 64;
/// The rows of each table.
pub(super) const ROWS: usize = 16;
/// The tenants.
const TENANTS: usize = 8;

/// A person: a tenant, the tenants below it, three roles.
#[derive(Debug)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The own tenant.
    pub tenant: String,
    /// Tenants whose rows it may read too.
    pub hierarchy: [String; 2],
    /// The roles, by number.
    pub roles: [usize; 3],
}

/// A row, alike in every table.
#[derive(Debug)]
pub struct Row {
    /// Whose it is.
    pub tenant: String,
    /// Its state.
    pub status: &'static str,
}

/// Everything that is asked about.
#[derive(Debug)]
pub struct World {
    /// How many roles there are. Role `i` grants query, get and aggregate on table `i % TABLES`.
    pub roles: usize,
    /// The people.
    pub people: Vec<Person>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl World {
    /// A world with so many roles.
    #[must_use]
    pub fn new(roles: usize) -> World {
        let tenant = |at: usize| format!("tenant-{}", at % TENANTS);
        // A stride without a common factor spreads the held roles over all of them.
        let role = |at: usize| (at * 7_919 + 3) % roles;
        let people = (0..PEOPLE).map(|at| Person {
            name: format!("person-{at}"),
            tenant: tenant(at),
            hierarchy: [tenant(at), tenant(at + 1)],
            roles: [role(3 * at), role(3 * at + 1), role(3 * at + 2)],
        });
        let rows =
            (0..ROWS).map(|at| Row { tenant: tenant(at), status: if at % 5 == 4 { "archived" } else { "open" } });
        World { roles, people: people.collect(), rows: rows.collect() }
    }

    /// How many different questions there are.
    #[must_use]
    pub fn questions(&self) -> usize {
        PEOPLE * ROWS * 2
    }

    /// The person, row and table of a question. Half of the questions are about a table that one of the
    /// person's roles grants, half about the next one.
    #[must_use]
    pub fn question(&self, at: usize) -> (usize, usize, usize) {
        let person = at % PEOPLE;
        let row = (at / PEOPLE) % ROWS;
        let last = self.people.get(person).map_or(0, |person| person.roles[2]);
        (person, row, (last + (at / (PEOPLE * ROWS)) % 2) % TABLES)
    }

    /// The right answer.
    #[must_use]
    pub fn expected(&self, at: usize) -> bool {
        let (person, row, table) = self.question(at);
        let (Some(person), Some(row)) = (self.people.get(person), self.rows.get(row)) else { return false };
        person.roles.iter().any(|role| role % TABLES == table)
            && row.status != "archived"
            && (row.tenant == person.tenant || person.hierarchy.contains(&row.tenant))
    }
}
