//! What strangers send: conditions, files, tokens, arguments of tools, queries. The targets are tests
//! (`tests/targets`), run by `cargo xtask test` for a few seconds each and by `cargo xtask fuzz --seconds N`.
