//! Somebody else's page, or program, on the machine where the practice IdP listens: in a real browser, and byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use keywright_attest::Anchors;
use keywright_practice::idp_server::{EmbeddedServer, Limits, Settings};
use keywright_test_support::skipped;

const TOKEN: &str = "correct-horse-battery";

fn server(database: Option<&Path>, limits: Limits) -> EmbeddedServer {
    let settings = Settings { limits, ..Settings::new(Arc::new(Anchors::none())) };
    EmbeddedServer::start("127.0.0.1:0".parse().unwrap(), database, TOKEN.into(), settings).unwrap()
}

fn connect(server: &EmbeddedServer) -> TcpStream {
    let stream = TcpStream::connect(server.url().strip_prefix("http://").unwrap()).unwrap();
    // A limit of the test's own: what is waited for ends long before.
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// All that is answered to these bytes, until the server closes.
fn answer(server: &EmbeddedServer, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A server that has answered may reset what it did not read.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn post(server: &EmbeddedServer, headers: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("POST /sign-in HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    answer(server, [head.as_bytes(), body.as_bytes()].concat().as_slice())
}

#[test]
fn requests_that_are_not_for_this_server_are_refused() {
    let server = server(None, Limits::default());
    let (body, json) = ("{\"login\":\"nobody\"}", "Content-Type: application/json\r\n");
    let host = format!("Host: {}\r\n", server.url().strip_prefix("http://").unwrap());
    for (headers, status) in [
        (format!("{host}{json}"), "404"),
        (format!("{host}Content-Type: Application/JSON; charset=utf-8\r\n"), "404"),
        (format!("{host}{json}Origin: {}\r\n", server.url()), "404"),
        (format!("{host}{json}Origin: {}\r\n", server.origin()), "404"),
        (format!("{host}{json}Origin: https://evil.example\r\n"), "403"),
        (format!("{host}{json}Origin: null\r\n"), "403"),
        (format!("Host: evil.example\r\n{json}"), "421"),
        (format!("Host: evil.example\r\n{json}Origin: http://evil.example\r\n"), "421"),
        (format!("{host}Host: evil.example\r\n{json}"), "4"),
        (host.clone(), "415"),
        (format!("{host}Content-Type: text/plain\r\n"), "415"),
        (format!("{host}Content-Type: application/x-www-form-urlencoded\r\n"), "415"),
        (format!("{host}Content-Type: text/plain; application/json\r\n"), "415"),
    ] {
        let answer = post(&server, &headers, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{headers}{answer}");
    }
    let long = post(&server, &format!("{host}{json}"), &" ".repeat(1024 * 1024 + 1));
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
    let head = format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert!(answer(&server, head.as_bytes()).starts_with("HTTP/1.1 431"));
}

#[test]
fn every_answer_is_what_it_says_and_is_kept_by_nobody() {
    let server = server(None, Limits::default());
    let host = server.url().strip_prefix("http://").unwrap().to_owned();
    for (path, status) in [("/", "200"), ("/v1/users", "401"), ("/nowhere", "401"), ("/sign-in", "405")] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = answer(&server, head.as_bytes()).to_lowercase();
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{path}: {answer}");
        for header in ["x-content-type-options: nosniff", "cache-control: no-store"] {
            assert!(answer.contains(header), "{path}: {answer}");
        }
        assert!(!answer.contains("access-control-allow"), "{path}: {answer}");
    }
}

#[test]
fn who_is_slow_or_idle_is_hung_up_on_and_others_are_answered_meanwhile() {
    let idle = Duration::from_millis(500);
    let server = server(None, Limits { connections: 4, idle, request: idle });
    let host = server.url().strip_prefix("http://").unwrap().to_owned();
    let began = Instant::now();
    // A head that never ends, nothing at all, and a body that never ends: more than there is room for.
    let beginnings = [
        format!("GET / HTTP/1.1\r\nHost: {host}\r\n"),
        String::new(),
        format!(
            "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{{"
        ),
    ];
    let held: Vec<TcpStream> = (0..12)
        .map(|at| {
            let mut stream = connect(&server);
            stream.write_all(beginnings[at % 3].as_bytes()).unwrap();
            stream
        })
        .collect();
    let page = answer(&server, format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes());
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for mut stream in held {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    // Three rows of four, one after the other.
    assert!(began.elapsed() >= 2 * idle, "more than four at once");
}

/// What the page of another site tries, and what it writes about it.
fn evil(idp: &str) -> String {
    const PAGE: &str = r#"<!doctype html><title>win a key</title><pre id=out></pre>
<iframe id=frame src="IDP/"></iframe><iframe name=hidden></iframe>
<form id=form method=post action="IDP/sign-in" enctype="text/plain" target=hidden>
<input name='{"login":"ada","x":"' value='"}'></form>
<script>
const json = '{"login":"ada"}', out = [];
const attempt = async (name, init) => {
  try {
    const answer = await fetch("IDP/sign-in", init);
    out.push(name + ": " + (answer.type === "opaque" ? "sent blindly" : "READ " + answer.status));
  } catch { out.push(name + ": blocked"); }
};
(async () => {
  await attempt("json", {method: "POST", headers: {"Content-Type": "application/json"}, body: json});
  await attempt("plain", {method: "POST", headers: {"Content-Type": "text/plain"}, body: json});
  await attempt("no-cors", {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body: json});
  await attempt("beacon", {method: "POST", mode: "no-cors", body: new Blob([json])});
  try { out.push("page: READ " + (await (await fetch("IDP/")).text()).length); } catch { out.push("page: blocked"); }
  document.getElementById("form").submit();
  try { out.push("frame: READ " + document.getElementById("frame").contentDocument.title); } catch { out.push("frame: blocked"); }
  document.getElementById("out").textContent = out.join("\n") + "\nEND";
})();
</script>"#;
    PAGE.replace("IDP", idp)
}

/// Serves one page to whoever asks, on loopback, until the process ends; gives its port.
fn serve(page: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 8192];
            let _ = stream.read(&mut asked);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(page.as_bytes()));
        }
    });
    port
}

