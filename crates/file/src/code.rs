//! The stable codes of the file, and the reference that is generated from all codes.

use std::fmt;

use tenantry_policy::Code;
use tenantry_policy::condition::CondCode;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $slug:literal;)+) => {
        /// The stable codes of `tenantry.toml`. The documentation of each is its explanation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FileCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl FileCode {
            /// Every code, in order.
            pub const ALL: &'static [FileCode] = &[$(FileCode::$variant,)+];

            /// The stable name: `F010`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(FileCode::$variant => $name,)+ }
            }

            /// The name in words: `unknown-key`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(FileCode::$variant => $slug,)+ }
            }

            /// One paragraph for `tenantry explain`: what is wrong, why, and what to write.
            #[must_use]
            pub fn explain(self) -> &'static str {
                match self { $(FileCode::$variant => concat!($($doc,)+).trim_ascii_start(),)+ }
            }
        }
    };
}

codes! {
    /// The text does not follow the rules of TOML (or of JSON, when it begins with `{`). Everything
    /// else is checked only once the text can be read.
    Syntax = "F001", "syntax";
    /// A key stands twice in one table. Readers of such files disagree on which one counts, so neither
    /// does: keep one.
    DuplicateKey = "F002", "duplicate-key";
    /// Two files of the folder define one key. Tables are merged across files, single values are not:
    /// the order of file names must never decide who may see what. Keep it in one file.
    DefinedTwice = "F003", "defined-twice";
    /// There is nothing to read: no file, or an empty folder. `tenantry init` writes a first file.
    NothingToRead = "F004", "nothing-to-read";
    /// A file is at most 16 MiB long and nests at most 32 deep.
    TooLarge = "F005", "too-large";
    /// The key is not one that Tenantry knows at this place. Unknown keys are never ignored: a
    /// misspelt rule that is silently dropped is a hole. `tenantry schema` prints every key.
    UnknownKey = "F010", "unknown-key";
    /// The value has another type than the key takes: text, integer, true or false, list or table.
    /// Nothing is converted.
    WrongType = "F011", "wrong-type";
    /// A key that must be there is missing.
    MissingKey = "F012", "missing-key";
    /// The key takes one of a few words, and this is none of them.
    UnknownWord = "F013", "unknown-word";
    /// The number lies outside the range that the key takes.
    OutOfRange = "F014", "out-of-range";
    /// Names of tables, relations, rules, sources and models become parts of addresses such as
    /// `table.orders.permit.parent-access`. They have 1 to 63 characters, begin with a letter or
    /// `_`, and go on with letters, digits, `_` and `-`. Accounts, workspaces, users and roles are freer:
    /// 1 to 256 bytes without control characters or blanks at the ends.
    BadName = "F015", "bad-name";
    /// A duration is a whole number and a unit: `500ms`, `2s`, `1m`, `1h`, `7d`.
    BadDuration = "F016", "bad-duration";
    /// A rate is a whole number, a slash and a unit of time: `600/min`. Units are `s`, `min`, `hour`, `day`.
    BadRate = "F017", "bad-rate";
    /// Secrets never stand in the file, which is reviewed, copied and kept for ever. Write where the
    /// secret is found: `env:NAME` (an environment variable), `file:PATH`, or, where Tenantry makes the
    /// secret itself, `generate`. The value is not repeated in this message. If it was ever
    /// shared, replace it.
    LiteralSecret = "F018", "literal-secret";
    /// A source's address is `sqlite:PATH`, `postgres://…` without a password, or a reference to where
    /// the address is found: `env:NAME` or `file:PATH`.
    BadSourceUrl = "F019", "bad-source-url";
    /// The address is not an absolute `http://` or `https://` address.
    BadUrl = "F020", "bad-url";
    /// A field is `"allow"`, `"deny"`, `"hash"`, `"mask"` or `"mask:PATTERN"`, where PATTERN is `all`, `email`,
    /// `last1` to `last8` or `first1` to `first8`. The long form is a table: `{ mask = "last4", filterable = true }`.
    BadField = "F021", "bad-field";
    /// A date is a day of the calendar as `YYYY-MM-DD`: `2027-03-31`.
    BadDate = "F022", "bad-date";
    /// Every user, principal and approval names roles that are defined under `[role.NAME]`.
    UnknownRole = "F030", "unknown-role";
    /// The account is not defined under `[account.NAME]`.
    UnknownAccount = "F031", "unknown-account";
    /// The audience is not defined under `[api."…"]`.
    UnknownApi = "F032", "unknown-api";
    /// The permission is not declared by that audience under `[api."…"] permissions`.
    UnknownPermission = "F033", "unknown-permission";
    /// A role's tools are written `table.tool`, or `table.*` for all tools of the table. The tools are
    /// query, get, aggregate, create, bulk_create, update, bulk_update and delete.
    UnknownTool = "F034", "unknown-tool";
    /// A role names a tool of a table that is not governed under `[table.NAME]`.
    ToolOnUnknownTable = "F035", "tool-on-unknown-table";
    /// A table's `source` begins with the name of a source that is defined under `[source.NAME]`:
    /// `main.public.orders`, or `main.orders` for the default schema.
    UnknownSource = "F036", "unknown-source";
    /// An account is its own parent, directly or through others.
    AccountCycle = "F037", "account-cycle";
    /// A role is held at one level: on the platform, in accounts, or in workspaces. Give people at another
    /// level a role of its own. Principals of the platform may hold roles of accounts as well: there they count
    /// everywhere.
    RoleLevel = "F038", "role-level";
    /// There is no client of that name under `[client.NAME]`.
    UnknownClient = "F039", "unknown-client";
    /// There is no connection of that name under `[connection.NAME]`. `Username-Password-Authentication` is
    /// always there.
    UnknownConnection = "F040", "unknown-connection";
    /// Who a user is stands in one place: under `[user.ID]` for one that has it, otherwise where the user is a
    /// member, and there with the same words wherever that is.
    UserSaidTwice = "F041", "user-said-twice";
    /// Two keys of one thing do not go together, such as a secret for a client that cannot keep one.
    DoesNotGoTogether = "F042", "does-not-go-together";
    /// Two accounts have one name. Addresses and tokens would not tell them apart.
    NameTaken = "F043", "name-taken";
    /// Where a model's calls go does not hold together: there is no upstream, kind and address do not
    /// fit, it would be asked without TLS, or its key cannot be generated.
    BadUpstream = "F045", "bad-upstream";
    /// Limits are inherited and only narrowed: a workspace, a user or an account below another one may say less
    /// than the place above it, never more. Leave the limit out to share what the place above has.
    WiderLimit = "F046", "wider-limit";
    /// The source's catalog could not be read, so nothing about its tables can be checked.
    NoCatalog = "F100", "no-catalog";
    /// The database has no such table, or the role that read the catalog may not see it. Names are
    /// matched exactly, case included.
    UnknownTable = "F101", "unknown-table";
    /// The table has no such column. Names are matched exactly, case included: a misspelt column must
    /// never become a rule that does nothing.
    UnknownColumn = "F102", "no-such-column";
    /// Views, materialized views and foreign tables cannot be governed: their rows come from elsewhere
    /// and row security does not hold for them. Govern the tables underneath.
    NotATable = "F103", "not-a-table";
    /// A database table is governed by one entry only. Two entries would be two laws for the same rows,
    /// and in row security the weaker one would win.
    GovernedTwice = "F104", "governed-twice";
    /// Tenantry does not govern values of this type (arrays, ranges, geometry and the like), so the
    /// column cannot be shown or written. Leave it out or write `deny`.
    UngovernedType = "F105", "ungoverned-type";
    /// `types` says what a SQLite column means where SQLite has no type for it: an INTEGER column may be
    /// `timestamp` (microseconds since 1970) or `bool`; a TEXT column `timestamp`, `date`, `uuid` or `json`;
    /// a NUMERIC one `decimal(SCALE)`. PostgreSQL columns already have types.
    BadStorageType = "F106", "bad-storage-type";
    /// A table needs `scope` (whose rows these are) or `shared` (rows that every tenant may read).
    /// Without either nothing says who may see its rows, and Tenantry does not guess.
    NoScope = "F110", "no-scope";
    /// A scope must contain an entry that equals `principal.tenant_id`. Everything else narrows within a
    /// tenant; without it rows of several tenants would be one pool.
    ScopeWithoutTenant = "F111", "scope-without-tenant";
    /// The relation leads to a table that is not governed under `[table.NAME]`.
    UnknownRelationTable = "F113", "unknown-relation-table";
    /// A relation joins tables of one source; no statement spans two databases.
    RelationAcrossSources = "F114", "relation-across-sources";
    /// The columns on the two sides of a relation must be equal in number and type.
    RelationKeyMismatch = "F115", "relation-key-mismatch";
    /// A relation leads to one row by its primary key or a unique key. Otherwise "the related row" could be
    /// several rows, and a rule that hops through it would have no single value.
    RelationNotUnique = "F116", "relation-not-unique";
    /// The relation has the name of a visible field, so an answer could not hold both.
    RelationNameClash = "F117", "relation-name-clash";
    /// Patterns that keep a part of the text apply to text columns. For other types write `mask` (shows
    /// `***`) or `hash`.
    MaskNotText = "F118", "mask-not-text";
    /// A rule that is TRUE or FALSE whatever the row has no effect of its own, or removes every
    /// limit: a permit that is FALSE, a require that is TRUE. A rule on a table where it can never take part
    /// is the same. Remove it, or write what was meant.
    RuleWithoutEffect = "F120", "rule-without-effect";
    /// A table has at most 64 rules, scope, shared and soft delete included.
    TooManyRules = "F121", "too-many-rules";
    /// The rules of some tables hop to each other in a circle, so whether a row is visible would depend on
    /// itself. Break the circle: scope one of the tables by a column of its own.
    RuleCycle = "F122", "rule-cycle";
    /// A permit widens only within the boundary: the own tenant, and tenants in a list of
    /// `[tenancy] reach`. This permit compares the tenant column with something else, so beyond the
    /// boundary it shows nothing. Declare the list under `[tenancy] reach.read`, or write a bypass.
    UndeclaredReach = "F123", "undeclared-reach";
    /// A reach list is a list attribute of the principal's metadata: `principal.metadata.tenant_hierarchy`.
    BadReach = "F124", "bad-reach";
    /// Callers can write only columns that they may see.
    WriteHidden = "F130", "write-hidden";
    /// The column is never written by callers: scope and key columns, immutable and readonly ones,
    /// those that the server sets, and the mark of a soft delete.
    WriteFixed = "F131", "write-fixed";
    /// The database generates the column and refuses any other value.
    WriteGenerated = "F132", "write-generated";
    /// A required column must be one that a create may set.
    RequiredNotCreatable = "F133", "required-not-creatable";
    /// A soft delete marks rows by a nullable timestamp column, or by a bool column.
    BadSoftDelete = "F134", "bad-soft-delete";
    /// A value that the server sets is `principal.…` (a single value), `now`, or a literal, and has the
    /// type of its column. Text that would be read as one of the first two stands in quotes: `"'now'"`.
    BadAutoValue = "F135", "bad-auto-value";
    /// The server would set a scope column to something other than the scope demands, so every create would
    /// be refused. Scope columns are set by the server anyway.
    AutoAgainstScope = "F136", "auto-against-scope";
    /// The column may not be NULL, has no default, and neither a caller nor the server sets it: every
    /// create would fail.
    NeverFilled = "F137", "never-filled";
    /// The write is switched on, but no rule lets anyone perform it: writes need the scope, or a permit or
    /// bypass whose `on` names the operation.
    WriteWithoutRule = "F138", "write-without-rule";
    /// A field that `require_filter` names must be one that callers may filter by; otherwise they could ask
    /// nothing at all.
    FilterHidden = "F139", "filter-hidden";
    /// A column that callers may write is a foreign key in the database, and no to-one relation of the
    /// table covers it. The guard would not check that the row pointed at is the caller's to see, and the
    /// database's answer would tell which rows of other tenants exist.
    UnguardedReference = "F140", "unguarded-reference";
    /// Callers choose the value of a unique key that holds no column of the scope. The key is then one
    /// for all tenants, and a refused value tells that somebody else has it: an existence oracle that no
    /// predicate and no row security closes.
    SharedUniqueKey = "F141", "shared-unique-key";
    /// The table has no primary key, so there is no `get`, `update` or `delete` by id, and pages cannot be
    /// turned with a cursor.
    NoPrimaryKey = "F150", "no-primary-key";
    /// A SQLite table that is not STRICT stores any type in any column, so the stored types are checked when
    /// the database is opened. Declaring the table STRICT makes the check unnecessary.
    NotStrict = "F151", "not-strict";
    /// A role grants a tool that the table's `write` section leaves off, or that needs a primary key
    /// which the table does not have.
    ToolWithoutEffect = "F152", "tool-without-effect";
    /// A call of an evaluation suite is made by one of the people under `[principal.NAME]` of the same suite.
    UnknownPlayer = "F160", "unknown-player";
    /// A person of a suite is either somebody whom the file or the store knows (`as = "ACCOUNT/USER"`), or the
    /// holder of a token (`token = "env:NAME"` or `"file:PATH"`), not both and not neither.
    UnclearPlayer = "F161", "unclear-player";
    /// What a call of a suite expects contradicts itself: a call that is to be refused (`code`) answers no rows.
    BadExpectation = "F162", "bad-expectation";
    /// A suite without calls would hold whatever happens.
    NothingToPlay = "F163", "nothing-to-play";
    /// The name cannot be one of a PostgreSQL role, schema, database, extension or policy: it is empty, has more
    /// than 63 bytes (which PostgreSQL would cut off silently) or holds a control character.
    BadDatabaseName = "F180", "bad-database-name";
    /// PostgreSQL keeps names that begin with `pg_` for itself, and `public` and `none` mean something else
    /// where a role is named. A role of PostgreSQL's own, such as `pg_read_all_data`, can be named in
    /// `member_of`, or declared with `mode = "external"`. What everybody may do stands in `[source.NAME.public]`.
    ReservedName = "F181", "reserved-name";
    /// The key names nothing that rights can be held on. Names stand as the catalog has them, with their schema;
    /// `"public.orders"`, `"public.orders(id, status)"`, `"schema public"`, `"function public.f(integer)"`.
    BadObject = "F182", "bad-object";
    /// The kind of object does not have this privilege, or there is no privilege of that name. A privilege
    /// is a word of GRANT's, or `ALL`, with `WITH GRANT OPTION` behind it where it may be given on. To PUBLIC
    /// nothing can be given that way.
    BadPrivilege = "F183", "bad-privilege";
    /// Two keys name the same object. Which of the two lists counts would be a guess.
    ObjectTwice = "F184", "object-twice";
    /// A role would be a member of itself, directly or through others. PostgreSQL refuses that.
    MembershipCycle = "F185", "membership-cycle";
    /// An external role is never altered, so nothing of the role itself can stand here: no attributes, settings,
    /// password, comment, and no membership of its own. Rights on objects may be given to it, and other roles
    /// may be members of it.
    ExternalAltered = "F186", "external-altered";
    /// A moment is RFC 3339 with an offset, such as `2030-01-01T00:00:00Z`, or `infinity`.
    BadMoment = "F187", "bad-moment";
    /// The name of a setting has letters, digits and `_`, and a dot where it is an extension's.
    BadSetting = "F188", "bad-setting";
    /// A policy for SELECT and DELETE has `using`, one for INSERT has `check`, the others have at least one of
    /// the two. Names that begin with `tenantry:` are those of the policies that Tenantry makes from rules, and
    /// the policies of a governed table stand with its rules.
    BadPolicy = "F189", "bad-policy";
    /// A role with `tenant` is an SQL seat: whose rows it sees follows from the name that a session logged in as, so
    /// it needs `login = true`.
    SeatWithoutLogin = "F190", "seat-without-login";
}

