//! Clients: the programs that ask for tokens.

pub(crate) mod lookup;
