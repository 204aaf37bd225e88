//! Random schemas with row security as people write it: right, nearly right, and wrong.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Whose rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Those of the tenant in `app.tenant`.
    Setting,
    /// Those of the tenant in the profile of `app.user`.
    Profile,
    /// Those of the tenants that `app.user` is a member of.
    Member,
}

/// A schema, and what is known of it.
pub(crate) struct Schema {
    pub(crate) mode: Mode,
    pub(crate) statements: Vec<String>,
    /// `text`, `int` or `uuid`.
    pub(crate) ty: &'static str,
    /// May the tenant of a document be NULL?
    pub(crate) nullable: bool,
    /// Have items a tenant of their own?
    pub(crate) own_items: bool,
    /// Are documents known by their number alone?
    pub(crate) keyed: bool,
    /// Is there a view over the documents?
    pub(crate) view: bool,
}

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

/// What is thrown for one schema.
struct Throw {
    dice: Dice,
    mode: Mode,
    ty: &'static str,
    /// Which table the policy is for; its own name in subselects.
    table: &'static str,
    own_items: bool,
    roles: [String; 3],
}

/// One schema. `prefix` begins the names of the roles `app`, `group` and `owner`.
pub(crate) fn schema(seed: u64, prefix: &str) -> Schema {
    let mut dice = Dice::new(seed);
    let mode = [Mode::Setting, Mode::Setting, Mode::Profile, Mode::Member][dice.below(4)];
    let ty = dice.pick(&["text", "text", "int", "uuid"]);
    let (nullable, own_items) = (dice.one_in(2), dice.one_in(2));
    let role = |name: &str| format!("{prefix}_{name}");
    let mut throw =
        Throw { dice, mode, ty, table: "docs", own_items, roles: [role("app"), role("group"), role("owner")] };
    let mut statements = throw.tables(nullable);
    statements.extend(throw.functions());
    for table in ["docs", "items", "members", "profiles"] {
        statements.extend(throw.security(table));
    }
    let view = throw.dice.one_in(3);
    if view {
        statements.extend(throw.view());
    }
    statements.extend(throw.rights());
    let keyed = statements[0].contains("PRIMARY KEY");
    Schema { mode, statements, ty, nullable, own_items, keyed, view }
}

impl Throw {
    fn tables(&mut self, nullable: bool) -> Vec<String> {
        let null = if nullable { "" } else { " NOT NULL" };
        let ty = self.ty;
        let check = match self.dice.below(6) {
            0 => ", CHECK (status IN ('public', 'draft'))",
            1 => ", CHECK (tenant_id IS NOT NULL OR status = 'public')",
            2 => ", CHECK (title <> status)",
            _ => "",
        };
        let columns = format!(
            "tenant_id {ty}{null}, owner_id text, status text NOT NULL, title text, is_public boolean, parent_id int"
        );
        let mut all = match self.dice.below(8) {
            0 => vec![
                format!("CREATE TABLE docs (id int, {columns}{check}) PARTITION BY LIST (status)"),
                "CREATE TABLE docs_public PARTITION OF docs FOR VALUES IN ('public')".to_owned(),
                "CREATE TABLE docs_rest PARTITION OF docs DEFAULT".to_owned(),
            ],
            1 => vec![
                format!("CREATE TABLE docs (id int PRIMARY KEY, {columns}{check})"),
                "CREATE TABLE docs_old () INHERITS (docs)".to_owned(),
            ],
            2 => vec![format!(
                "CREATE TABLE docs (id int PRIMARY KEY, {columns}, FOREIGN KEY (parent_id) REFERENCES docs{check})"
            )],
            3 => vec![format!("CREATE TABLE docs (id int PRIMARY KEY, {columns}, UNIQUE (tenant_id, title){check})")],
            _ => vec![format!("CREATE TABLE docs (id int PRIMARY KEY, {columns}{check})")],
        };
        let keyed = all[0].contains("PRIMARY KEY");
        let refers = if keyed && !self.dice.one_in(3) { " REFERENCES docs" } else { "" };
        let doc = if self.dice.one_in(3) { "" } else { " NOT NULL" };
        let own = if self.own_items { format!("tenant_id {ty}{null}, ") } else { String::new() };
        all.push(format!("CREATE TABLE items (id int PRIMARY KEY, {own}doc_id int{doc}{refers}, note text)"));
        all.push(format!(
            "CREATE TABLE members (id int, tenant_id {ty} NOT NULL, user_id text NOT NULL, role text, active boolean, \
             PRIMARY KEY (tenant_id, user_id))"
        ));
        all.push(format!("CREATE TABLE profiles (id int, user_id text PRIMARY KEY, tenant_id {ty})"));
        all
    }

