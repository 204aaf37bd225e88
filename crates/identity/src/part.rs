//! Which part of a list, and a list's part.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use tenantry_store::identity::Stretch;

use crate::Refusal;

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// By numbers of items.
    Page {
        /// Items to leave out.
        offset: i64,
        /// Items to answer at most.
        limit: i64,
        /// Is the number of all items asked for?
        total: bool,
    },
    /// From where an earlier part ended.
    From {
        /// What the earlier part answered as `next`; `None` begins.
        from: Option<String>,
        /// Items to answer at most.
        take: i64,
    },
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are in all, when that was asked for.
    pub total: Option<i64>,
    /// Where the next part begins; `None` at the end, and when parts are asked for by numbers.
    pub next: Option<String>,
}

impl Part {
    /// The place after which a [`Part::From`] begins: an item's time and id.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a `from` that no list answered.
    pub(crate) fn after(&self) -> Result<Option<(i64, String)>, Refusal> {
        let Part::From { from: Some(from), .. } = self else { return Ok(None) };
        let wrong =
            || Refusal::Invalid { code: "invalid_query_string", message: "Invalid value for 'from'.".to_owned() };
        let bytes = URL_SAFE_NO_PAD.decode(from).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let (micros, id) = text.split_once(' ').ok_or_else(wrong)?;
        if id.chars().any(char::is_control) {
            return Err(wrong());
        }
        Ok(Some((micros.parse().map_err(|_| wrong())?, id.to_owned())))
    }

    /// The same as a stretch of a list that is ordered by time and a key.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a `from` that no list answered.
    pub(crate) fn stretch(&self) -> Result<Stretch, Refusal> {
        let after = self.after()?.unwrap_or((i64::MIN, String::new()));
        let offset = if let Part::Page { offset, .. } = self { *offset } else { 0 };
        Ok(Stretch { after, offset, limit: self.fetch() })
    }

    /// How many items to leave out.
    pub(crate) fn offset(&self) -> i64 {
        match self {
            Part::Page { offset, .. } => *offset,
            Part::From { .. } => 0,
        }
    }

    /// Is the number of all items asked for?
    pub(crate) fn wants_total(&self) -> bool {
        matches!(self, Part::Page { total: true, .. })
    }

    /// How many rows to fetch: one more than asked for, to know whether there is a next part.
    pub(crate) fn fetch(&self) -> i64 {
        match self {
            Part::Page { limit, .. } => *limit,
            Part::From { take, .. } => take.saturating_add(1),
        }
    }

    /// The part that fetched rows make; `place` answers a row's time and id.
    pub(crate) fn listed<R, T>(
        &self,
        mut rows: Vec<R>,
        place: impl Fn(&R) -> (i64, String),
        make: impl FnMut(R) -> T,
    ) -> Listed<T> {
        let mut next = None;
        if let Part::From { take, .. } = self {
            let take = usize::try_from(*take).unwrap_or(0);
            if rows.len() > take {
                rows.truncate(take);
                next = rows.last().map(place).map(|(micros, id)| next_after(micros, &id));
            }
        }
        Listed { items: rows.into_iter().map(make).collect(), total: None, next }
    }
}

/// What a list ordered by time and id answers as `next` behind an item.
#[must_use]
pub fn next_after(micros: i64, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{micros} {id}"))
}
