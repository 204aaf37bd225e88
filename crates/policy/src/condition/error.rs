//! What may be wrong with a condition: where, why, and what to write instead.

use std::fmt;
use std::ops::Range;

/// A condition that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct CondError {
    /// Where: bytes of the condition's text.
    pub span: Range<usize>,
    /// The stable code.
    pub code: CondCode,
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl CondError {
    pub(crate) fn new(span: Range<usize>, code: CondCode, message: impl Into<String>) -> Self {
        CondError { span, code, message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With a hint, unless a better one is there.
    pub(crate) fn hint_else(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $slug:literal;)+) => {
        /// The stable codes of the condition language. The documentation of each is its explanation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum CondCode {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl CondCode {
            /// Every code, in order.
            pub const ALL: &'static [CondCode] = &[$(CondCode::$variant,)+];

            /// The stable name: `C101`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(CondCode::$variant => $name,)+ }
            }

            /// The name in words: `text-too-long`.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(CondCode::$variant => $slug,)+ }
            }

            /// One paragraph for `tenantry explain`: what is wrong, why, and what to write.
            #[must_use]
            pub fn explain(self) -> &'static str {
                match self { $(CondCode::$variant => concat!($($doc,)+).trim_ascii_start(),)+ }
            }
        }
    };
}

