//! H4 for a source: every kind of secret that a file leads to, searched for in what the server logs and in all that
//! was sent to it, in plans, the state, the audit, and what is told while it is done.

use crate::source::Source;
use crate::wire::End;
use crate::world::on_sqlite;

/// The store's own files, as bytes.
fn files(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.extend(std::fs::read(path).unwrap());
        }
    }
    all
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

#[test]
fn no_secret_of_a_source_is_logged_sent_or_kept_in_the_clear() {
    on_sqlite(async |world| {
        // What a session's statements put into the server's log is told to the session too.
        let logged = ["log_statement = 'all'", "client_min_messages = 'log'", "log_min_duration_statement = 0"];
        let Some(source) = Source::make("h4", &logged).await else { return };
        let roles = |other: &str| {
            format!(
                "[source.main.role.{{p}}_made]\nlogin = true\npassword = \"generate\"\n\
                 [source.main.role.{{p}}_env]\nlogin = true\npassword = \"env:{other}\"\n\
                 [source.main.role.{{p}}_file]\nlogin = true\npassword = \"file:/run/{other}\"\n\
                 [source.main.role.{{p}}_run]\nlogin = true\n"
            )
        };
        let secrets = [
            ("env:ONE", "Env-Pa55word-1"),
            ("file:/run/ONE", "File-Pa55word-1"),
            ("env:TWO", "Env-Pa55word-2'; --"),
            ("file:/run/TWO", "File-Pa55word-2\\ü"),
        ];
        world.know(&secrets);
        let mut told = String::new();
        let mut seeded: Vec<String> = secrets.iter().map(|(_, secret)| (*secret).to_owned()).collect();
        // The password of the runtime role stands in its address.
        seeded.push("Runtime-Pa55word".to_owned());
        for file in [roles("ONE"), roles("TWO")] {
            told.push_str(&format!("{:?}", source.plan(world, &file).await));
            told.push_str(&source.plan(world, &file).await.to_json().to_string());
            let applied = source.apply(world, &file, true).await.unwrap();
            told.push_str(&format!("{:?}", applied.plan));
            seeded.extend(applied.shown.iter().map(|shown| shown.value.to_string()));
        }
        assert_eq!(seeded.len(), 6, "one was made, and shown once");
        // An apply that fails says no more.
        source.wire.arm(6, End::After);
        let failed = source.apply(world, &roles("ONE"), true).await.unwrap_err();
        source.wire.heal();
        told.push_str(&format!("{failed} {failed:?}"));
        assert!(
            source.checks("{p}_env", "Env-Pa55word-2'; --").await
                && source.checks("{p}_file", "File-Pa55word-2\\ü").await
        );
        let kept = world.kept_secret(&source.text("source.main.role.{p}_made"), "password").await;
        assert!(source.checks("{p}_made", &kept).await && source.checks("{p}_run", "Runtime-Pa55word").await);
        let (heard, stored) = (source.wire.heard(), files(world.folder()));
        // The search finds what is there.
        assert!(has(&heard, "statement: CREATE ROLE") && has(&heard, "SCRAM-SHA-256$4096:"), "the log is not heard");
        assert!(has(&stored, "apply.create") && has(told.as_bytes(), "(secret, generate)"));
        for secret in &seeded {
            for (place, bytes) in [("log", heard.as_slice()), ("store", &stored), ("plan", told.as_bytes())] {
                assert!(!has(bytes, secret), "{secret} stands in the {place}");
            }
        }
        // A verifier lets whoever has it play the server: it is not for plans, the state or the audit either.
        assert!(!has(&stored, "SCRAM-SHA-256$") && !has(told.as_bytes(), "SCRAM-SHA-256$"));
        source.destroy(world, &roles("ONE")).await;
        source.end(&["made", "env", "file", "run"]).await;
    });
}
