//! Every command: one envelope with `--json`, a quiet standard error, the exit code that it means.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{Home, PROGRAM, Running, Server};

const ANA: &str = "northwind/ana@northwind.example";
const ADA: &str = "northwind/ada@northwind.example";

#[test]
fn every_command_answers_with_one_envelope_and_the_exit_code_that_it_means() {
    let home = Home::desk();
    home.write("broken.toml", "[table.orders\n");
    home.write("unknown.toml", "[tabel.orders]\n");
    home.write("latin1.toml", b"# caf\xe9\n");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let query = r#"{"model":"tickets","take":1}"#;
    // Arguments, exit code, error code ("" for success).
    let cases: &[(&[&str], i32, &str)] = &[
        (&["check"], 0, ""),
        (&["check", "--offline"], 0, ""),
        (&["fmt", "--check"], 0, ""),
        (&["schema"], 0, ""),
        (&["explain", "NOT_FOUND"], 0, ""),
        (&["explain", "--all"], 0, ""),
        (&["token", "--account", "northwind", "--user", "ana@northwind.example", "--ttl", "10m"], 0, ""),
        (&["token", "--user", "sam@platform.example"], 0, ""),
        (&["ask", ANA, "query", query], 0, ""),
        (&["ask", ANA, "describe_schema"], 0, ""),
        (&["ask", "northwind/prod/ana@northwind.example", "query", query], 0, ""),
        (&["audit"], 0, ""),
        (&["audit", "list", "--account", "northwind", "--tool", "query", "--since", "1h", "--denied"], 0, ""),
        (&["audit", "verify"], 0, ""),
        (&["audit", "export", "--account", "northwind", "--out", "northwind.jsonl"], 0, ""),
        (&["audit", "verify", "--export", "northwind.jsonl"], 0, ""),
        (&["audit", "export", "--account", "globex"], 0, ""),
        (&["doctor"], 0, ""),
        (&["completions", "bash"], 0, ""),
        (&["help-reference"], 0, ""),
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
        (&["demo", "--check", "--rows", "600"], 0, ""),
        // 1: our fault, or of something that we depend on.
        (&["init", "--from", "sqlite:absent.sqlite", "--out", "new.toml"], 1, "SOURCE_UNAVAILABLE"),
        (&["serve", "--listen", &taken], 1, "LISTEN"),
        (&["audit", "export", "--account", "northwind", "--out", "northwind.jsonl"], 1, "EXPORT_IO"),
        // 2: the answer is no.
        (&["ask", ANA, "query", r#"{"model":"payroll"}"#], 2, "MODEL_NOT_ALLOWED"),
        (&["ask", ANA, "query", r#"{"model":"customers","select":["internal_note"]}"#], 2, "FIELD_NOT_ALLOWED"),
        (&["ask", ANA, "delete", r#"{"model":"orders","id":1,"reason":"x"}"#], 2, "TOOL_NOT_ALLOWED"),
        (&["ask", ANA, "drop", "{}"], 2, "TOOL_NOT_ALLOWED"),
        (&["ask", ADA, "update", r#"{"model":"orders","id":1,"data":{"status":"paid"}}"#], 2, "REASON_REQUIRED"),
        (
            &["ask", ADA, "update", r#"{"model":"orders","id":99999999,"data":{"status":"paid"},"reason":"x"}"#],
            2,
            "NOT_FOUND",
        ),
        (&["audit", "show", "req_absent"], 2, "NOT_FOUND"),
        (&["audit", "export", "--account", "nobody"], 2, "NOT_FOUND"),
        // 3: the input is not valid.
        (&["ask", ANA, "query", "{"], 3, "VALIDATION_ERROR"),
        (&["ask", ANA, "query", r#"{"model":"tickets","tenant_id":"globex"}"#], 3, "VALIDATION_ERROR"),
        (&["ask", "northwind/nobody@x", "query", query], 3, "UNKNOWN_PRINCIPAL"),
        (&["ask", "a/b/c/d", "query", query], 3, "USAGE"),
        (&["token", "--account", "globex", "--user", "ana@northwind.example"], 3, "VALIDATION_ERROR"),
        (&["token", "--account", "northwind", "--user", "ana@northwind.example", "--ttl", "25h"], 3, "USAGE"),
        (&["token", "--account", "northwind", "--user", "ana@northwind.example", "--ttl", "0s"], 3, "USAGE"),
        (&["check", "--file", "absent.toml"], 3, "NO_FILE"),
        (&["check", "--file", "broken.toml"], 3, "FILE_INVALID"),
        (&["check", "--file", "unknown.toml", "--offline"], 3, "FILE_INVALID"),
        (&["check", "--file", "latin1.toml"], 3, "NO_FILE"),
        (&["serve", "--file", "broken.toml", "--listen", "127.0.0.1:0"], 3, "FILE_INVALID"),
        (&["serve", "--listen", "nowhere"], 3, "USAGE"),
        (&["fmt", "--file", "broken.toml"], 3, "FILE_INVALID"),
        (&["explain", "F999"], 3, "UNKNOWN_CODE"),
        (&["apply", "--source", "main", "--dry-run"], 3, "NOTHING_TO_APPLY"),
        (&["apply", "--source", "other"], 3, "UNKNOWN_SOURCE"),
        (&["init", "--from", "mysql://u:hunter2@h/d", "--out", "new.toml"], 3, "BAD_SOURCE_URL"),
        (&["audit", "verify", "--head", "nonsense"], 3, "BAD_HEAD"),
        (&["audit", "verify", "--export", "absent.jsonl"], 3, "NO_FILE"),
        (&["audit", "--since", "yesterday"], 3, "USAGE"),
        (&["demo", "--rows", "5"], 3, "USAGE"),
        (&["completions", "tcsh"], 3, "USAGE"),
        (&["nonsense"], 3, "USAGE"),
        // 4: refused as dangerous.
        (&["init", "--from", "sqlite:demo.sqlite"], 4, "FILE_EXISTS"),
        (&["demo", "--check", "--keep", "."], 4, "FOLDER_EXISTS"),
    ];
    for (args, exit, code) in cases {
        let with_json: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ran = home.run(&with_json);
        assert_eq!(ran.code, *exit, "{args:?}\n{}{}", ran.out, ran.err);
        let envelope = ran.envelope();
        assert_eq!(envelope["error"]["code"].as_str().unwrap_or_default(), *code, "{args:?} {envelope}");
        assert!(!ran.out.contains("hunter2"), "{args:?}");
        if *exit != 0 {
            // For people: the same exit code, nothing on standard output, and the code among the talk.
            let ran = home.run(args);
            assert_eq!(ran.code, *exit, "{args:?}\n{}{}", ran.out, ran.err);
            assert_eq!(ran.out, "", "{args:?}");
            assert!(ran.err.contains("error"), "{args:?}: {}", ran.err);
            assert!(!ran.err.contains("hunter2") && !ran.err.contains("panicked"), "{args:?}: {}", ran.err);
        }
    }
}

#[test]
fn the_doctor_and_verify_say_no_with_data() {
    let home = Home::empty();
    let ran = home.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 2);
    assert_eq!(ran.envelope()["data"]["healthy"], false);
    home.write("tenantry.toml", "[source.main]\nurl=\"sqlite:x\"\n");
    let ran = home.run(&["fmt", "--check", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.out);
    ran.envelope();
}

#[test]
fn ask_keeps_the_order_of_members_and_the_digits() {
    let home = Home::desk();
    let body = r#"{"model":"orders","select":["total_cents","id","status"],"take":2}"#;
    let ran = home.run(&["ask", ADA, "query", body]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let order: Vec<usize> = ["\"success\"", "\"data\"", "\"next_cursor\"", "\"has_more\""]
        .iter()
        .map(|key| ran.out.find(key).unwrap())
        .collect();
    assert!(order.is_sorted(), "{}", ran.out);
    assert!(ran.err.contains("Rules in play") && ran.err.contains("⟦") && ran.err.contains("← orders.scope⟧"));
    // The same arguments on standard input, the same answer as in the envelope.
    let json = home.run_with(&["ask", ADA, "query", "-", "--json"], body.as_bytes());
    let envelope = json.envelope();
    let people: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(envelope["data"]["answer"]["data"], people["data"]);
    assert_eq!(envelope["data"]["reasons"][0]["kind"], "scope");
    let pieces = envelope["data"]["statements"][0].as_array().unwrap();
    assert!(pieces.iter().any(|piece| piece["rule"] == "table.orders.scope"), "{envelope}");
    // Values never stand in what is shown of the statement.
    assert!(!ran.err.contains("'northwind'") && ran.err.contains(":principal.tenant_id"), "{}", ran.err);
    let quiet = home.run(&["ask", ADA, "query", body, "--quiet"]);
    assert_eq!((quiet.code, quiet.err.as_str()), (0, ""));
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let mut home = Home::desk();
    let check = |home: &Home, args: &[&str]| {
        let ran = home.run(args);
        ran.out + &ran.err
    };
    assert!(!check(&home, &["check"]).contains('\u{1b}'), "no terminal, no colour");
    assert!(check(&home, &["check", "--color", "always"]).contains('\u{1b}'));
    assert!(!check(&home, &["check", "--color", "always", "--json"]).contains('\u{1b}'));
    // On a terminal, if this machine can make one.
    if !cfg!(target_os = "linux") {
        eprintln!("skipped: `script` takes other arguments here");
        return;
    }
    let on_terminal = |home: &Home| {
        let mut command = home.command(&[]);
        let mut script = Command::new("script");
        script.args(["-qec", &format!("'{PROGRAM}' check"), "/dev/null"]).current_dir(home.path());
        script
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("TERM", "xterm");
        script.stdin(Stdio::null());
        command.arg("");
        script.output().ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(colourful) = on_terminal(&home) else {
        eprintln!("skipped: there is no program `script` to make a terminal with");
        return;
    };
    assert!(colourful.contains("The file is right") && colourful.contains('\u{1b}'), "{colourful}");
    home.set("NO_COLOR", "1");
    let plain = on_terminal(&home).unwrap();
    assert!(plain.contains("The file is right") && !plain.contains('\u{1b}'), "{plain:?}");
}

#[test]
fn completions_are_scripts_that_their_shells_can_read() {
    let home = Home::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.good(&["completions", shell]);
        assert!(script.contains("tenantry") && script.contains("doctor"), "{shell}");
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        home.write("completions", &script);
        match Command::new(shell).arg("-n").arg(home.file("completions")).output() {
            Ok(parsed) => {
                let said = String::from_utf8_lossy(&parsed.stderr).into_owned();
                assert!(parsed.status.success() && said.is_empty(), "{shell}: {said}");
            }
            Err(_) => eprintln!("skipped: {shell} is not installed, so nothing parsed its completions"),
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::desk();
    for args in [&["audit"][..], &["audit", "export", "--account", "northwind"], &["schema"], &["explain", "--all"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.command(args).stdout(writer).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
        assert!(!err.contains("panicked") && !err.contains("error"), "{args:?}: {err}");
    }
}

#[test]
fn ctrl_c_stops_a_server_gracefully_and_a_long_command_at_once() {
    let home = Home::desk();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut server = Server::start(&home);
        let token = home.token("northwind", "ana@northwind.example");
        assert_eq!(server.call(&token, "query", r#"{"model":"tickets","take":1}"#).status, 200);
        server.running.signal(signal);
        assert_eq!(server.running.ended(), 0, "{signal}");
        assert!(std::net::TcpStream::connect(server.address).is_err());
    }
    // A million rows take a while.
    let mut child = home.command(&["demo", "--rows", "3000000", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let err = child.stderr.take().unwrap();
    let mut running = Running(child);
    let mut lines = BufReader::new(err).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("Making about 3000000 rows"));
    running.signal(Signal::SIGINT);
    assert_eq!(running.ended(), 130);
    assert!(lines.any(|line| line.unwrap().contains("INTERRUPTED")));
    let left: Vec<_> = std::fs::read_dir(home.passing()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // The demo itself ends by Ctrl-C as well, and takes its folder along.
    let mut child = home.command(&["demo", "--rows", "600", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let mut running = Running(child);
    assert!(BufReader::new(out).lines().any(|line| line.unwrap() == "Ctrl-C stops the server."));
    running.signal(Signal::SIGINT);
    assert_eq!(running.ended(), 0);
    assert_eq!(std::fs::read_dir(home.passing()).unwrap().count(), 0);
}

#[test]
fn a_file_may_be_a_folder_or_json_on_standard_input() {
    let home = Home::desk();
    std::fs::create_dir(home.file("tenantry")).unwrap();
    let text = home.read("tenantry.toml");
    let (roles, tables) = text.split_at(text.find("[table.customers]").unwrap());
    home.write("tenantry/a.toml", roles);
    home.write("tenantry/b.toml", tables);
    std::fs::remove_file(home.file("tenantry.toml")).unwrap();
    let ran = home.run(&["check", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert_eq!(ran.envelope()["data"]["tables"].as_array().unwrap().len(), 6);
    let model = r#"{"source":{"main":{"url":"sqlite:demo.sqlite"}},"table":{"plans":{"source":"main.plans","shared":"TRUE","fields":{"id":"allow"}}}}"#;
    let ran = home.run_with(&["check", "--file", "-", "--json"], model.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert_eq!(ran.envelope()["data"]["tables"], serde_json::json!(["plans"]));
    let twice = r#"{"source":{},"source":{}}"#;
    let ran = home.run_with(&["check", "--file", "-", "--json"], twice.as_bytes());
    assert_eq!(ran.code, 3, "{}", ran.out);
}
