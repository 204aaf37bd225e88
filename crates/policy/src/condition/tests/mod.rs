//! The language as tables of cases: what compiles and to what, what does not and why, and what each
//! atom is worth.

mod accept;
mod reject;
mod round_trip;
mod truth;
mod world;
