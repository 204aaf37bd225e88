//! How many tests a step ran, read from what it said.

use std::ops::AddAssign;

/// Tests that passed and tests that did not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Count {
    /// One check that passed or did not.
    pub(crate) fn one(good: bool) -> Count {
        Count { passed: u64::from(good), failed: u64::from(!good) }
    }

    /// Reads a line of a test runner; `None` when it is no summary.
    pub(crate) fn of_line(line: &str) -> Option<Count> {
        let line = without_paint(line);
        let line = line.trim();
        if line.starts_with("Summary [") {
            let (_, numbers) = line.split_once(" run:")?;
            return Some(tally(numbers, ','));
        }
        let numbers = line.strip_prefix("test result:")?;
        let (_, numbers) = numbers.split_once('.')?;
        Some(tally(numbers, ';'))
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn tally(numbers: &str, between: char) -> Count {
    let mut count = Count::default();
    for part in numbers.split(between) {
        let Some((number, what)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        if what.starts_with("passed") {
            count.passed += number;
        } else if ["failed", "timed out", "exec failed"].iter().any(|bad| what.starts_with(bad)) {
            count.failed += number;
        }
    }
    count
}

fn without_paint(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // An escape for colour ends with its first letter.
            let _ = characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let cases = [
            ("     Summary [   0.003s] 12 tests run: 12 passed, 0 skipped", Some((12, 0))),
            ("     Summary [   1.2s] 10 tests run: 7 passed (1 slow), 2 failed, 1 timed out, 3 skipped", Some((7, 3))),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m passed",
                Some((1, 0)),
            ),
            ("     Summary [   2.0s] 5/9 tests run: 4 passed (1 flaky), 1 failed, 0 skipped", Some((4, 1))),
            (
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
                Some((3, 0)),
            ),
            ("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured", Some((3, 2))),
            ("running 3 tests", None),
            ("        PASS [   0.003s] x::y summary", None),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|(passed, failed)| Count { passed, failed });
            assert_eq!(Count::of_line(line), expected, "{line}");
        }
    }
}