    /// Functions that policies may ask.
    fn functions(&mut self) -> Vec<String> {
        let tenant = self.setting_text();
        let ty = self.ty;
        let cast = if ty == "text" { String::new() } else { format!("::{ty}") };
        let definer = if self.dice.one_in(2) { " SECURITY DEFINER" } else { "" };
        let user = self.user();
        let active = self.dice.pick(&["", " AND m.active", " AND m.role = 'admin'"]);
        vec![
            format!("CREATE FUNCTION my_tenant() RETURNS {ty} LANGUAGE sql STABLE AS $f$ SELECT ({tenant}){cast} $f$"),
            format!(
                "CREATE FUNCTION my_tenants() RETURNS SETOF {ty} LANGUAGE sql STABLE{definer} SET search_path = public, \
                 pg_temp AS $f$ SELECT m.tenant_id FROM public.members m WHERE m.user_id = {user}{active} $f$"
            ),
            format!(
                "CREATE FUNCTION is_mine(t {ty}) RETURNS boolean LANGUAGE plpgsql STABLE AS $f$ BEGIN RETURN t = \
                 ({tenant}){cast}; END $f$"
            ),
        ]
    }

    fn setting_text(&mut self) -> &'static str {
        self.dice.pick(&[
            "current_setting('app.tenant')",
            "current_setting('app.tenant', true)",
            "nullif(current_setting('app.tenant', true), '')",
            "nullif(current_setting('app.tenant', true), '')",
            "nullif(current_setting('app.tenant', true), '')",
            "coalesce(current_setting('app.tenant', true), '')",
            "(SELECT current_setting('app.tenant', true))",
            "coalesce(nullif(current_setting('app.tenant', true), ''), current_setting('app.other', true))",
        ])
    }

    fn user(&mut self) -> &'static str {
        self.dice.pick(&[
            "current_setting('app.user')",
            "current_setting('app.user', true)",
            "nullif(current_setting('app.user', true), '')",
            "nullif(current_setting('app.user', true), '')",
        ])
    }

    /// The tenant of the session, in one of its forms.
    fn tenant(&mut self) -> String {
        let cast = if self.ty == "text" { "" } else { "::" };
        match self.dice.below(6) {
            0 => "my_tenant()".to_owned(),
            1 => "(SELECT my_tenant())".to_owned(),
            _ => {
                let text = self.setting_text();
                format!("({text}){cast}{}", if cast.is_empty() { "" } else { self.ty })
            }
        }
    }

    /// The column that says whose a row is, where the table has one.
    fn column(&self) -> Option<String> {
        (self.table != "items" || self.own_items).then(|| format!("{}.tenant_id", self.table))
    }

    /// That a row is the principal's own, in one of its forms.
    fn own(&mut self) -> String {
        let Some(column) = self.column() else { return self.through_document() };
        if self.table == "members" && !self.dice.one_in(3) {
            return format!("members.user_id = {}", self.user());
        }
        if self.table == "profiles" {
            return format!("profiles.user_id = {}", self.user());
        }
        match self.mode {
            Mode::Setting => self.own_by_setting(&column),
            Mode::Profile => {
                let user = self.user();
                match self.dice.below(3) {
                    0 => {
                        format!("EXISTS (SELECT 1 FROM profiles p WHERE p.tenant_id = {column} AND p.user_id = {user})")
                    }
                    1 => format!("{column} IN (SELECT p.tenant_id FROM profiles p WHERE p.user_id = {user})"),
                    _ => format!("{column} = (SELECT p.tenant_id FROM profiles p WHERE p.user_id = {user})"),
                }
            }
            Mode::Member => self.own_by_membership(&column),
        }
    }

    fn own_by_setting(&mut self, column: &str) -> String {
        let tenant = self.tenant();
        match self.dice.below(9) {
            0 => format!("{tenant} = {column}"),
            1 => format!("is_mine({column})"),
            2 => format!("NOT ({column} IS DISTINCT FROM {tenant})"),
            3 => format!("{column} IN ({tenant})"),
            4 => format!("{column} = ANY (ARRAY[{tenant}])"),
            5 => format!("{column}::text = nullif(current_setting('app.tenant', true), '')"),
            6 => format!("CASE WHEN {column} = {tenant} THEN true ELSE false END"),
            _ => format!("{column} = {tenant}"),
        }
    }

    fn own_by_membership(&mut self, column: &str) -> String {
        let (user, ty) = (self.user(), self.ty);
        let active = self.dice.pick(&["", "", " AND m.active", " AND m.role = 'admin'", " AND m.active IS NOT FALSE"]);
        match self.dice.below(8) {
            0 => format!("{column} IN (SELECT my_tenants())"),
            1 => {
                format!("EXISTS (SELECT 1 FROM members m WHERE m.tenant_id = {column} AND m.user_id = {user}{active})")
            }
            2 => format!("{column} = ANY (SELECT m.tenant_id FROM members m WHERE m.user_id = {user}{active})"),
            3 => format!("{column} = ANY (ARRAY(SELECT m.tenant_id FROM members m WHERE m.user_id = {user}{active}))"),
            4 => format!(
                "{column} = ANY ((SELECT array_agg(m.tenant_id) FROM members m WHERE m.user_id = {user}{active})::{ty}[])"
            ),
            5 => format!(
                "(SELECT count(*) FROM members m WHERE m.tenant_id = {column} AND m.user_id = {user}{active}) > 0"
            ),
            6 => format!(
                "EXISTS (SELECT 1 FROM members m JOIN members n ON n.tenant_id = m.tenant_id WHERE n.tenant_id = \
                 {column} AND m.user_id = {user}{active})"
            ),
            _ => format!("{column} IN (SELECT m.tenant_id FROM members m WHERE m.user_id = {user}{active})"),
        }
    }

    /// That an item's document is the principal's.
    fn through_document(&mut self) -> String {
        let outer = std::mem::replace(&mut self.table, "docs");
        let own = self.own().replace("docs.tenant_id", "d.tenant_id");
        self.table = outer;
        match self.dice.below(4) {
            // The documents' own row security says whose they are.
            0 => "EXISTS (SELECT 1 FROM docs d WHERE d.id = items.doc_id)".to_owned(),
            1 => "items.doc_id IN (SELECT d.id FROM docs d)".to_owned(),
            2 => format!("items.doc_id IN (SELECT d.id FROM docs d WHERE {own})"),
            _ => format!("EXISTS (SELECT 1 FROM docs d WHERE d.id = items.doc_id AND {own})"),
        }
    }

    /// A test that says little of whose the row is.
    fn other(&mut self) -> String {
        let table = self.table;
        let [app, group, _] = self.roles.clone();
        let column = self.column();
        let plain: &[&str] = match table {
            "docs" => &[
                "docs.status = 'public'",
                "docs.is_public",
                "docs.is_public IS NOT FALSE",
                "docs.status IN ('public', 'open')",
                "docs.status LIKE 'pub%'",
                "docs.title IS NULL",
                "docs.parent_id <> docs.id",
                "docs.owner_id = current_setting('app.user', true)",
                "docs.owner_id IS NOT DISTINCT FROM nullif(current_setting('app.user', true), '')",
                "left(docs.title, 1) = 'p'",
            ],
            "items" => &["items.note = 'public'", "items.note IS NULL", "items.note <> 'x'"],
            "members" => &["members.role = 'admin'", "members.active", "members.user_id = 'u1'"],
            _ => &["profiles.user_id <> ''", "profiles.tenant_id IS NULL"],
        };
        match self.dice.below(13) {
            0 => "true".to_owned(),
            1 => "false".to_owned(),
            2 => format!("current_user = '{app}'"),
            3 => format!("pg_has_role(current_user, '{group}', 'member')"),
            4 => "current_setting('app.role', true) = 'admin'".to_owned(),
            5 => "current_setting('app.tenant', true) IS NULL".to_owned(),
            6 => "current_setting('app.tenant', true) <> ''".to_owned(),
            7 if column.is_some() => format!("{} IS NULL", column.unwrap_or_default()),
            8 if column.is_some() && self.ty == "text" => {
                let list = "string_to_array(current_setting('app.list', true), ',')";
                let list = if self.dice.one_in(2) { format!("coalesce({list}, '{{}}')") } else { list.to_owned() };
                format!("{} = ANY ({list})", column.unwrap_or_default())
            }
            9 if table != "members" && table != "profiles" => {
                format!("EXISTS (SELECT 1 FROM members m WHERE m.user_id = {} AND m.role = 'admin')", self.user())
            }
            10 if column.is_some() => {
                let tenant = self.tenant();
                format!("{} <> {tenant}", column.unwrap_or_default())
            }
            _ => self.dice.pick(plain).to_owned(),
        }
    }

    /// A condition: mostly that the row is one's own, mostly and something else.
    fn condition(&mut self, depth: usize) -> String {
        let own = self.own();
        if depth == 0 || self.dice.one_in(3) {
            return if self.dice.one_in(5) { self.other() } else { own };
        }
        let other = if self.dice.one_in(2) { self.condition(depth - 1) } else { self.other() };
        match self.dice.below(14) {
            0 => format!("{own} OR ({other})"),
            1 => format!("{own} OR ({other} AND {own})"),
            2 => format!("NOT (NOT ({own}) OR {other})"),
            3 => format!("({own}) IS TRUE AND {other}"),
            4 => format!("({own}) IS NOT FALSE"),
            5 => format!("coalesce({own}, false)"),
            6 => format!("coalesce({own}, {other})"),
            7 => format!("CASE WHEN {other} THEN {own} ELSE false END"),
            8 => format!("CASE WHEN {other} THEN {own} END"),
            9 => format!("({other}) IS NOT TRUE AND {own}"),
            10 => format!("({own}) = ({other})"),
            11 => format!("({own}) AND NOT ({other})"),
            _ => format!("{own} AND ({other})"),
        }
    }

    fn security(&mut self, table: &'static str) -> Vec<String> {
        self.table = table;
        let mut all = Vec::new();
        if self.dice.one_in(25) {
            return all;
        }
        all.push(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"));
        if self.dice.one_in(4) {
            all.push(format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY"));
        }
        let [app, group, owner] = self.roles.clone();
        if self.dice.one_in(8) {
            let to = if self.dice.one_in(3) { &app } else { &owner };
            all.push(format!("ALTER TABLE {table} OWNER TO {to}"));
        }
        for number in 0..=self.dice.below(3) {
            let command = match number {
                0 => self.dice.pick(&["ALL", "ALL", "ALL", "SELECT"]),
                _ => self.dice.pick(&["ALL", "SELECT", "INSERT", "UPDATE", "DELETE"]),
            };
            let kind = if number > 0 && self.dice.one_in(2) { " AS RESTRICTIVE" } else { "" };
            let to = self.dice.pick(&["PUBLIC", "PUBLIC", &app, &group]).to_owned();
            let using = format!(" USING ({})", if number == 0 { self.base() } else { self.condition(2) });
            let check = format!(" WITH CHECK ({})", if number == 0 { self.base() } else { self.condition(2) });
            let (using, check) = match command {
                "SELECT" | "DELETE" => (using, String::new()),
                "INSERT" => (String::new(), check),
                _ if self.dice.one_in(12) => (String::new(), check),
                _ if self.dice.one_in(2) => (using, String::new()),
                _ => (using, check),
            };
            all.push(format!("CREATE POLICY p{number} ON {table}{kind} FOR {command} TO {to}{using}{check}"));
        }
        all
    }

    /// The first policy of a table: as a rule a right one.
    fn base(&mut self) -> String {
        match self.dice.below(4) {
            0 => self.condition(2),
            1 => format!("{} AND {}", self.own(), self.other()),
            _ => self.own(),
        }
    }

    fn view(&mut self) -> Vec<String> {
        self.table = "docs";
        let invoker = if self.dice.one_in(2) { " WITH (security_invoker = true)" } else { "" };
        let filter = match self.dice.below(4) {
            0 => String::new(),
            1 => format!(" WHERE {}", self.other()),
            _ => format!(" WHERE {}", self.own()),
        };
        let check = if self.dice.one_in(2) { " WITH CHECK OPTION" } else { "" };
        let mut all = vec![format!("CREATE VIEW shown{invoker} AS SELECT * FROM docs{filter}{check}")];
        if self.dice.one_in(3) {
            all.push(format!("GRANT SELECT, INSERT, UPDATE, DELETE ON docs, members, profiles TO {}", self.roles[2]));
            all.push(format!("ALTER VIEW shown OWNER TO {}", self.roles[2]));
        }
        all
    }

    fn rights(&mut self) -> Vec<String> {
        let [app, group, _] = self.roles.clone();
        let mut all = Vec::new();
        for table in ["docs", "items", "members", "profiles"] {
            let rights = match self.dice.below(4) {
                0 if table == "docs" => "SELECT, INSERT, DELETE, UPDATE (title, status)",
                0 => "SELECT",
                _ => "SELECT, INSERT, UPDATE, DELETE",
            };
            all.push(format!("GRANT {rights} ON {table} TO {app}"));
        }
        all.push(format!(
            "DO $$ BEGIN IF to_regclass('shown') IS NOT NULL THEN GRANT SELECT, INSERT, UPDATE, DELETE ON shown TO {app}; \
             END IF; END $$"
        ));
        if self.dice.one_in(3) {
            all.push(format!("GRANT {group} TO {app}"));
        }
        all
    }
}
