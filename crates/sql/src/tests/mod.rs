//! Tests of the whole room over a hand-made policy.

mod agree;
mod run;
mod security;
mod statements;
mod world;