/// The page as Chromium has it in the end; `None` where there is no Chromium. Names of `*.example` lead to this machine.
fn browse(url: &str) -> Option<String> {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new("chromium");
    command
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP *.example 127.0.0.1", "--virtual-time-budget=20000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How many sign-ins anybody began.
fn sign_ins(database: &Path) -> i64 {
    let database = rusqlite::Connection::open(database).unwrap();
    database.query_row("SELECT count(*) FROM sign_in", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_hostile_page_in_a_real_browser_begins_nothing_and_reads_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("idp.sqlite3");
    let server = server(Some(&database), Limits::default());
    let port = server.url().rsplit(':').next().unwrap().to_owned();
    let directory = keywright::idp::embedded::Embedded::new("idp", &server.url(), TOKEN.into()).unwrap();
    crate::sign_in_page::one_person(&directory, "ada");

    // Another port of this machine, and another name that leads to it.
    let evil_port = serve(evil(&server.url()));
    for url in [format!("http://127.0.0.1:{evil_port}/"), format!("http://evil.example:{evil_port}/")] {
        let Some(dom) = browse(&url) else { return skipped("there is no chromium") };
        let (_, out) = dom.split_once("<pre id=\"out\">").unwrap();
        let (out, _) = out.split_once("</pre>").unwrap();
        assert!(out.ends_with("END"), "the page did not come to its end:\n{dom}");
        assert!(!out.contains("READ"), "{url}: {out}");
    }
    // A name of theirs that leads to our very port: to the browser, our pages would be theirs.
    let rebound = browse(&format!("http://evil.example:{port}/")).unwrap();
    assert!(!rebound.contains("Sign in with your security key"), "{rebound}");
    assert!(rebound.contains("not the host"), "{rebound}");
    // Our own page is there.
    let own = browse(&format!("{}/", server.origin())).unwrap();
    assert!(own.contains("Sign in with your security key"), "{own}");

    server.stop();
    assert_eq!(sign_ins(&database), 0, "a sign-in was begun from outside");
}
