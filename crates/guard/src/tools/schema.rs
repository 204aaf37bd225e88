//! The forms that arguments have, as JSON Schema: of one caller's view of the tables, and of nothing besides.

use tenantry_policy::bound::Verdict;
use tenantry_policy::condition::ColumnRef;
use tenantry_policy::request::FilterOp;
use tenantry_policy::table::{Column, Field, Table};
use tenantry_policy::value::Type;
use tenantry_policy::{Bound, ColumnId, Op, Tool};

use crate::json::Json;

/// The members of a form, by name.
pub(super) type Named = Vec<(&'static str, Json)>;

/// The most fields in `order_by` and in `group_by`.
const MOST_NAMED: u32 = 8;

/// The forms of one tool's arguments, with what they share under `$defs`.
pub(super) struct Forms<'b> {
    bound: &'b Bound,
    definitions: Vec<(String, Json)>,
}

/// Every type that a value in a filter may have, in the order of the schema.
const COMPARED: [Type; 8] =
    [Type::Int, Type::Decimal, Type::Float, Type::Text, Type::Bool, Type::Uuid, Type::Timestamp, Type::Date];

impl<'b> Forms<'b> {
    pub(super) fn new(bound: &'b Bound) -> Forms<'b> {
        Forms { bound, definitions: Vec::new() }
    }

    pub(super) fn into_definitions(self) -> Vec<(String, Json)> {
        self.definitions
    }

    /// The arguments of a tool on a table, besides `model`.
    pub(super) fn arguments(&mut self, tool: Tool, table: &'b Table) -> Named {
        match tool {
            Tool::Query => {
                let mut arguments = self.reading(table, true);
                let cursor = [("type", text("string")), ("description", text("`next_cursor` of the page before"))];
                arguments.push(("cursor", object(cursor)));
                arguments
            }
            Tool::Get => {
                let mut arguments = vec![("id", id(table)), ("select", selected(table))];
                arguments.extend(self.includes(table));
                arguments
            }
            Tool::Aggregate => self.aggregate(table),
            Tool::Create => {
                let data = written(table, table.writes.create.as_deref().unwrap_or_default(), true);
                writing([("data", data), ("return_fields", selected(table))])
            }
            Tool::BulkCreate => {
                let row = written(table, table.writes.create.as_deref().unwrap_or_default(), true);
                let rows = array(row, Some(1), Some(table.writes.max_rows));
                writing([("rows", rows), ("return_fields", selected(table))])
            }
            Tool::Update => writing([("id", id(table)), ("data", written(table, &table.writes.update, false))]),
            Tool::BulkUpdate => {
                let mut arguments = Vec::new();
                if !table.callers_key().is_empty() {
                    arguments.push(("ids", array(id(table), Some(1), Some(table.writes.max_rows))));
                }
                arguments.push(("where", self.filtered(table)));
                arguments.push(("data", written(table, &table.writes.update, false)));
                writing(arguments)
            }
            Tool::Delete => writing([("id", id(table))]),
        }
    }

    /// The arguments that a call needs besides `model`.
    pub(super) fn required(&self, tool: Tool, table: &Table) -> Vec<&'static str> {
        let mut required = match tool {
            Tool::Query => Vec::new(),
            Tool::Get => vec!["id"],
            Tool::Aggregate => vec!["operation"],
            Tool::Create => vec!["data"],
            Tool::BulkCreate => vec!["rows"],
            Tool::Update => vec!["id", "data"],
            Tool::BulkUpdate => vec!["data"],
            Tool::Delete => vec!["id"],
        };
        if tool.op() != Op::Read && table.writes.require_reason {
            required.push("reason");
        }
        required
    }

    /// `select`, `where`, `order_by`, `take` and `include`; to one row neither order nor number applies.
    fn reading(&mut self, table: &'b Table, many: bool) -> Named {
        let mut arguments = vec![("select", selected(table)), ("where", self.filtered(table))];
        if many {
            let usable = usable(table);
            if !usable.is_empty() {
                let order = object([
                    ("type", text("object")),
                    (
                        "properties",
                        object([
                            ("field", one_of(&usable)),
                            ("direction", object([("enum", list([text("asc"), text("desc")]))])),
                        ]),
                    ),
                    ("required", list([text("field")])),
                    ("additionalProperties", Json::Bool(false)),
                ]);
                arguments.push(("order_by", array(order, None, Some(MOST_NAMED))));
            }
            let most = table.budget.max_rows;
            arguments.push((
                "take",
                object([
                    ("type", text("integer")),
                    ("minimum", number(1)),
                    ("maximum", number(most)),
                    ("default", number(most.min(25))),
                ]),
            ));
        }
        arguments.extend(self.includes(table));
        arguments
    }

