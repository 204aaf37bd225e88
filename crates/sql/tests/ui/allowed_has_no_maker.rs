//! `decide` is the only maker of `Allowed`.

use tenantry_policy::{Allowed, Context, Query};

fn forge(inner: Query, context: Context) -> Allowed<Query> {
    Allowed { inner, context }
}

fn main() {}
