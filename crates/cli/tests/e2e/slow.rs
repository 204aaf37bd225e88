//! H3: callers who are slow with everything hold nobody else up.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Home, Server};

const COUNT: &str = r#"{"model":"orders","operation":"count"}"#;
const CALLS: usize = 400;

/// 500 connections: of each four, one that has sent nothing, one that stopped amid its headers, one that stopped amid
/// its body, and one that has asked and does not read.
fn slow(server: &Server, token: &str) -> Vec<TcpStream> {
    let head = format!(
        "POST /app/v1/tools/aggregate HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.address,
        COUNT.len()
    );
    let sent =
        [String::new(), head[..head.len() / 2].to_owned(), format!("{head}{}", &COUNT[..9]), format!("{head}{COUNT}")];
    (0..500)
        .map(|number| {
            let mut stream = server.connect();
            stream.write_all(sent[number % sent.len()].as_bytes()).unwrap();
            stream
        })
        .collect()
}

#[test]
fn h3_slow_callers_hold_nobody_up() {
    let home = Home::desk();
    let server = Server::start(&home);
    let (slow_one, quick) =
        (home.token("northwind", "ana@northwind.example"), home.token("globex", "gus@globex.example"));
    let others = || {
        let mut took: Vec<Duration> = (0..CALLS)
            .map(|_| {
                let begun = Instant::now();
                assert_eq!(server.call(&quick, "aggregate", COUNT).status, 200);
                begun.elapsed()
            })
            .collect();
        took.sort();
        (took[CALLS / 2], took[CALLS * 99 / 100])
    };
    others();
    let quiet = others();
    let held = slow(&server, &slow_one);
    let among = others();
    let ratio = among.1.as_secs_f64() / quiet.1.as_secs_f64();
    eprintln!(
        "H3: {} slow connections; the others: no error, p50 {:?} (quiet {:?}), p99 {:?} (quiet {:?}), {ratio:.2} times",
        held.len(),
        among.0,
        quiet.0,
        among.1,
        quiet.1
    );
    // The promise is 2 on a machine with nothing else to do; tests share theirs, where a p99 of a millisecond is chance.
    assert!(ratio < 2.0 || among.1 < Duration::from_millis(250), "{ratio}");
}