    fn aggregate(&mut self, table: &'b Table) -> Named {
        let names =
            |words: &[&str]| object([("type", text("string")), ("enum", list(words.iter().map(|word| text(word))))]);
        let visible: Vec<&Column> = table.columns.iter().filter(|column| column.field.visible()).collect();
        let mut arguments = vec![
            ("operation", names(&["count", "sum", "avg", "min", "max"])),
            ("field", one_of(&visible)),
            ("where", self.filtered(table)),
        ];
        // The answer has a member `value` of its own.
        let groups: Vec<&Column> = usable(table).into_iter().filter(|column| column.facts.name != "value").collect();
        if !groups.is_empty() {
            arguments.push(("group_by", array(one_of(&groups), None, Some(MOST_NAMED))));
        }
        // A group's value has the operation's type; `between` takes two.
        let of_groups = object([("type", list(["number", "string", "boolean", "array"].map(text)))]);
        let having = object([
            ("type", text("object")),
            (
                "properties",
                object([("op", names(&["eq", "ne", "lt", "lte", "gt", "gte", "between"])), ("value", of_groups)]),
            ),
            ("required", list([text("op"), text("value")])),
            ("additionalProperties", Json::Bool(false)),
        ]);
        arguments.push(("having", having));
        arguments.push(("distinct", object([("type", text("boolean"))])));
        arguments
    }

    /// `where`: a filter, or a list of filters of which all must hold.
    fn filtered(&mut self, table: &'b Table) -> Json {
        let filter = self.filter(table);
        let several = object([("type", text("array")), ("items", filter.clone())]);
        let mut form = vec![("type", list([text("object"), text("array")])), ("anyOf", list([filter, several]))];
        let must = &table.budget.require_filter;
        if !must.is_empty() {
            let names: Vec<&str> =
                must.iter().filter_map(|id| table.column(*id)).map(|column| column.facts.name.as_str()).collect();
            form.push(("description", text(&format!("Needs `eq` or `in` on one of: {}", names.join(", ")))));
        }
        object(form)
    }

    /// A reference to the form of one filter.
    fn filter(&mut self, table: &'b Table) -> Json {
        let name = definition("filter", table);
        let here = reference(&name);
        if self.knows(&name) {
            return here;
        }
        let single = |word: &'static str, form: Json| {
            object([
                ("type", text("object")),
                ("properties", object([(word, form)])),
                ("required", list([text(word)])),
                ("additionalProperties", Json::Bool(false)),
            ])
        };
        let usable = usable(table);
        let mut branches = Vec::new();
        for ty in COMPARED {
            let of_type: Vec<&Column> = usable.iter().copied().filter(|column| column.facts.ty == Some(ty)).collect();
            if !of_type.is_empty() {
                branches.push(leaf(&of_type, ty, table.budget.max_in));
            }
        }
        if !usable.is_empty() {
            branches.push(object([
                ("type", text("object")),
                (
                    "properties",
                    object([
                        ("field", one_of(&usable)),
                        ("op", object([("const", text(FilterOp::IsNull.name()))])),
                        ("value", object([("type", text("boolean"))])),
                    ]),
                ),
                ("required", list([text("field"), text("op")])),
                ("additionalProperties", Json::Bool(false)),
            ]));
        }
        for word in ["and", "or"] {
            branches.push(single(word, array(here.clone(), Some(1), None)));
        }
        branches.push(single("not", here.clone()));
        self.definitions.push((name, object([("anyOf", Json::List(branches))])));
        here
    }

    /// `include`, where there is a relation to rows that the caller may read.
    fn includes(&mut self, table: &'b Table) -> Option<(&'static str, Json)> {
        let name = definition("include", table);
        let here = reference(&name);
        let bound = self.bound;
        let relations: Vec<_> = table
            .relations
            .iter()
            .filter(|relation| {
                let tools = bound.tools(relation.to);
                (tools.has(Tool::Query) || tools.has(Tool::Get))
                    && bound.access(relation.to, Op::Read).verdict() == Verdict::Open
            })
            .filter_map(|relation| Some((relation, bound.policy.table(relation.to)?)))
            .collect();
        if relations.is_empty() || table.budget.max_includes == 0 {
            return None;
        }
        if !self.knows(&name) {
            // The place is taken first: relations lead back to where they came from.
            let at = self.definitions.len();
            self.definitions.push((name, Json::Null));
            let mut branches = Vec::new();
            for (relation, other) in relations {
                let mut properties = vec![("relation", object([("const", text(&relation.name))]))];
                properties.extend(self.reading(other, !relation.to_one));
                branches.push(object([
                    ("type", text("object")),
                    ("properties", object(properties)),
                    ("required", list([text("relation")])),
                    ("additionalProperties", Json::Bool(false)),
                ]));
            }
            if let Some((_, form)) = self.definitions.get_mut(at) {
                *form = object([("anyOf", Json::List(branches))]);
            }
        }
        Some(("include", array(here, None, Some(table.budget.max_includes))))
    }

    fn knows(&self, name: &str) -> bool {
        self.definitions.iter().any(|(known, _)| known == name)
    }
}

