//! The one form of every answer: `{"success":true,"data":…}` or `{"success":false,"error":{…}}`.

use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::output::Paint;

/// A command's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How the program ends: [`Exit::Done`], or [`Exit::No`] for an answer that is no.
    pub exit: Exit,
    /// For programs.
    pub data: Value,
    /// The data as JSON text, where it was written elsewhere and its digits must stay; else `data`.
    pub exact: Option<Box<str>>,
    /// For people; may hold colour.
    pub text: String,
}

impl Outcome {
    /// Done, with data for programs and text for people.
    #[must_use]
    pub fn new(data: Value, text: impl Into<String>) -> Outcome {
        Outcome { exit: Exit::Done, data, exact: None, text: text.into() }
    }

    /// With another ending.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Outcome {
        self.exit = exit;
        self
    }

    /// With data that is JSON already and goes out as it is.
    #[must_use]
    pub fn exact(mut self, json: impl Into<String>) -> Outcome {
        self.exact = Some(json.into().into_boxed_str());
        self
    }

    /// The envelope, as one line.
    #[must_use]
    pub fn envelope(&self) -> String {
        match &self.exact {
            Some(json) => [r#"{"success":true,"data":"#, json, "}"].concat(),
            None => json!({ "success": true, "data": self.data }).to_string(),
        }
    }
}

/// A command's failure. Never holds a secret, and for callers' tools never SQL.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// A stable code.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do instead.
    pub hints: Vec<String>,
    /// Facts for programs.
    pub details: Box<Map<String, Value>>,
    /// The whole failure as people should see it, where a plain line will not do (a caret under
    /// the place in the file).
    pub rendered: Option<Box<str>>,
}

impl Failure {
    /// A failure.
    #[must_use]
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure {
            exit,
            code: code.into(),
            message: message.into(),
            hints: Vec::new(),
            details: Box::default(),
            rendered: None,
        }
    }

    /// The input is not valid.
    #[must_use]
    pub fn invalid(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Invalid, code, message)
    }

    /// Our fault, or of something we depend on.
    #[must_use]
    pub fn failed(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Failed, code, message)
    }

    /// Refused as dangerous.
    #[must_use]
    pub fn dangerous(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::new(Exit::Dangerous, code, message)
    }

    /// The answer is no.
    #[must_use]
    pub fn no(code: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure::new(Exit::No, code, message)
    }

    /// Ctrl-C.
    #[must_use]
    pub fn interrupted() -> Failure {
        Failure::new(Exit::Interrupted, "INTERRUPTED", "interrupted")
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// With a fact for programs.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Failure {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// With a rendering for people in place of the plain lines.
    #[must_use]
    pub fn rendered(mut self, text: impl Into<String>) -> Failure {
        self.rendered = Some(text.into().into_boxed_str());
        self
    }

    /// The envelope, as one line.
    #[must_use]
    pub fn envelope(&self) -> String {
        json!({
            "success": false,
            "error": { "code": self.code, "message": self.message, "hints": self.hints, "details": self.details },
        })
        .to_string()
    }

    /// For people.
    #[must_use]
    pub fn for_people(&self) -> String {
        if let Some(text) = &self.rendered {
            return text.to_string();
        }
        let mut text = [&Paint::BAD.on(&["error[", &self.code, "]"].concat()), ": ", &self.message, "\n"].concat();
        for hint in &self.hints {
            text.push_str(&["  ", &Paint::FAINT.on("hint:"), " ", hint, "\n"].concat());
        }
        text
    }
}
