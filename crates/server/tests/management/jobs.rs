//! Imports and exports of users.

use std::time::Duration;

use serde_json::{Value, json};

use crate::logins::{CONNECTION, login, user};
use crate::site::{Site, on_each_store};
use crate::support::database::Database;

async fn connection_id(site: &Site) -> String {
    let (status, found) = site.get(&format!("/connections?name={CONNECTION}")).await;
    if status == 200 {
        return found[0]["id"].as_str().unwrap().to_owned();
    }
    "con_UsernamePassword".to_owned()
}

/// Begins an import of that text.
async fn begin(site: &Site, file: &[u8], more: &[(&str, &str)]) -> (u16, Value) {
    let mut body = Vec::new();
    let id = connection_id(site).await;
    let mut parts = vec![("connection_id", id.as_str())];
    parts.extend(more);
    for (name, value) in parts {
        body.extend(format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(b"--x\r\nContent-Disposition: form-data; name=\"users\"; filename=\"u.json\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--x--\r\n");
    site.send_bytes("/jobs/users-imports", "multipart/form-data; boundary=x", body).await
}

/// The job when it has ended.
pub async fn ended(site: &Site, job: &Value) -> Value {
    let path = format!("/jobs/{}", job["id"].as_str().unwrap());
    for _ in 0..60_000 {
        let (status, job) = site.get(&path).await;
        assert_eq!(status, 200, "{job}");
        if matches!(job["status"].as_str(), Some("completed" | "failed")) {
            return job;
        }
        tokio::task::yield_now().await;
    }
    panic!("the job did not end");
}

pub async fn import(site: &Site, file: &[u8], more: &[(&str, &str)]) -> (Value, (u16, Value)) {
    let (status, begun) = begin(site, file, more).await;
    assert_eq!((status, &begun["status"], &begun["type"]), (202, &json!("pending"), &json!("users_import")), "{begun}");
    let job = ended(site, &begun).await;
    let errors = site.get(&format!("/jobs/{}/errors", job["id"].as_str().unwrap())).await;
    (job, errors)
}

/// `U*U`, with a cost of 5.
const BCRYPT: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

#[tokio::test(flavor = "multi_thread")]
async fn users_come_in_with_their_passwords_and_go_out() {
    on_each_store(async |site| {
        let users = json!([
            {"user_id": "one", "email": "One@Example.com", "email_verified": true, "password_hash": BCRYPT,
             "app_metadata": {"plan": "gold"}, "user_metadata": {"color": "red"}},
            {"email": "two@example.com", "username": "two", "custom_password_hash": {"algorithm": "pbkdf2",
             "hash": {"value": "$pbkdf2-sha1$i=2,l=20$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc"}},
             "mfa_factors": [{"totp": {"secret": "5HCWXIP2MJNSUBGYVUZFLRB2HWIGXR4SYJQXNBQ"}}]},
            {"email": "three@example.com"},
        ]);
        let (job, errors) = import(site, users.to_string().as_bytes(), &[("external_id", "mine")]).await;
        assert_eq!(job["summary"], json!({"failed": 0, "updated": 0, "inserted": 3, "total": 3}), "{job} {errors:?}");
        assert_eq!((&job["external_id"], &job["percentage_done"], errors.0), (&json!("mine"), &json!(100), 204));
        let (_, one) = site.get("/users/auth0%7Cone").await;
        assert_eq!((&one["email"], &one["app_metadata"]), (&json!("one@example.com"), &json!({"plan": "gold"})));
        assert!(login(site, "one@example.com", "U*U", "1.2.3.4").await.is_ok());
        // Its hash was made anew.
        assert!(login(site, "one@example.com", "U*U", "1.2.3.4").await.is_ok());
        assert!(login(site, "two", "password", "1.2.3.4").await.is_ok());
        assert!(login(site, "three@example.com", "", "1.2.3.4").await.is_err());

        let (job, errors) = import(site, users.to_string().as_bytes(), &[]).await;
        assert_eq!(job["summary"], json!({"failed": 3, "updated": 0, "inserted": 0, "total": 3}));
        assert_eq!(errors.0, 200);
        assert!(!errors.1.to_string().contains("CCCCC"), "{}", errors.1);
        assert_eq!(errors.1[0]["errors"][0]["code"], json!("DUPLICATED_USER"));
        let change = json!([{"email": "one@example.com", "app_metadata": {"plan": "silver"}, "blocked": true}]);
        let (job, _) = import(site, change.to_string().as_bytes(), &[("upsert", "true")]).await;
        assert_eq!(job["summary"]["updated"], json!(1), "{job}");
        let (_, one) = site.get("/users/auth0%7Cone").await;
        assert_eq!(
            (&one["app_metadata"], &one["blocked"], &one["user_metadata"]),
            (&json!({"plan": "silver"}), &json!(true), &json!({"color": "red"}))
        );

        let fields = json!([{"name": "email"}, {"name": "user_metadata.color", "export_as": "color"}]);
        for (format, expected) in
            [("json", "{\"email\":\"one@example.com\",\"color\":\"red\"}\n"), ("csv", "email,color\r\n")]
        {
            let (status, begun) = site.post("/jobs/users-exports", json!({"format": format, "fields": fields})).await;
            assert_eq!(status, 200, "{begun}");
            let job = ended(site, &begun).await;
            let location = job["location"].as_str().unwrap();
            let path = location.strip_prefix("https://tenantry.example").unwrap();
            let (status, text) = site.fetch(path).await;
            assert!(status == 200 && text.contains(expected) && text.contains("one@example.com"), "{status} {text}");
            assert_eq!(site.fetch(&path.replace("signature=", "signature=A")).await.0, 404);
        }
        assert_eq!(site.get("/jobs/job_0000000000000000").await.0, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_do_no_harm() {
    on_each_store(async |site| {
        user(site, "jane").await;
        let deep = ["[", &"[".repeat(100_000)].concat();
        for file in ["", "nonsense", "{}", "[{\"email\": \"a@example.com\"}", &deep, "[{\"email\": \"a@example.com\"}] x"] {
            let (job, (status, told)) = import(site, file.as_bytes(), &[]).await;
            assert_eq!((&job["status"], status, &told["status"]), (&json!("failed"), 200, &json!("failed")), "{file:.30}");
        }
        assert_eq!(site.get("/users?q=email:%22a@example.com%22").await.1, json!([]), "nothing half-written");
        let users = br#"[7, null, [], {}, {"email": 5}, {"email": "x"}, {"email": "twice@example.com", "email": "b@example.com"},
            {"email": "nul@example.com", "name": "a\u0000b"}, {"email": "more@example.com", "evil\u0000": 1},
            {"email": "weak@example.com", "custom_password_hash": {"algorithm": "md5", "hash": {"value": "x"}}},
            {"email": "dear@example.com", "password_hash": "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
            {"email": "same@example.com"}, {"email": "SAME@example.com"}, {"email": "jane@example.com"},
            {"email": "meta@example.com", "user_metadata": []}, {"email": "good@example.com", "user_id": "a|b\\c"}]"#;
        let (job, errors) = import(site, users, &[]).await;
        assert_eq!(job["status"], json!("completed"));
        let inserted = job["summary"]["inserted"].as_u64().unwrap();
        assert!((1..=2).contains(&inserted), "{job} {}", errors.1);
        assert_eq!(errors.1.as_array().unwrap().len() as u64 + inserted, 16);

        let large = ["[", &vec!["1"; 2_000_000].join(","), &" ".repeat(6_000_000), "]"].concat();
        let (job, errors) = import(site, large.as_bytes(), &[]).await;
        assert_eq!(job["summary"]["failed"], json!(2_000_000));
        assert_eq!(errors.1.as_array().unwrap().len(), 10_000);
        let long = json!([{"email": "long@example.com", "user_metadata": {"x": "y".repeat(10_000_000)}}]).to_string();
        let (job, errors) = import(site, long.as_bytes(), &[]).await;
        assert_eq!(job["summary"]["failed"], json!(1));
        assert!(errors.1.to_string().len() < 10_000);
        for (kind, body) in [
            ("application/json", b"{}".to_vec()),
            ("multipart/form-data", b"--x--".to_vec()),
            ("multipart/form-data; boundary=x", b"--x\r\nbroken".to_vec()),
            ("multipart/form-data; boundary=x", b"--x--\r\n".to_vec()),
        ] {
            assert_eq!(site.send_bytes("/jobs/users-imports", kind, body).await.0, 400, "{kind}");
        }
        let (status, told) = begin(site, b"[]", &[("connection_id", "con_0000000000000000")]).await;
        assert_eq!(status, 400, "{told}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_come_in_in_many_batches() {
    on_each_store(async |site| {
        let users: Vec<Value> = (0..5_000)
            .map(|n| {
                json!({"user_id": format!("u{n}"), "email": format!("u{n}@example.com"), "password_hash": BCRYPT,
                "app_metadata": {"n": n}})
            })
            .collect();
        let (job, _) = import(site, Value::Array(users).to_string().as_bytes(), &[]).await;
        assert_eq!(job["summary"], json!({"failed": 0, "updated": 0, "inserted": 5_000, "total": 5_000}), "{job}");
        let (_, found) = site.get("/users?q=app_metadata.n:4999&include_totals=true").await;
        assert_eq!((&found["total"], &found["users"][0]["user_id"]), (&json!(1), &json!("auth0|u4999")));
        assert_eq!(site.get("/users?include_totals=true&per_page=1").await.1["total"], json!(5_000));
    })
    .await;
}

/// Imports end, and all their users are there, whatever else is written meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn imports_end_while_others_write() {
    on_each_store(async |site| {
        let file = |name: &str| {
            let users = (0..3_000).map(|n| {
                json!({"email": format!("{name}{n}@example.com"), "password_hash": BCRYPT, "app_metadata": {"n": n}})
            });
            Value::Array(users.collect()).to_string()
        };
        let (first, second) = (file("first"), file("second"));
        let over = std::sync::atomic::AtomicBool::new(false);
        let write = async |name: &str| {
            let mut made = 0;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let organization = json!({"name": format!("{name}{made}")});
                assert_eq!(site.post("/organizations", organization).await.0, 201);
                let user = json!({"email": format!("{name}{made}@example.com"), "connection": CONNECTION,
                    "password": "Passwords hide their chuck"});
                assert_eq!(site.post("/users", user).await.0, 201);
                made += 1;
            }
            made
        };
        let imports = async {
            let both = tokio::join!(import(site, first.as_bytes(), &[]), import(site, second.as_bytes(), &[]));
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            both
        };
        let (both, one, two) = tokio::join!(imports, write("one"), write("two"));
        for (job, errors) in [both.0, both.1] {
            let all = json!({"failed": 0, "updated": 0, "inserted": 3_000, "total": 3_000});
            assert_eq!((&job["status"], &job["summary"]), (&json!("completed"), &all), "{job} {errors:?}");
        }
        assert_eq!(site.get("/users?include_totals=true&per_page=1").await.1["total"], json!(6_000 + one + two));
    })
    .await;
}

/// An array of users of that many.
fn file_of(name: &str, count: usize) -> String {
    let users = (0..count).map(|n| json!({"email": format!("{name}{n}@example.com"), "app_metadata": {"n": n}}));
    Value::Array(users.collect()).to_string()
}

/// A database that breaks off what it is asked does not end an import: nothing is lost, nothing is there twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_when_the_database_is_gone_for_a_while() {
    let Some(database) = Database::postgres().await else {
        eprintln!("skipped: TENANTRY_TEST_POSTGRES is not set");
        return;
    };
    let site = Site::open(&database.store_url(), tempfile::tempdir().unwrap()).await;
    let (status, begun) = begin(&site, file_of("user", 6_000).as_bytes(), &[]).await;
    assert_eq!(status, 202, "{begun}");
    let path = format!("/jobs/{}", begun["id"].as_str().unwrap());
    let client = database.client().await;
    let mut cut = 0_i64;
    let job = loop {
        let (status, job) = site.get(&path).await;
        if status == 200 && matches!(job["status"].as_str(), Some("completed" | "failed")) {
            break job;
        }
        // Whatever the store does at this moment, twice for each sixth of the file.
        let reached = job["percentage_done"].as_i64().unwrap_or_default();
        if status == 200 && cut < 2 + reached / 8 {
            const CUT: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity \
                WHERE datname = current_database() AND application_name = 'tenantry-store' AND backend_xid IS NOT NULL";
            cut += client.query_one(CUT, &[]).await.unwrap().get::<_, i64>(0);
        }
    };
    assert!(cut > 0, "nothing was cut");
    let all = json!({"failed": 0, "updated": 0, "inserted": 6_000, "total": 6_000});
    assert_eq!((&job["status"], &job["summary"]), (&json!("completed"), &all), "{cut} cut: {job}");
    assert_eq!(site.get("/users?include_totals=true&per_page=1").await.1["total"], json!(6_000));
}

/// A server that stops says what became of its imports before it is gone; one that was killed cannot, and
/// whoever looks next says it.
#[tokio::test(flavor = "multi_thread")]
async fn imports_of_a_server_that_stops_or_is_killed_end_as_failed() {
    on_each_store(async |site| {
        let (_, begun) = begin(site, file_of("stopped", 20_000).as_bytes(), &[]).await;
        site.identity.stop_jobs().await;
        let (_, job) = site.get(&format!("/jobs/{}", begun["id"].as_str().unwrap())).await;
        assert_eq!(job["status"], json!("failed"), "{job}");
        assert!(job["status_details"].as_str().unwrap().contains("stopped"), "{job}");
        let there = site.get("/users?include_totals=true&per_page=1").await.1["total"].as_u64().unwrap();
        assert_eq!(job["summary"]["inserted"].as_u64().unwrap_or_default(), there, "what it counts is there: {job}");
        assert!(there < 20_000);

        // A runtime that is torn down takes its tasks with it at once, as a kill does.
        let place = site.place();
        let begun = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let other = runtime.block_on(place.open());
            let begun = runtime.block_on(async { begin(&other, file_of("killed", 20_000).as_bytes(), &[]).await });
            runtime.shutdown_timeout(Duration::from_secs(5));
            begun.1
        });
        let begun = begun.join().unwrap();
        let path = format!("/jobs/{}", begun["id"].as_str().unwrap());
        let (_, left) = site.get(&path).await;
        if left["status"] == json!("failed") {
            // What watched the task outlived it by a moment, and could still say so.
            assert!(left["status_details"].as_str().unwrap().contains("on our side"), "{left}");
            return;
        }
        assert!(matches!(left["status"].as_str(), Some("pending" | "processing")), "{left}");
        site.identity.end_lost_jobs().await;
        assert!(matches!(site.get(&path).await.1["status"].as_str(), Some("pending" | "processing")), "it may live");
        site.clock.advance(Duration::from_secs(3 * 60));
        site.identity.end_lost_jobs().await;
        let (_, job) = site.get(&path).await;
        assert_eq!(job["status"], json!("failed"), "{job}");
        assert_eq!(job["status_details"], json!("The server stopped before the job had ended."));
    })
    .await;
}
