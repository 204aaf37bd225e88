//! The forms in which callers speak.

/// The form of a request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's responses.
    Responses,
    /// OpenAI's embeddings.
    Embeddings,
    /// Anthropic's messages.
    Messages,
}

impl Surface {
    /// The name in the audit.
    #[must_use]
    pub fn tool(self) -> &'static str {
        match self {
            Surface::Chat => "models.chat",
            Surface::Responses => "models.responses",
            Surface::Embeddings => "models.embeddings",
            Surface::Messages => "models.messages",
        }
    }

    /// The name in metrics, as the conventions have it.
    #[must_use]
    pub fn operation(self) -> &'static str {
        match self {
            Surface::Chat | Surface::Messages => "chat",
            Surface::Responses => "generate_content",
            Surface::Embeddings => "embeddings",
        }
    }

    /// The path after an upstream's base address.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Surface::Chat => "/chat/completions",
            Surface::Responses => "/responses",
            Surface::Embeddings => "/embeddings",
            Surface::Messages => "/messages",
        }
    }

    /// Does it answer with events where that is asked for?
    #[must_use]
    pub fn streams(self) -> bool {
        self != Surface::Embeddings
    }
}
