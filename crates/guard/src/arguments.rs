//! Reading the arguments of a tool: an object's members are taken one by one, each with its type;
//! what is left at the end is an error, so a misspelt argument never silently means nothing.

use std::sync::Arc;

use tenantry_policy::request::{
    AskAggregate, AskFilter, AskHaving, AskInclude, AskOrder, AskRead, FilterOp, Id, Literal, Operation,
};
use tenantry_policy::{Code, Denied};

use crate::json::Json;

/// An object's members, with the place they stand at.
pub(crate) struct Arguments {
    members: Vec<(String, Json)>,
    known: Vec<&'static str>,
    at: String,
}

impl Arguments {
    /// The members of an object.
    pub(crate) fn new(json: Json, at: &str) -> Result<Arguments, Denied> {
        match json {
            Json::Object(members) => Ok(Arguments { members, known: Vec::new(), at: at.to_owned() }),
            other => Err(wrong(at, "an object", &other)),
        }
    }

    /// The member of that name, when it is there and not null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Json> {
        match self.take_even_null(name) {
            Some(Json::Null) | None => None,
            present => present,
        }
    }

    fn take_even_null(&mut self, name: &'static str) -> Option<Json> {
        self.known.push(name);
        let at = self.members.iter().position(|(key, _)| key == name)?;
        Some(self.members.remove(at).1)
    }

    /// The member of that name, which must be there.
    pub(crate) fn need(&mut self, name: &'static str) -> Result<Json, Denied> {
        let place = self.place(name);
        self.take(name).ok_or_else(|| {
            Denied::new(Code::ValidationError, format!("the argument `{place}` is missing")).at(place.clone())
        })
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<String>, Denied> {
        let place = self.place(name);
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(&place, "a text", &other)),
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, Denied> {
        let place = self.place(name);
        match self.take(name) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(value),
            Some(other) => Err(wrong(&place, "true or false", &other)),
        }
    }

    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<u32>, Denied> {
        let place = self.place(name);
        match self.take(name) {
            None => Ok(None),
            Some(Json::Number(text)) => text.parse().map(Some).map_err(|_| {
                Denied::new(Code::ValidationError, format!("`{place}` is a whole number from 1 up")).at(place.clone())
            }),
            Some(other) => Err(wrong(&place, "a whole number", &other)),
        }
    }

    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, Denied> {
        let place = self.place(name);
        match self.take(name) {
            None => Ok(None),
            Some(Json::List(items)) => items
                .into_iter()
                .enumerate()
                .map(|(at, item)| match item {
                    Json::Text(text) => Ok(text),
                    other => Err(wrong(&format!("{place}[{at}]"), "a text", &other)),
                })
                .collect::<Result<_, _>>()
                .map(Some),
            Some(other) => Err(wrong(&place, "a list of texts", &other)),
        }
    }

    pub(crate) fn place(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { [&self.at, ".", name].concat() }
    }

    /// Refuses what was not taken.
    pub(crate) fn finish(self) -> Result<(), Denied> {
        let Some((name, _)) = self.members.first() else { return Ok(()) };
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let place = self.place(&shown);
        let denied = Denied::new(Code::ValidationError, format!("there is no argument `{place}`")).at(place);
        Err(denied.hint(format!("arguments here: {}", self.known.join(", "))))
    }
}

fn wrong(at: &str, wanted: &str, found: &Json) -> Denied {
    let what = if at.is_empty() { "the body".to_owned() } else { format!("`{at}`") };
    Denied::new(Code::ValidationError, format!("{what} must be {wanted}, not {}", found.kind())).at(at)
}

/// A value whose type depends on the field it is for.
pub(crate) fn literal(json: Json) -> Literal {
    match json {
        Json::Null => Literal::Null,
        Json::Bool(value) => Literal::Bool(value),
        Json::Number(text) => match text.parse::<i64>() {
            Ok(number) => Literal::Int(number),
            Err(_) => Literal::Number(Arc::from(text)),
        },
        Json::Text(text) => Literal::Text(Arc::from(text)),
        Json::List(items) => Literal::List(items.into_iter().map(literal).collect()),
        object @ Json::Object(_) => Literal::Object(Arc::from(object.to_text())),
    }
}

/// A row's id: a value, or an object for a composite key.
pub(crate) fn id(json: Json, at: &str) -> Result<Id, Denied> {
    match json {
        Json::Object(members) => {
            Ok(Id::Composite(members.into_iter().map(|(name, value)| (name, literal(value))).collect()))
        }
        list @ Json::List(_) => Err(wrong(at, "a value, or an object for a composite key", &list)),
        value => Ok(Id::Single(literal(value))),
    }
}

/// A row's fields and values.
pub(crate) fn row(json: Json, at: &str) -> Result<Vec<(String, Literal)>, Denied> {
    match json {
        Json::Object(members) => Ok(members.into_iter().map(|(name, value)| (name, literal(value))).collect()),
        other => Err(wrong(at, "an object of fields and values", &other)),
    }
}

/// A filter; a list of filters means all of them. An empty list asks for nothing in particular.
pub(crate) fn filter(json: Json, at: &str) -> Result<Option<AskFilter>, Denied> {
    match json {
        Json::List(items) if items.is_empty() => Ok(None),
        Json::List(items) => parts(items, at).map(|parts| Some(AskFilter::And(parts))),
        other => one_filter(other, at).map(Some),
    }
}

fn parts(items: Vec<Json>, at: &str) -> Result<Vec<AskFilter>, Denied> {
    items.into_iter().enumerate().map(|(position, item)| one_filter(item, &format!("{at}[{position}]"))).collect()
}

