//! Prepared statements of one connection, the least used leaving first.

use std::collections::HashMap;

use tokio_postgres::Statement;

/// A cache from SQL text to its prepared form.
pub(super) struct Statements<S = Statement> {
    kept: HashMap<Box<str>, (S, u64)>,
    capacity: usize,
    uses: u64,
}

impl<S: Clone> Statements<S> {
    /// An empty cache for that many statements, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Statements { kept: HashMap::new(), capacity: capacity.max(1), uses: 0 }
    }

    /// The statement, which counts as used now.
    pub(super) fn get(&mut self, sql: &str) -> Option<S> {
        let (statement, used) = self.kept.get_mut(sql)?;
        self.uses += 1;
        *used = self.uses;
        Some(statement.clone())
    }

    /// Keeps a statement. The one that makes place is closed on the server when it is dropped.
    pub(super) fn put(&mut self, sql: &str, statement: S) {
        if self.kept.len() >= self.capacity {
            let oldest = self.kept.iter().min_by_key(|(_, (_, used))| *used).map(|(sql, _)| sql.clone());
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
        self.uses += 1;
        self.kept.insert(sql.into(), (statement, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_used_leaves_first() {
        let mut kept = Statements::<usize>::new(8);
        for number in 0..8 {
            kept.put(&number.to_string(), number);
        }
        assert_eq!(kept.get("0"), Some(0));
        kept.put("new", 1_000);
        assert_eq!(kept.get("1"), None);
        assert_eq!(kept.get("0"), Some(0));
        assert_eq!(kept.get("new"), Some(1_000));
        assert_eq!(kept.kept.len(), 8);
    }
}
