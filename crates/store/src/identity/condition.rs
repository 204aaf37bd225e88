//! The conditions of a list's statement: fixed texts with numbered parameters, put together as a list is
//! filtered.

use crate::backend::Param;

/// Conditions that all must hold, and their parameters.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    text: String,
    params: Vec<Param>,
}

impl Conditions {
    /// Adds a condition that ends where its parameter comes: `client_id = `.
    pub(crate) fn and(&mut self, condition: &'static str, param: Param) {
        let place = self.param(param);
        self.join();
        self.text.push_str(condition);
        self.text.push_str(&place);
    }

    /// Adds a condition that was made for the parameter of this place (`Backend::among`).
    pub(crate) fn and_with(&mut self, param: Param, condition: impl FnOnce(usize) -> String) {
        self.params.push(param);
        let condition = condition(self.params.len());
        self.join();
        self.text.push_str(&condition);
    }

    /// Only what stands after a time and an id, in two columns written `(a, b) > `.
    pub(crate) fn after(&mut self, columns: &'static str, place: Option<(i64, &str)>) {
        if let Some((micros, id)) = place {
            let (micros, id) = (self.param(Param::int(micros)), self.param(Param::text(id)));
            self.join();
            self.text.push_str(columns);
            self.text.push_str(&["(", &micros, ", ", &id, ")"].concat());
        }
    }

    /// `WHERE …`, or nothing.
    pub(crate) fn clause(&self) -> &str {
        &self.text
    }

    /// One more parameter, for what follows the conditions; answers how the statement names it.
    pub(crate) fn param(&mut self, param: Param) -> String {
        self.params.push(param);
        format!("${}", self.params.len())
    }

    /// The parameters, in the order of their numbers.
    pub(crate) fn into_params(self) -> Vec<Param> {
        self.params
    }

    fn join(&mut self) {
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
    }
}
