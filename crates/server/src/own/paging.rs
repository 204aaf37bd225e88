//! Lists: `take` and `cursor`, as the data tools take them.

use schemars::JsonSchema;
use serde::Deserialize;
use tenantry_identity::{Listed, Part, Refusal};

use crate::own::reply::Page;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items at most, 1 to 100
    #[schemars(range(min = 1, max = 100))]
    pub(crate) take: Option<i64>,
    /// Where an earlier answer ended: its `next_cursor`
    #[schemars(length(max = 2000))]
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// The part that is asked for.
    pub(crate) fn part(&self) -> Part {
        Part::From { from: self.cursor.clone(), take: self.take() }
    }

    fn take(&self) -> i64 {
        self.take.unwrap_or(50).clamp(1, 100)
    }

    /// The same of a list that counts its items: one more than is shown, to know whether there is a next part.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a cursor that no such list answered.
    pub(crate) fn counted(&self) -> Result<Part, Refusal> {
        let wrong = || Refusal::Invalid { code: "invalid_query", message: "no list answered this `cursor`".to_owned() };
        let offset = match &self.cursor {
            None => 0,
            Some(cursor) => cursor.parse::<i64>().ok().filter(|at| (1..=1_000_000).contains(at)).ok_or_else(wrong)?,
        };
        Ok(Part::Page { offset, limit: self.take() + 1, total: false })
    }

    /// The answer for such a part.
    pub(crate) fn page<S, T>(&self, mut listed: Listed<S>, show: impl FnMut(S) -> T) -> Page<T> {
        let (take, before) = (self.take(), self.cursor.as_ref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0));
        let shown = usize::try_from(take).unwrap_or(50);
        let next = (listed.items.len() > shown).then(|| i64::saturating_add(before, take).to_string());
        listed.items.truncate(shown);
        Page { items: listed.items.into_iter().map(show).collect(), next }
    }
}
