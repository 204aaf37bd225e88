//! The contexts that a token is for.

/// A context of our own APIs. A token for one is refused by the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Users and agents within one workspace: tools and profile.
    App,
    /// Management and observability within one workspace.
    Dashboard,
    /// Platform principals, across accounts.
    Portal,
}

impl Audience {
    /// The context of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Audience> {
        [Audience::App, Audience::Dashboard, Audience::Portal].into_iter().find(|context| context.name() == name)
    }

    /// The name, as it stands in the claims `aud` and `context`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Audience::App => "app",
            Audience::Dashboard => "dashboard",
            Audience::Portal => "portal",
        }
    }
}
