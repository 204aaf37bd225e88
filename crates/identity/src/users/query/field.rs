//! What a field and a value mean together.

use tenantry_store::Piece;
use tenantry_store::identity::user_search::{
    Bound, FlagField, IdentityField, NumberField, NumberTest, OrderField, TermTest, TextField, TextTest, UserOrder,
    UserTest,
};

use super::{End, Value, time, wrong};
use crate::Refusal;
use crate::users::{names, terms};

/// Where a term without a field looks.
const USUAL: [TextField; 8] = [
    TextField::Email,
    TextField::Name,
    TextField::Nickname,
    TextField::GivenName,
    TextField::FamilyName,
    TextField::Username,
    TextField::Phone,
    TextField::Id,
];

/// A field of the language.
enum Field<'a> {
    Text(TextField),
    Number(NumberField),
    Time(NumberField),
    Flag(FlagField),
    Identity(IdentityField),
    Account,
    Metadata(&'a str),
    Unknown,
}

fn named(name: &str) -> Field<'_> {
    // Older queries say `name.raw` for what every field does now.
    match name.strip_suffix(".raw").unwrap_or(name) {
        "user_id" => Field::Text(TextField::Id),
        "email" => Field::Text(TextField::Email),
        "email.domain" => Field::Text(TextField::EmailDomain),
        "username" => Field::Text(TextField::Username),
        "phone_number" => Field::Text(TextField::Phone),
        "name" => Field::Text(TextField::Name),
        "nickname" => Field::Text(TextField::Nickname),
        "given_name" => Field::Text(TextField::GivenName),
        "family_name" => Field::Text(TextField::FamilyName),
        "last_ip" => Field::Text(TextField::LastIp),
        "logins_count" => Field::Number(NumberField::Logins),
        "created_at" => Field::Time(NumberField::Created),
        "updated_at" => Field::Time(NumberField::Updated),
        "last_login" => Field::Time(NumberField::LastLogin),
        "blocked" => Field::Flag(FlagField::Blocked),
        "email_verified" => Field::Flag(FlagField::EmailVerified),
        "phone_verified" => Field::Flag(FlagField::PhoneVerified),
        "identities.provider" => Field::Identity(IdentityField::Provider),
        "identities.connection" | "connection" => Field::Identity(IdentityField::Connection),
        "identities.user_id" => Field::Identity(IdentityField::Subject),
        "organization_id" => Field::Account,
        _ => {
            let root = name.split('.').next().unwrap_or_default();
            if matches!(root, "user_metadata" | "app_metadata") { Field::Metadata(name) } else { Field::Unknown }
        }
    }
}

/// The order that `name:1` or `name:-1` asks for; `None` for a field by which there is no order.
pub(crate) fn order(name: &str, descending: bool) -> Option<UserOrder> {
    let by = match named(name) {
        Field::Text(field) => OrderField::Text(field),
        Field::Number(field) | Field::Time(field) => OrderField::Number(field),
        _ => return None,
    };
    Some(UserOrder { by, descending })
}

/// There is something in the field.
pub(super) fn exists(name: &str) -> UserTest {
    match named(name) {
        Field::Text(field) => UserTest::Text(field, TextTest::Exists),
        Field::Number(field) | Field::Time(field) => UserTest::Number(field, NumberTest::Exists),
        Field::Flag(_) | Field::Identity(_) => UserTest::Always,
        Field::Account => UserTest::AnyMember,
        Field::Metadata(path) => UserTest::Term(path.to_owned(), TermTest::Exists),
        Field::Unknown => match name {
            "identities" | "picture" => UserTest::Always,
            _ => UserTest::Never,
        },
    }
}

/// The test that a field has a value. A field that no user has is had by nobody.
pub(super) fn test(field: Option<&str>, value: Value) -> Result<UserTest, Refusal> {
    let Some(name) = field else {
        if matches!(value, Value::Range(..)) {
            return Err(wrong("A range needs a field"));
        }
        if value == Value::Pattern(vec![Piece::Many]) {
            return Ok(UserTest::Always);
        }
        return Ok(UserTest::Any(USUAL.into_iter().map(|field| text(field, value.clone())).collect()));
    };
    if value == Value::Pattern(vec![Piece::Many]) || value == Value::Range(None, None) {
        return Ok(exists(name));
    }
    match named(name) {
        Field::Text(field) => Ok(text(field, value)),
        Field::Number(field) => whole(name, value).map(|test| UserTest::Number(field, test)),
        Field::Time(field) => moment(name, value).map(|test| UserTest::Number(field, test)),
        Field::Flag(field) => match value {
            Value::Plain(text) if text == "true" => Ok(UserTest::Flag(field, true)),
            Value::Plain(text) if text == "false" => Ok(UserTest::Flag(field, false)),
            _ => Err(wrong(&format!("{name} is true or false"))),
        },
        Field::Identity(field) => Ok(UserTest::Identity(field, as_written(value))),
        Field::Account => match value {
            Value::Plain(id) => Ok(UserTest::Member(id)),
            _ => Err(wrong("organization_id is compared whole")),
        },
        Field::Metadata(path) => Ok(UserTest::Term(path.to_owned(), term(value))),
        Field::Unknown => Ok(UserTest::Never),
    }
}

