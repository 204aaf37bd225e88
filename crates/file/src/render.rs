//! Findings as text for people.

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::Place;

/// Plain text, or text with colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    #[default]
    Plain,
    /// ANSI escape sequences: red errors, yellow warnings, blue frames, green hints.
    Ansi,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Style::Plain => text.to_owned(),
            Style::Ansi => ["\u{1b}[", code, "m", text, "\u{1b}[0m"].concat(),
        }
    }
}

const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const GREEN: &str = "1;32";
const BOLD: &str = "1";

/// All findings, separated by empty lines. Ends with a line end unless there are none.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], style: Style) -> String {
    diagnostics.iter().map(|diagnostic| render_one(diagnostic, style)).collect::<Vec<_>>().join("\n")
}

/// One finding: the sentence, the place, the line with carets, other places, the hint.
#[must_use]
pub fn render_one(diagnostic: &Diagnostic, style: Style) -> String {
    let colour = match diagnostic.severity {
        Severity::Error => RED,
        Severity::Warning => YELLOW,
    };
    let head = format!("{}[{}]", diagnostic.severity.name(), diagnostic.code);
    let mut out = format!("{}: {}\n", style.paint(colour, &head), style.paint(BOLD, &diagnostic.message));
    let places = diagnostic.place.iter().chain(diagnostic.labels.iter().map(|label| &label.place));
    let gutter = places.map(|place| place.line.to_string().len()).max().unwrap_or(1);
    if let Some(place) = &diagnostic.place {
        frame(&mut out, place, "-->", '^', "", gutter, colour, style);
    }
    for label in &diagnostic.labels {
        frame(&mut out, &label.place, ":::", '-', &label.text, gutter, BLUE, style);
    }
    if let Some(hint) = &diagnostic.hint {
        out.push_str(&format!("{}: {hint}\n", style.paint(GREEN, "hint")));
    }
    out
}

#[allow(clippy::too_many_arguments, reason = "one private drawing step with its measures")]
fn frame(
    out: &mut String,
    place: &Place,
    arrow: &str,
    mark: char,
    text: &str,
    gutter: usize,
    colour: &str,
    style: Style,
) {
    let blank = " ".repeat(gutter);
    let bar = style.paint(BLUE, "|");
    out.push_str(&format!("{blank}{} {}:{}:{}\n", style.paint(BLUE, arrow), place.file, place.line, place.column));
    out.push_str(&format!("{blank} {bar}\n"));
    let number = format!("{:>gutter$}", place.line);
    out.push_str(&format!("{} {bar} {}\n", style.paint(BLUE, &number), place.excerpt));
    let carets: String = std::iter::repeat_n(mark, place.carets).collect();
    let tail = if text.is_empty() { carets } else { [&carets, " ", text].concat() };
    out.push_str(&format!("{blank} {bar} {}{}\n", " ".repeat(place.caret), style.paint(colour, &tail)));
}
