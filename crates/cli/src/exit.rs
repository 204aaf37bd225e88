//! Exit codes by meaning, in one place.

/// What the exit code of the program says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: done, or allowed.
    Done,
    /// 1: our fault, or the fault of something we depend on (a disk, a database).
    Failed,
    /// 2: everything worked and the answer is no, or changes are pending.
    No,
    /// 3: the input is not valid: arguments, the file, a request.
    Invalid,
    /// 4: refused as dangerous.
    Dangerous,
    /// 130: interrupted (Ctrl-C, or asked to terminate).
    Interrupted,
}

impl Exit {
    /// Every exit code, for the reference.
    pub const ALL: [Exit; 6] = [Exit::Done, Exit::Failed, Exit::No, Exit::Invalid, Exit::Dangerous, Exit::Interrupted];

    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::No => 2,
            Exit::Invalid => 3,
            Exit::Dangerous => 4,
            Exit::Interrupted => 130,
        }
    }

    /// The meaning, for the reference.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Exit::Done => "done, or allowed",
            Exit::Failed => "our fault, or of something Tenantry depends on",
            Exit::No => "the answer is no, or changes are pending",
            Exit::Invalid => "invalid input",
            Exit::Dangerous => "refused as dangerous",
            Exit::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}
