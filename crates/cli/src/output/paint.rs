//! Colours by meaning. The output strips them where they are not wanted.

use anstyle::{AnsiColor, Style};

/// A meaning that has a colour.
#[derive(Debug, Clone, Copy)]
pub struct Paint(Style);

impl Paint {
    /// Good.
    pub const GOOD: Paint = Paint(AnsiColor::Green.on_default());
    /// To be looked at.
    pub const WARN: Paint = Paint(AnsiColor::Yellow.on_default().bold());
    /// Bad.
    pub const BAD: Paint = Paint(AnsiColor::Red.on_default().bold());
    /// A heading or a name.
    pub const STRONG: Paint = Paint(Style::new().bold());
    /// Something to type.
    pub const COMMAND: Paint = Paint(AnsiColor::Cyan.on_default());
    /// An aside.
    pub const FAINT: Paint = Paint(Style::new().dimmed());
    /// The part of a statement that Tenantry injected.
    pub const INJECTED: Paint = Paint(AnsiColor::Magenta.on_default().bold());

    /// `text` in this colour.
    #[must_use]
    pub fn on(self, text: &str) -> String {
        format!("{}{text}{}", self.0.render(), self.0.render_reset())
    }
}
