//! The language as tables of cases: what compiles and to what, what does not and why, and what each
//! atom is worth. And its properties, over random texts, trees and conditions.

mod accept;
pub(crate) mod arbitrary;
mod reject;
mod round_trip;
mod truth;
mod world;