impl fmt::Display for FileCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The code of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagnosticCode {
    /// Of the file.
    File(FileCode),
    /// Of a condition in the file.
    Condition(CondCode),
}

impl DiagnosticCode {
    /// The stable name: `F010`, `C201`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DiagnosticCode::File(code) => code.name(),
            DiagnosticCode::Condition(code) => code.name(),
        }
    }

    /// The name in words.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            DiagnosticCode::File(code) => code.slug(),
            DiagnosticCode::Condition(code) => code.slug(),
        }
    }

    /// One paragraph: what is wrong, why, and what to write.
    #[must_use]
    pub fn explain(self) -> &'static str {
        match self {
            DiagnosticCode::File(code) => code.explain(),
            DiagnosticCode::Condition(code) => code.explain(),
        }
    }

    /// Every code of the file and of conditions.
    pub fn all() -> impl Iterator<Item = DiagnosticCode> {
        let file = FileCode::ALL.iter().copied().map(DiagnosticCode::File);
        file.chain(CondCode::ALL.iter().copied().map(DiagnosticCode::Condition))
    }
}

impl From<FileCode> for DiagnosticCode {
    fn from(code: FileCode) -> Self {
        DiagnosticCode::File(code)
    }
}

impl From<CondCode> for DiagnosticCode {
    fn from(code: CondCode) -> Self {
        DiagnosticCode::Condition(code)
    }
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The explanation of any code of the file, of conditions or of the data tools, by its stable
/// name (`F010`, `C201`, `TOOL_NOT_ALLOWED`) or its slug (`unknown-key`), in any case.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    let fits = |name: &str| name.eq_ignore_ascii_case(code);
    let diagnostic = DiagnosticCode::all().find(|known| fits(known.name()) || fits(known.slug()));
    let tool = || Code::ALL.into_iter().find(|known| fits(known.name())).map(explain_tool);
    diagnostic.map(DiagnosticCode::explain).or_else(tool)
}