/// A comparison of fields of one type.
fn leaf(columns: &[&Column], ty: Type, max_in: u32) -> Json {
    let ordered = !matches!(ty, Type::Bool | Type::Uuid);
    let fits = |op: &FilterOp| match op {
        FilterOp::Eq | FilterOp::Ne | FilterOp::In | FilterOp::NotIn => true,
        FilterOp::Lt | FilterOp::Lte | FilterOp::Gt | FilterOp::Gte | FilterOp::Between => ordered,
        FilterOp::Contains | FilterOp::StartsWith | FilterOp::EndsWith => ty == Type::Text,
        FilterOp::IsNull => false,
    };
    let ops = FilterOp::ALL.into_iter().filter(fits).map(|op| text(op.name()));
    let value = list([value(ty, false), array(value(ty, false), None, Some(max_in))]);
    object([
        ("type", text("object")),
        (
            "properties",
            object([
                ("field", one_of(columns)),
                ("op", object([("enum", list(ops))])),
                ("value", object([("anyOf", value)])),
            ]),
        ),
        ("required", list([text("field"), text("op"), text("value")])),
        ("additionalProperties", Json::Bool(false)),
    ])
}

/// With what every write takes.
fn writing(arguments: impl IntoIterator<Item = (&'static str, Json)>) -> Named {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let reason = [("type", text("string")), ("description", text("Why: kept in the audit"))];
    arguments.push(("reason", object(reason)));
    let dry = [("type", text("boolean")), ("description", text("Says what would change and changes nothing"))];
    arguments.push(("dry_run", object(dry)));
    arguments
}

/// The values of a row that a caller may write.
fn written(table: &Table, columns: &[ColumnId], new: bool) -> Json {
    let by_server = |id: ColumnId| {
        table.tenant == Some(ColumnRef::Own(id)) || (new && table.writes.auto_set.iter().any(|(own, _)| *own == id))
    };
    let mut properties = Vec::new();
    let mut required = Vec::new();
    for id in columns {
        let Some(column) = table.column(*id).filter(|column| column.field.visible()) else { continue };
        let Some(ty) = column.facts.ty else { continue };
        let mut form = value(ty, column.facts.nullable);
        if let (Json::Object(members), Some(description)) = (&mut form, &column.description) {
            members.push(("description".to_owned(), text(description)));
        }
        properties.push((column.facts.name.clone(), form));
        let needed = table.writes.required.contains(id) || (!column.facts.nullable && !column.facts.has_default);
        if new && needed && !by_server(*id) {
            required.push(text(&column.facts.name));
        }
    }
    let mut form = vec![("type", text("object")), ("properties", Json::Object(properties))];
    if !required.is_empty() {
        form.push(("required", Json::List(required)));
    }
    if !new {
        form.push(("minProperties", number(1)));
    }
    form.push(("additionalProperties", Json::Bool(false)));
    object(form)
}

/// A row's id.
fn id(table: &Table) -> Json {
    let key: Vec<&Column> = table.callers_key().iter().filter_map(|id| table.column(*id)).collect();
    let form = |column: &Column| column.facts.ty.map_or_else(|| object([]), |ty| value(ty, false));
    match key.as_slice() {
        [only] => form(only),
        parts => object([
            ("type", text("object")),
            (
                "properties",
                Json::Object(parts.iter().map(|column| (column.facts.name.clone(), form(column))).collect()),
            ),
            ("required", list(parts.iter().map(|column| text(&column.facts.name)))),
            ("additionalProperties", Json::Bool(false)),
        ]),
    }
}

/// `select` and `return_fields`, with what the file says of the fields.
fn selected(table: &Table) -> Json {
    let visible: Vec<&Column> = table.columns.iter().filter(|column| column.field.visible()).collect();
    let said: Vec<String> = visible
        .iter()
        .filter_map(|column| {
            let how = match &column.field {
                Field::Mask { .. } => " (shown masked)",
                Field::Hash { .. } => " (shown as a hash)",
                Field::Allow | Field::Denied => "",
            };
            let description = column.description.as_deref().unwrap_or_default();
            let colon = if description.is_empty() { "" } else { ": " };
            (!how.is_empty() || !description.is_empty()).then(|| [&column.facts.name, how, colon, description].concat())
        })
        .collect();
    let most = u32::try_from(visible.len()).unwrap_or(u32::MAX).min(table.budget.max_columns);
    let mut form = array(one_of(&visible), Some(1), Some(most));
    if let (Json::Object(members), false) = (&mut form, said.is_empty()) {
        members.push(("description".to_owned(), text(&said.join("; "))));
    }
    form
}

/// The fields that a caller may find, order and group rows by.
fn usable(table: &Table) -> Vec<&Column> {
    let usable = |column: &&Column| column.field.filterable() && column.facts.ty.is_some_and(Type::filterable);
    table.columns.iter().filter(usable).collect()
}

/// A value of a type.
fn value(ty: Type, nullable: bool) -> Json {
    let (names, format): (&[&str], Option<&str>) = match ty {
        Type::Bool => (&["boolean"], None),
        Type::Int => (&["integer"], None),
        Type::Decimal => (&["number", "string"], None),
        Type::Float => (&["number"], None),
        Type::Text | Type::Bytes => (&["string"], None),
        Type::Uuid => (&["string"], Some("uuid")),
        Type::Timestamp => (&["string"], Some("date-time")),
        Type::Date => (&["string"], Some("date")),
        // Any value.
        Type::Json => return object([]),
    };
    let null = nullable.then_some("null");
    let names: Vec<Json> = names.iter().copied().chain(null).map(text).collect();
    let mut form = vec![(
        "type",
        match names.as_slice() {
            [only] => only.clone(),
            _ => Json::List(names),
        },
    )];
    form.extend(format.map(|format| ("format", text(format))));
    object(form)
}

fn one_of(columns: &[&Column]) -> Json {
    object([("type", text("string")), ("enum", list(columns.iter().map(|column| text(&column.facts.name))))])
}

fn array(items: Json, least: Option<u32>, most: Option<u32>) -> Json {
    let mut form = vec![("type", text("array")), ("items", items)];
    form.extend(least.map(|least| ("minItems", number(least))));
    form.extend(most.map(|most| ("maxItems", number(most))));
    object(form)
}

/// The name of what is defined of a table. Names of tables are any text: what a pointer would have to
/// escape is left out, and the table's place in the policy is never told.
fn definition(what: &str, table: &Table) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut name = [what, "_"].concat();
    for c in table.name.chars() {
        if plain(c) {
            name.push(c);
        } else {
            name.push_str(&format!("-{:x}-", u32::from(c)));
        }
    }
    name
}

fn reference(name: &str) -> Json {
    object([("$ref", text(&["#/$defs/", name].concat()))])
}

pub(super) fn object<'n>(members: impl IntoIterator<Item = (&'n str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn list(items: impl IntoIterator<Item = Json>) -> Json {
    Json::List(items.into_iter().collect())
}

pub(super) fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

fn number(number: u32) -> Json {
    Json::Number(number.to_string())
}
