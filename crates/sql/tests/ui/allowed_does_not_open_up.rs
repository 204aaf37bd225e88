//! The field of `Allowed` is nobody else's.

use tenantry_policy::{Allowed, Query};

fn swap(mut allowed: Allowed<Query>, other: Query) {
    allowed.inner = other;
}

fn main() {}
