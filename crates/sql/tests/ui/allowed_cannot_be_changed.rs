//! What was decided stays as it was decided.

use tenantry_policy::{Allowed, Query};

fn swap(allowed: Allowed<Query>, other: Query) {
    *allowed.query() = other;
}

fn main() {}