fn one_filter(json: Json, at: &str) -> Result<AskFilter, Denied> {
    let json = match json {
        Json::List(items) => return parts(items, at).map(AskFilter::And),
        other => other,
    };
    let mut arguments = Arguments::new(json, at)?;
    for word in ["and", "or"] {
        if let Some(list) = arguments.take(word) {
            let place = arguments.place(word);
            let Json::List(items) = list else { return Err(wrong(&place, "a list of filters", &list)) };
            arguments.finish()?;
            let parts = parts(items, &place)?;
            return Ok(if word == "and" { AskFilter::And(parts) } else { AskFilter::Or(parts) });
        }
    }
    if let Some(inner) = arguments.take("not") {
        let place = arguments.place("not");
        arguments.finish()?;
        return Ok(AskFilter::Not(Box::new(one_filter(inner, &place)?)));
    }
    let field = match arguments.need("field")? {
        Json::Text(text) => text,
        other => return Err(wrong(&arguments.place("field"), "a field's name", &other)),
    };
    let op = operator(&mut arguments)?;
    let value = arguments.take_even_null("value");
    if value.is_none() && op != FilterOp::IsNull {
        return Err(Denied::new(Code::ValidationError, "the filter has no `value`").at(arguments.place("value")));
    }
    arguments.finish()?;
    Ok(AskFilter::Leaf { field, op, value: value.map_or(Literal::Null, literal) })
}

fn operator(arguments: &mut Arguments) -> Result<FilterOp, Denied> {
    let place = arguments.place("op");
    let name = arguments
        .text("op")?
        .ok_or_else(|| Denied::new(Code::ValidationError, "the filter has no `op`").at(place.clone()))?;
    FilterOp::parse(&name).ok_or_else(|| {
        let all: Vec<_> = FilterOp::ALL.into_iter().map(FilterOp::name).collect();
        let shown: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
        Denied::new(Code::ValidationError, format!("there is no operator `{shown}`"))
            .at(place)
            .hint(format!("operators: {}", all.join(", ")))
    })
}

/// The parts of a read that query and include share: everything but the cursor.
pub(crate) fn read(arguments: &mut Arguments) -> Result<AskRead, Denied> {
    let place = arguments.place("where");
    let filter = match arguments.take("where") {
        Some(json) => filter(json, &place)?,
        None => None,
    };
    Ok(AskRead {
        select: arguments.texts("select")?,
        filter,
        order: order(arguments)?,
        take: arguments.count("take")?,
        after: None,
        include: includes(arguments)?,
    })
}

fn order(arguments: &mut Arguments) -> Result<Vec<AskOrder>, Denied> {
    let place = arguments.place("order_by");
    let items = match arguments.take("order_by") {
        None => return Ok(Vec::new()),
        Some(Json::List(items)) => items,
        Some(single @ Json::Object(_)) => vec![single],
        Some(other) => return Err(wrong(&place, "a list of {field, direction}", &other)),
    };
    items
        .into_iter()
        .enumerate()
        .map(|(position, item)| {
            let at = format!("{place}[{position}]");
            let mut arguments = Arguments::new(item, &at)?;
            let field = match arguments.need("field")? {
                Json::Text(text) => text,
                other => return Err(wrong(&arguments.place("field"), "a field's name", &other)),
            };
            let descending = match arguments.text("direction")?.as_deref() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(_) => {
                    return Err(Denied::new(Code::ValidationError, "`direction` is \"asc\" or \"desc\"")
                        .at(arguments.place("direction")));
                }
            };
            arguments.finish()?;
            Ok(AskOrder { field, descending })
        })
        .collect()
}

/// The `include` argument.
pub(crate) fn includes(arguments: &mut Arguments) -> Result<Vec<AskInclude>, Denied> {
    let place = arguments.place("include");
    let items = match arguments.take("include") {
        None => return Ok(Vec::new()),
        Some(Json::List(items)) => items,
        Some(other) => return Err(wrong(&place, "a list of {relation, …}", &other)),
    };
    items
        .into_iter()
        .enumerate()
        .map(|(position, item)| {
            let at = format!("{place}[{position}]");
            let mut arguments = Arguments::new(item, &at)?;
            let relation = match arguments.need("relation")? {
                Json::Text(text) => text,
                other => return Err(wrong(&arguments.place("relation"), "a relation's name", &other)),
            };
            let read = read(&mut arguments)?;
            arguments.finish()?;
            Ok(AskInclude { relation, read })
        })
        .collect()
}

/// The parts of an aggregate.
pub(crate) fn aggregate(arguments: &mut Arguments) -> Result<AskAggregate, Denied> {
    let operation = match arguments.text("operation")?.as_deref() {
        Some("count") => Operation::Count,
        Some("sum") => Operation::Sum,
        Some("avg") => Operation::Avg,
        Some("min") => Operation::Min,
        Some("max") => Operation::Max,
        _ => {
            return Err(Denied::new(Code::ValidationError, "`operation` is count, sum, avg, min or max")
                .at(arguments.place("operation")));
        }
    };
    let filter = match arguments.take("where") {
        Some(json) => filter(json, "where")?,
        None => None,
    };
    let having = match arguments.take("having") {
        None => None,
        Some(json) => {
            let mut arguments = Arguments::new(json, "having")?;
            let op = operator(&mut arguments)?;
            let value = literal(arguments.need("value")?);
            arguments.finish()?;
            Some(AskHaving { op, value })
        }
    };
    Ok(AskAggregate {
        operation,
        field: arguments.text("field")?,
        filter,
        group_by: arguments.texts("group_by")?.unwrap_or_default(),
        having,
        distinct: arguments.flag("distinct")?,
    })
}
