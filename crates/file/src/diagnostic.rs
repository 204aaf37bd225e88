//! What is wrong with the file: where, why, and what to write instead.

use std::cmp::Ordering;

use crate::code::DiagnosticCode;
use crate::span::{Files, Place, Span};

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not say what was meant.
    Warning,
}

impl Severity {
    /// The word in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code.
    pub code: DiagnosticCode,
    /// How bad.
    pub severity: Severity,
    /// One sentence, without a full stop. Holds no secret.
    pub message: String,
    /// Where; `None` only when there is no text at all.
    pub place: Option<Place>,
    /// Other places that matter.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Another place that matters to a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// Why it matters.
    pub text: String,
}

impl Diagnostic {
    /// Does it stop the file from being used?
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A finding that still counts in bytes of the texts.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    code: DiagnosticCode,
    severity: Severity,
    message: String,
    span: Option<Span>,
    labels: Vec<(Span, String)>,
    hint: Option<String>,
}

impl Finding {
    /// Adds another place.
    pub(crate) fn label(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.labels.push((span, text.into()));
        self
    }

    /// Says what to write instead.
    pub(crate) fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what to write instead, if there is something to say.
    pub(crate) fn maybe_hint(&mut self, hint: Option<String>) -> &mut Self {
        self.hint = hint.or(self.hint.take());
        self
    }
}

/// The findings so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Notes an error.
    pub(crate) fn error(
        &mut self,
        code: impl Into<DiagnosticCode>,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.note(Severity::Error, code.into(), span.into(), message.into())
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        code: impl Into<DiagnosticCode>,
        span: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.note(Severity::Warning, code.into(), span.into(), message.into())
    }

    fn note(&mut self, severity: Severity, code: DiagnosticCode, span: Option<Span>, message: String) -> &mut Finding {
        self.list.push_mut(Finding { code, severity, message, span, labels: Vec::new(), hint: None })
    }

    /// Is one of them an error?
    pub(crate) fn any_error(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Where findings of one code stand.
    pub(crate) fn spans_of(&self, code: impl Into<DiagnosticCode>) -> impl Iterator<Item = Span> {
        let code = code.into();
        self.list.iter().filter(move |finding| finding.code == code).filter_map(|finding| finding.span)
    }

    /// The findings as people see them, in the order of the texts.
    pub(crate) fn finish(self, files: &Files) -> Vec<Diagnostic> {
        let mut list = self.list;
        list.sort_by(|a, b| match (a.span, b.span) {
            (Some(a), Some(b)) => (a.file, a.start).cmp(&(b.file, b.start)),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        });
        let mut out: Vec<Diagnostic> = Vec::with_capacity(list.len());
        for finding in list {
            let diagnostic = Diagnostic {
                code: finding.code,
                severity: finding.severity,
                message: finding.message,
                place: finding.span.and_then(|span| files.place(span)),
                labels: finding
                    .labels
                    .into_iter()
                    .filter_map(|(span, text)| Some(Label { place: files.place(span)?, text }))
                    .collect(),
                hint: finding.hint,
            };
            if !out.contains(&diagnostic) {
                out.push(diagnostic);
            }
        }
        out
    }
}