codes! {
    /// A condition is at most 4 KiB (4,096 bytes) long, so that it can be read, proved and run in
    /// bounded time. Split it into several rules, or move a long list into the principal's metadata
    /// and write `column IN principal.metadata.list`.
    TextTooLong = "C101", "text-too-long";
    /// Parentheses and NOT nest at most 64 deep. AND and OR take any number of parts side by side:
    /// write `a AND b AND c` instead of nesting pairs.
    TooDeep = "C102", "too-deep";
    /// A condition has at most 512 atoms (comparisons and tests). Use IN with a list where many
    /// comparisons name one column, or split the condition into several rules.
    TooManyAtoms = "C103", "too-many-atoms";
    /// NUL characters are refused everywhere, and other control characters outside quotes. They do
    /// not show on a screen, so the reviewed text would not be the text that runs; databases
    /// also cut text at NUL. Tabs and line ends are plain space.
    ControlCharacter = "C104", "control-character";
    /// The character means nothing in a condition. Names consist of letters, digits and `_`; text
    /// stands in single quotes.
    UnexpectedCharacter = "C105", "unexpected-character";
    /// A text literal begins with `'` and never ends. A quote inside text is written twice: `'it''s'`.
    UnterminatedText = "C106", "unterminated-text";
    /// The condition is empty. Write TRUE for "always" and FALSE for "never"; an empty text would
    /// be a guess.
    Empty = "C107", "empty-condition";
    /// The text does not follow the grammar at this place. A condition joins comparisons with AND,
    /// OR, NOT and parentheses, and a comparison has a name, an operator and a value.
    UnexpectedToken = "C110", "unexpected-token";
    /// Every `(` needs its `)`.
    UnclosedParenthesis = "C111", "unclosed-parenthesis";
    /// A comparison is not a value, so `a < b < c` and `(a = b) = TRUE` have no meaning here; databases
    /// that accept them compare a truth with a number. Write `a < b AND b < c`.
    ChainedComparison = "C112", "chained-comparison";
    /// Names stand without quotes. SQLite silently reads a double-quoted name that is no column as
    /// text, and a rule that is always true is the result; here double quotes are always an error.
    QuotedIdentifier = "C113", "quoted-identifier";
    /// Conditions hold no comments (`--`, `/* */`): a comment can make a reader see another rule than
    /// the one that runs. Use the rule's `description`.
    Comment = "C114", "comment";
    /// A condition is one expression; `;` has no place in it.
    Semicolon = "C115", "semicolon";
    /// Conditions take no parameters (`?`, `$1`, `:name`, `@name`). What differs between principals
    /// is read from `principal.…`.
    Parameter = "C116", "parameter";
    /// There are no functions: they differ between databases in meaning (`lower`, `now`, `length`) and
    /// cannot be proved. The time of the call is `principal.now`.
    Function = "C117", "function";
    /// There are no casts. Types are static and never converted; write the literal in the type
    /// that the column has: `UUID '…'`, `TIMESTAMP '…Z'`, `DECIMAL '…'`.
    Cast = "C118", "cast";
    /// There is no arithmetic and no concatenation: overflow and rounding differ between databases.
    /// Compute the value beforehand and store it in a column or in the principal's metadata.
    Arithmetic = "C119", "arithmetic";
    /// There are no subqueries. One hop through a declared to-one relation is written
    /// `relation.column`; a set of values is a list in the principal's metadata.
    Subquery = "C120", "subquery";
    /// NULL is not a value: `column = NULL` is never true in SQL, and `column <> NULL` is not either.
    /// Write `column IS NULL` or `column IS NOT NULL`. A list holds no NULL, since
    /// `NOT IN (1, NULL)` would never be true.
    NullLiteral = "C121", "null-literal";
    /// BETWEEN hides which end is included. Write `column >= low AND column <= high`.
    Between = "C122", "between";
    /// IS tests only for NULL. Write `column = TRUE`; only TRUE allows, so UNKNOWN needs no test of
    /// its own.
    IsTruth = "C123", "is-truth";
    /// LIKE is accepted for a beginning only: text that ends in one `%` and holds no other `%`, no
    /// `_` and no backslash. SQLite's LIKE ignores case, and escapes differ between databases.
    /// `STARTS WITH` says the same exactly.
    UnsupportedLike = "C124", "unsupported-like";
    /// Every text begins with the empty text, so the rule would only test for NULL. Write
    /// `column IS NOT NULL` if that is meant.
    EmptyPrefix = "C125", "empty-prefix";
    /// A name has one part (a column) or two (`relation.column`, one hop); only `principal.metadata`
    /// takes a longer path. A chain of hops would read tables whose rules nobody reviewed here.
    LongName = "C126", "name-too-long";
    /// IN takes a list of literals in parentheses, `IN ('a', 'b')`, or one list attribute of the
    /// principal, `IN principal.roles`. To test a column against attributes one by one, join
    /// comparisons with OR.
    BadList = "C127", "bad-list";
    /// The operator does not exist here. Comparisons are `=`, `<>` (or `!=`), `<`, `<=`, `>`, `>=`.
    UnknownOperator = "C128", "unknown-operator";
    /// Integers are 64-bit: -9223372036854775808 to 9223372036854775807, digits only. Overflow
    /// would behave differently in each database.
    BadInteger = "C130", "bad-integer";
    /// A UUID literal is 32 hexadecimal digits in the usual groups:
    /// `UUID '018f3c1e-7c1a-7000-8000-000000000001'`. Upper case is accepted and stored in lower case.
    BadUuid = "C131", "bad-uuid";
    /// A timestamp literal is RFC 3339 with an offset and at most six digits of fraction:
    /// `TIMESTAMP '2026-01-31T12:00:00Z'`. Without an offset the moment would depend on a setting.
    BadTimestamp = "C132", "bad-timestamp";
    /// A decimal literal has digits, at most one point and at most 28 digits in all:
    /// `DECIMAL '-12.50'`. No exponent.
    BadDecimal = "C133", "bad-decimal";
    /// A number with a point would be binary floating point in some databases, where 0.1 + 0.2 is
    /// not 0.3. Write `DECIMAL '1.50'` for a decimal column.
    BareDecimal = "C134", "bare-decimal";
    /// Literals with a kind in front are `UUID '…'`, `TIMESTAMP '…Z'` and `DECIMAL '…'`. Dates,
    /// intervals, hexadecimal and escape strings do not exist here.
    UnknownLiteral = "C135", "unknown-literal";
    /// The table has no such column. Names are matched exactly, case included, against the
    /// database's catalog: a misspelt name must never become a rule.
    UnknownColumn = "C201", "unknown-column";
    /// The table declares no such relation. Declare it under `relations`, or name a column of
    /// the table itself.
    UnknownRelation = "C202", "unknown-relation";
    /// A condition may hop only through a to-one relation (one that names columns of this table as
    /// the key). Through a to-many relation there would be many rows and no single value.
    ToManyHop = "C203", "to-many-hop";
    /// Attributes are `principal.tenant_id`, `principal.user_id`, `principal.workspace_id`,
    /// `principal.roles`, `principal.now` and `principal.metadata.path`. Everything else that a token
    /// carries stands under `metadata`.
    UnknownAttribute = "C204", "unknown-attribute";
    /// A metadata path has 1 to 8 parts of at most 63 characters, each of lower-case letters,
    /// digits and `_`, not beginning with a digit: `principal.metadata.org_id`. PostgreSQL reads
    /// the path as the name of a setting, which ignores case.
    BadAttributePath = "C205", "bad-attribute-path";
    /// Both sides of a comparison have the same type; nothing is converted. In SQLite `'1' = 1` is
    /// false or true depending on the column's affinity, so a mixed comparison is refused.
    TypeMismatch = "C210", "type-mismatch";
    /// `<`, `<=`, `>` and `>=` compare integers, decimals and timestamps only. The order of text
    /// depends on a collation, and UUIDs and truths have no order that means something.
    NotOrdered = "C211", "not-ordered";
    /// Columns of this type cannot be compared in a condition, since the databases do not agree on
    /// equality (floating point, JSON, bytes, dates) or Tenantry does not govern the type.
    UnusableType = "C212", "unusable-type";
    /// `char(n)` pads with blanks, so equal values may have different bytes, and SQLite and
    /// PostgreSQL disagree on which are equal. Change the column to `text` or `varchar`.
    PaddedColumn = "C213", "padded-column";
    /// The column's collation calls different bytes equal (NOCASE, a nondeterministic collation): two
    /// tenants' keys could be one. Change the column's collation.
    LooseCollation = "C214", "loose-collation";
    /// The attribute is a list here, but a comparison needs one value. Write
    /// `value IN principal.roles`.
    ListAsScalar = "C215", "list-as-scalar";
    /// The attribute is a single value, but IN needs a list. Write `column = principal.attribute`.
    ScalarAsList = "C216", "scalar-as-list";
    /// A name or value alone is not a condition, not even a bool column: write `is_public = TRUE`.
    /// To test whether an attribute is there, write `HAS principal.metadata.x`.
    NotACondition = "C217", "not-a-condition";
    /// One attribute has one type and one shape in the whole policy, because each token's value is
    /// read once. Another rule compares it with a column of another type, or as a list.
    AttributeConflict = "C218", "attribute-conflict";
    /// STARTS WITH compares text with a text literal or with a text attribute of the principal.
    PrefixNotText = "C219", "prefix-not-text";
    /// The attribute can never have this type: `principal.tenant_id`, `principal.user_id` and
    /// `principal.workspace_id` are text, int or uuid; `principal.roles` holds text; `principal.now` is a
    /// timestamp.
    AttributeType = "C220", "attribute-type";
    /// A decimal column stored as a number needs a declared scale, such as `DECIMAL(10,2)`, to be
    /// compared exactly, and a literal must not have more digits after the point than the column.
    DecimalScale = "C221", "decimal-scale";
    /// `relation.column IS NULL` would be true when the related row is absent or not visible to the
    /// principal, so absence would grant. Test the key column of this table, or compare the
    /// related column with a value.
    NullTestThroughRelation = "C222", "null-test-through-relation";
    /// IS NULL tests columns. An attribute that is missing is tested with HAS: `HAS principal.x`,
    /// `NOT HAS principal.x`.
    NullTestOfAttribute = "C223", "null-test-of-attribute";
    /// A scope entry equates a column of the table, or `relation.column`, with one attribute of the
    /// principal: `scope = { tenant_id = "principal.tenant_id" }`.
    BadScopeEntry = "C224", "bad-scope-entry";
}

impl fmt::Display for CondCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
