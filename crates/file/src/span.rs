//! Places in the texts that were read.

use std::sync::Arc;

/// A text to read, and the name by which messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// A file name, or `<stdin>`.
    pub name: String,
    /// The whole text. JSON when its first character is `{`, otherwise TOML.
    pub text: String,
}

impl SourceText {
    /// A named text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        SourceText { name: name.into(), text: text.into() }
    }

    /// Is it JSON rather than TOML?
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with('{')
    }
}

/// Bytes of one of the texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Which text, by its position.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// A span in a text.
    #[must_use]
    pub fn new(file: usize, range: std::ops::Range<usize>) -> Self {
        Span { file, start: range.start, end: range.end }
    }
}

/// The texts, and the parts of them that messages must not repeat.
#[derive(Debug, Clone, Default)]
pub struct Files {
    texts: Arc<[SourceText]>,
    /// Where each line of each text ends.
    lines: Arc<[Vec<usize>]>,
    /// Literals where a secret is expected. Never shown, whatever a message is about.
    hidden: Vec<Span>,
}

/// A place as people see it: complete in itself, so that a message outlives the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the text.
    pub file: Arc<str>,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line as shown: tabs widened, secrets hidden, at most [`LONGEST`] characters.
    pub excerpt: String,
    /// Where the carets begin under the excerpt, in characters from 0.
    pub caret: usize,
    /// How many carets; at least 1.
    pub carets: usize,
}

/// The most characters of a line that a message shows.
const LONGEST: usize = 140;

/// What stands in place of a secret.
const HIDDEN: &str = "***";

impl Files {
    /// The texts to read.
    #[must_use]
    pub fn new(texts: Vec<SourceText>) -> Self {
        let ends = |source: &SourceText| source.text.match_indices('\n').map(|(at, _)| at).collect();
        let lines = texts.iter().map(ends).collect();
        Files { texts: texts.into(), lines, hidden: Vec::new() }
    }

    /// The file and the line (from 1) that a span begins in; cheap, for many spans.
    #[must_use]
    pub fn line(&self, span: Span) -> Option<(&str, usize)> {
        let source = self.texts.get(span.file)?;
        let lines = self.lines.get(span.file)?;
        Some((source.name.as_str(), lines.partition_point(|end| *end < span.start).saturating_add(1)))
    }

    /// The texts, in order.
    #[must_use]
    pub fn texts(&self) -> &[SourceText] {
        &self.texts
    }

    /// From now on no message shows this part.
    pub(crate) fn hide(&mut self, span: Span) {
        self.hidden.push(span);
    }

    /// The text of a span; empty when it is out of range.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.texts.get(span.file).and_then(|text| text.text.get(span.start..span.end)).unwrap_or("")
    }

    /// The place of a span; `None` for a text that does not exist.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<Place> {
        let source = self.texts.get(span.file)?;
        let text = source.text.as_str();
        let start = floor(text, span.start);
        let end = floor(text, span.end.max(start));
        let before = text.get(..start)?;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text.get(start..)?.find('\n').map_or(text.len(), |at| start + at);
        let line = before.matches('\n').count() + 1;
        let column = text.get(line_start..start)?.chars().count() + 1;
        let mut shown = Shown::default();
        let mut at = line_start;
        while at < line_end {
            if let Some(hidden) = self.hidden.iter().find(|h| h.file == span.file && h.start <= at && at < h.end) {
                shown.mark(at, start, end);
                HIDDEN.chars().for_each(|c| shown.push(c, at < end && hidden.end > start));
                at = hidden.end.min(line_end);
                continue;
            }
            let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            shown.mark(at, start, end);
            let inside = at >= start && at < end;
            match c {
                '\t' => (0..4).for_each(|_| shown.push(' ', inside)),
                '\r' => {}
                c if c.is_control() => shown.push('\u{fffd}', inside),
                c => shown.push(c, inside),
            }
            at += c.len_utf8();
        }
        let caret = shown.caret.unwrap_or(shown.text.len());
        let carets = shown.carets.max(1);
        let (excerpt, caret, carets) = window(&shown.text, caret, carets);
        Some(Place { file: Arc::from(source.name.as_str()), start, end, line, column, excerpt, caret, carets })
    }
}

/// A line as it is being drawn.
#[derive(Default)]
struct Shown {
    text: Vec<char>,
    caret: Option<usize>,
    carets: usize,
}

impl Shown {
    fn mark(&mut self, at: usize, start: usize, end: usize) {
        if self.caret.is_none() && at >= start && (at < end || start == end) {
            self.caret = Some(self.text.len());
        }
    }

    fn push(&mut self, c: char, inside: bool) {
        if inside {
            self.caret.get_or_insert(self.text.len());
            self.carets += 1;
        }
        self.text.push(c);
    }
}

/// The part of a long line around the carets.
fn window(line: &[char], caret: usize, carets: usize) -> (String, usize, usize) {
    if line.len() <= LONGEST {
        let trimmed: String = line.iter().collect();
        return (trimmed.trim_end().to_owned(), caret, carets.min(LONGEST));
    }
    let from = caret.saturating_sub(LONGEST / 3).min(line.len().saturating_sub(LONGEST));
    let mut text = String::new();
    let mut shift = 0;
    if from > 0 {
        text.push('…');
        shift = 1;
    }
    text.extend(line.iter().skip(from).take(LONGEST));
    if from + LONGEST < line.len() {
        text.push('…');
    }
    let caret = caret - from + shift;
    (text, caret, carets.min((LONGEST + shift).saturating_sub(caret)).max(1))
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, range: std::ops::Range<usize>) -> Place {
        Files::new(vec![SourceText::new("a.toml", text)]).place(Span::new(0, range)).unwrap()
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let place = place("a = 1\nß = \"x\"\n", 6..8);
        assert_eq!((place.line, place.column, place.caret, place.carets), (2, 1, 0, 1));
        assert_eq!(place.excerpt, "ß = \"x\"");
    }

    #[test]
    fn odd_spans_do_not_panic() {
        for (start, end) in [(0, 0), (3, 1), (1, 2), (99, 120), (5, 6)] {
            let place = place("ßß\t\r\nx", start..end);
            assert!(place.carets >= 1, "{place:?}");
        }
    }

    #[test]
    fn hidden_parts_are_never_shown() {
        let mut files = Files::new(vec![SourceText::new("a.toml", "key = \"hunter2\", x = 1")]);
        files.hide(Span::new(0, 6..15));
        let place = files.place(Span::new(0, 17..18)).unwrap();
        assert_eq!(place.excerpt, "key = ***, x = 1");
        assert_eq!((place.caret, place.carets), (11, 1));
        let place = files.place(Span::new(0, 6..15)).unwrap();
        assert_eq!((place.caret, place.carets), (6, 3));
    }

    #[test]
    fn long_lines_are_cut_around_the_carets() {
        let text = format!("{}here{}", "x".repeat(500), "y".repeat(500));
        let place = place(&text, 500..504);
        let under: String = place.excerpt.chars().skip(place.caret).take(place.carets).collect();
        assert_eq!(under, "here");
        assert!(place.excerpt.chars().count() <= LONGEST + 2);
    }
}