fn text(field: TextField, value: Value) -> UserTest {
    let test = match field {
        TextField::Id | TextField::LastIp | TextField::Phone | TextField::Connection => as_written(value),
        TextField::Email => match value {
            Value::Plain(text) => TextTest::Is(names::sought_email(&text)),
            other => as_written(folded(other)),
        },
        _ => as_written(folded(value)),
    };
    UserTest::Text(field, test)
}

fn folded(value: Value) -> Value {
    let end = |end: End| End { text: names::folded(&end.text), ..end };
    match value {
        Value::Plain(text) => Value::Plain(names::folded(&text)),
        Value::Pattern(pieces) => {
            let folded = pieces.into_iter().map(|piece| match piece {
                Piece::Text(text) => Piece::Text(names::folded(&text)),
                other => other,
            });
            Value::Pattern(folded.collect())
        }
        Value::Range(from, to) => Value::Range(from.map(end), to.map(end)),
    }
}

fn as_written(value: Value) -> TextTest {
    let bound = |end: End| Bound { at: end.text, inclusive: end.inclusive };
    match value {
        Value::Plain(text) => TextTest::Is(text),
        Value::Pattern(pieces) => match pieces.as_slice() {
            [Piece::Text(prefix), Piece::Many] => TextTest::StartsWith(prefix.clone()),
            _ => TextTest::Fits(pieces),
        },
        Value::Range(from, to) => TextTest::Between(from.map(bound), to.map(bound)),
    }
}

fn whole(name: &str, value: Value) -> Result<NumberTest, Refusal> {
    let number =
        |text: &str| -> Result<i64, Refusal> { text.parse().map_err(|_| wrong(&format!("{name} is a whole number"))) };
    let bound = |end: End| Ok::<_, Refusal>(Bound { at: number(&end.text)?, inclusive: end.inclusive });
    match value {
        Value::Plain(text) => {
            let exact = Bound { at: number(&text)?, inclusive: true };
            Ok(NumberTest::Between(Some(exact.clone()), Some(exact)))
        }
        Value::Range(from, to) => Ok(NumberTest::Between(from.map(bound).transpose()?, to.map(bound).transpose()?)),
        Value::Pattern(_) => Err(wrong(&format!("{name} takes no wildcards"))),
    }
}

/// A day in a range is meant whole: `[2026-01-01 TO 2026-01-02]` ends with the second.
fn moment(name: &str, value: Value) -> Result<NumberTest, Refusal> {
    let stretch = |text: &str| {
        time::stretch(text).ok_or_else(|| wrong(&format!("{name} is a time as in RFC 3339, or the beginning of one")))
    };
    match value {
        Value::Plain(text) => {
            let (first, after) = stretch(&text)?;
            let (from, to) = (Bound { at: first, inclusive: true }, Bound { at: after, inclusive: false });
            Ok(NumberTest::Between(Some(from), Some(to)))
        }
        Value::Range(from, to) => {
            let from = from.map(|end| {
                let (first, after) = stretch(&end.text)?;
                Ok::<_, Refusal>(Bound { at: if end.inclusive { first } else { after }, inclusive: true })
            });
            let to = to.map(|end| {
                let (first, after) = stretch(&end.text)?;
                Ok::<_, Refusal>(Bound { at: if end.inclusive { after } else { first }, inclusive: false })
            });
            Ok(NumberTest::Between(from.transpose()?, to.transpose()?))
        }
        Value::Pattern(_) => Err(wrong(&format!("{name} takes no wildcards"))),
    }
}

/// In the metadata a number is found in whatever spelling, and a range between numbers is one of numbers.
fn term(value: Value) -> TermTest {
    let parsed = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    match value {
        Value::Plain(text) => {
            let mut values = vec![terms::clipped(&text)];
            if let Some(spelled) = parsed(&text).map(terms::spelled)
                && !values.contains(&spelled)
            {
                values.push(spelled);
            }
            TermTest::Among(values)
        }
        Value::Range(from, to) => {
            let ends = [from.as_ref(), to.as_ref()];
            if ends.iter().flatten().all(|end| parsed(&end.text).is_some()) {
                let bound = |end: &End| {
                    parsed(&end.text).map(|number| Bound { at: terms::place(number), inclusive: end.inclusive })
                };
                let [from, to] = ends.map(|end| end.and_then(bound));
                TermTest::Number(NumberTest::Between(from, to))
            } else {
                TermTest::Text(as_written(Value::Range(from, to)))
            }
        }
        pattern @ Value::Pattern(_) => TermTest::Text(as_written(pattern)),
    }
}