/// A sentence for each code of the data tools.
#[must_use]
pub fn explain_tool(code: Code) -> &'static str {
    match code {
        Code::ModelNotAllowed => {
            "There is no model of that name that the caller's roles grant a tool on. A model that exists but is not granted answers alike."
        }
        Code::FieldNotAllowed => {
            "The field does not exist for this caller, or not in this place: a masked or hashed field is not filterable unless the file says so. A denied field answers as if it did not exist."
        }
        Code::RelationNotAllowed => "The model has no relation of that name that leads to a model the caller may read.",
        Code::ToolNotAllowed => {
            "The caller's roles do not grant the tool on this model, or no rule lets the caller do this to any row of it."
        }
        Code::TenantScopeRequired => {
            "The model is scoped by an attribute that the caller's token does not carry. The answer is this error, never every row and never silently none."
        }
        Code::QueryTooBroad => {
            "The model's budget demands a filter by equality on one of the fields that the hints name."
        }
        Code::QueryBudgetExceeded => {
            "The call passes a limit of the model's budget: rows, columns, includes, filters, list length, bytes or cost. Nothing was read."
        }
        Code::WriteDisabled => "The model, or the field, cannot be written in this way.",
        Code::WriteApprovalRequired => {
            "The write waits for somebody who may approve it. It is stored as it was asked and runs once, as the one who asked, when approved."
        }
        Code::ReasonRequired => "Writes to the model need a `reason`; it is kept in the audit record.",
        Code::MaxAffectedRowsExceeded => "The write would touch more rows than one call may. Nothing was changed.",
        Code::ValidationError => {
            "The arguments do not fit: a type, a shape, a range or a missing part. `at` names the place."
        }
        Code::NotFound => "There is no such row for this caller. A row of somebody else answers alike.",
        Code::Conflict => {
            "The write conflicts with data of the caller's own, such as a unique key. A conflict with rows that the caller may not see is not told apart from other refusals."
        }
        Code::Timeout => "The statement took longer than the model's budget allows and was stopped.",
        Code::AuthenticationRequired => {
            "There is no valid token: none was sent, or its signature, issuer, audience or time does not hold."
        }
        Code::RateLimited => "Too many calls; `retry-after` says when the next one is welcome.",
        Code::InternalError => {
            "Our fault. The details stand in the server's log under the request's id, never in the answer."
        }
    }
}

