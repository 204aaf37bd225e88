//! "Did you mean": the closest of the names that exist.

/// The name closest to `written`, or `None` when none is close: equal but for case, or within one
/// typing mistake for every three characters.
pub(crate) fn closest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let allowed = (written.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&written, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// "the relations are `a`, `b`": at most eight names; `None` when there are none.
pub(crate) fn one_of(beginning: &str, names: &[&str]) -> Option<String> {
    let (first, rest) = names.split_first()?;
    let mut text = format!("{beginning} `{first}`");
    for name in rest.iter().take(7) {
        text.push_str(&format!(", `{name}`"));
    }
    if rest.len() > 7 {
        text.push_str(" …");
    }
    Some(text)
}
