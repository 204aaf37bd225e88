//! Figures go to standard output, talk to standard error.

use std::io::Write as _;

/// One line of talk.
pub fn note(text: &str) {
    // A closed standard error is no reason to stop measuring.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One line of figures.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A table of figures: the first column to the left, the others to the right.
#[derive(Debug, Default)]
pub struct Grid {
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A grid with these headings.
    #[must_use]
    pub fn new(headings: &[&str]) -> Grid {
        Grid { rows: vec![headings.iter().map(|text| (*text).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let line = |row: &Vec<String>| {
            let mut text = String::new();
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if at == 0 {
                    text.push_str(&format!("{cell:<width$}"));
                } else {
                    text.push_str(&format!("  {cell:>width$}"));
                }
            }
            text.trim_end().to_owned()
        };
        self.rows.iter().map(line).collect()
    }

    /// Prints it.
    pub fn print(&self) {
        self.lines().iter().for_each(|line| say(line));
    }
}

/// `1.5` or `12` or `1,234`: as many digits as mean something.
#[must_use]
pub fn figure(value: f64) -> String {
    if value < 9.95 {
        return format!("{value:.2}");
    }
    if value < 99.5 {
        return format!("{value:.1}");
    }
    let whole = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        for (value, text) in
            [(0.123, "0.12"), (9.9, "9.90"), (12.34, "12.3"), (123.4, "123"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn a_grid_is_aligned() {
        let mut grid = Grid::new(&["roles", "ns"]);
        grid.row(vec!["10".to_owned(), "12,345".to_owned()]);
        assert_eq!(grid.lines(), ["roles      ns", "10     12,345"]);
    }
}