/// The reference of all codes as Markdown: what `spec/errors.md` holds.
#[must_use]
pub fn error_reference() -> String {
    let mut out = String::from(
        "# Error codes\n\nGenerated from the code; do not edit. `tenantry explain CODE` prints the same text.\n\n\
         ## The file (F)\n",
    );
    let mut entry = |code: DiagnosticCode| {
        out.push_str(&format!("\n### {} {}\n\n{}\n", code.name(), code.slug(), tidy(code.explain())));
    };
    FileCode::ALL.iter().for_each(|code| entry((*code).into()));
    out.push_str("\n## Conditions (C)\n");
    let mut entry = |code: DiagnosticCode| {
        out.push_str(&format!("\n### {} {}\n\n{}\n", code.name(), code.slug(), tidy(code.explain())));
    };
    CondCode::ALL.iter().for_each(|code| entry((*code).into()));
    out.push_str("\n## Data tools\n");
    for code in Code::ALL {
        out.push_str(&format!("\n### {}\n\n{}\n", code.name(), explain_tool(code)));
    }
    out
}

/// One paragraph on one line: documentation comments are wrapped, and each line of them begins with a blank.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_explained() {
        let mut names: Vec<&str> = DiagnosticCode::all().flat_map(|code| [code.name(), code.slug()]).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for code in DiagnosticCode::all() {
            assert!(code.explain().len() > 20, "{code}");
            assert_eq!(explain(code.name()), Some(code.explain()));
        }
        assert!(explain("tool_not_allowed").is_some() && explain("F999").is_none());
    }

    #[test]
    fn the_reference_names_every_code() {
        let text = error_reference();
        for code in DiagnosticCode::all() {
            assert!(text.contains(&format!("### {} ", code.name())));
        }
        for code in Code::ALL {
            assert!(text.contains(code.name()));
        }
    }
}
