//! A browser that nobody here wrote signs in with the keys that a batch has made: Chromium, driven by chromedriver (W3C WebDriver).
//! It has no window, so nobody can be asked for a PIN: a touch has to be enough.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keywright_practice::softkey::uhid::{Attached, attach};
use keywright_practice::softkey::{Rack, Touch};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::bench::in_the_machine;
use keywright_test_support::cli::{Home, Idp};

const ADA: &str = "ada";
const BOB: &str = "bob";

/// The keys do not ask for their PIN where a site does not.
const PROFILE: &str = r#"
name = "bench"
description = "For a browser without a window."
label = "Key {ordinal} {account}"
hand-over = "age"
[keys]
required = 2
attestation = "trusted"
reset = "never"
always-uv = false
cred-protect = 1
[pin]
length = 8
alphabet = "unambiguous"
minimum-on-key = 8
force-change = false
"#;

/// The longest wait for anything that the browser does. Emulated and beside other work, it may need a minute to start.
const PATIENCE: Duration = Duration::from_secs(180);

/// Root has no sandbox; nobody is looked for on a network that is not there; code that is compiled while it runs is what
/// emulation is slowest at.
const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--js-flags=--jitless",
];

/// The key, as WebDriver spells it (17.4.2).
const ENTER: char = '\u{E007}';

/// Chromium without a window, on the sign-in page, until this is dropped.
struct Browser {
    driver: Child,
    agent: ureq::Agent,
    session: String,
}

/// What the page says: its kind ("wait", "good", "bad") and its words.
type Says = (String, String);

impl Browser {
    /// Opens the page, and clicks into its field.
    fn open(home: &Home, page: &str) -> Self {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", home.path("")).stdin(Stdio::null());
        let mut driver =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("chromedriver is installed");
        let mut words = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = |line: String| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned());
        let port = words.find_map(started).expect("chromedriver says its port");
        // The driver's own limits come first: they say what took too long.
        let longest = Some(PATIENCE + Duration::from_secs(30));
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(longest);
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, agent: config.build().into(), session };
        let profile = format!("--user-data-dir={}", home.path("chromium").display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({
            // The first element is waited for instead: a page counts as loaded only a minute after it can be used.
            "pageLoadStrategy": "none",
            "timeouts": {"script": PATIENCE.as_millis(), "implicit": PATIENCE.as_millis()},
            "goog:chromeOptions": {"args": flags, "browserStartupTimeout": PATIENCE.as_millis()},
        });
        let made = browser.command("", json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = format!("{}/{}", browser.session, made["sessionId"].as_str().unwrap());
        browser.command("/url", json!({"url": page}));
        let login = browser.command("/element", json!({"using": "css selector", "value": "#login"}));
        let login = login.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        browser.command(&format!("/element/{login}/click"), json!({}));
        browser
    }

    /// A command of WebDriver, and its value.
    fn command(&self, path: &str, body: Value) -> Value {
        let mut answer = self.agent.post(format!("{}{path}", self.session)).send_json(&body).unwrap();
        let mut said: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}: {said:#}");
        said["value"].take()
    }

    /// Types, as on a keyboard: it goes where the page has its focus. (Much cheaper here than looking for elements.)
    fn types(&self, text: &str) {
        let press = |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let keys: Vec<Value> = text.chars().flat_map(press).collect();
        self.command("/actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": keys}]}));
    }

    /// Runs a script in the page, and returns what it returns.
    fn runs<T: DeserializeOwned>(&self, script: &str) -> T {
        serde_json::from_value(self.command("/execute/sync", json!({"script": script, "args": []}))).unwrap()
    }

    /// Types an account over what is in the field, and Enter. The page waits for a key then, or has refused.
    fn sign_in(&self, account: &str) {
        self.types(&format!("{account}{ENTER}"));
    }

    /// Presses the page's button to give up. By a script: Chromium has laid its own dialog over the page, where it says that this
    /// is the wrong key, and without a window nobody can close it.
    fn give_up(&self) {
        self.runs::<()>("document.getElementById('cancel').click()");
    }

    /// What the page says now.
    fn says(&self) -> Says {
        self.runs("const it = document.getElementById('result'); return [it.className, it.innerText];")
    }

    /// What the page says when it waits for nothing any more.
    fn ended(&self) -> Says {
        let script = "const done = arguments[0], it = document.getElementById('result');
            const look = () => it.className === 'wait' || done([it.className, it.innerText]);
            new MutationObserver(look).observe(it, {attributes: true, childList: true});
            look();";
        serde_json::from_value(self.command("/execute/async", json!({"script": script, "args": []}))).unwrap()
    }

    /// Looks at the page until something has happened elsewhere, before the page has ended its wait.
    fn waits_until(&self, what: &str, happened: impl Fn() -> bool) {
        let start = Instant::now();
        while !happened() {
            let (kind, words) = self.says();
            assert_eq!(kind, "wait", "before {what}: {words}");
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium's processes end with the session.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Four keys on the bus, the fingers on them, and whose they are.
struct Desk {
    rack: Rack,
    plugged: Vec<Attached>,
}

impl Desk {
    fn new(home: &Home) -> Self {
        let rack = Rack::create(&home.state().join("softkeys"), 4).unwrap();
        let plugged = rack.keys().iter().map(|key| attach(key).unwrap()).collect();
        Self { rack, plugged }
    }

    /// Nobody touches a key, from now on, but perhaps one.
    fn touch_only(&self, touched: Option<usize>) {
        for (at, key) in self.rack.keys().iter().enumerate() {
            key.touch(if touched == Some(at) { Touch::After(Duration::ZERO) } else { Touch::Never });
        }
    }

    fn touches(&self) -> Vec<u64> {
        self.rack.keys().iter().map(|key| key.touches()).collect()
    }

    /// The place of somebody's key, from the lines of `keywright provision`.
    fn place(&self, lines: &[Value], account: &str, ordinal: usize) -> usize {
        let person = lines.iter().find(|line| line["account"] == account).expect("a line for each person");
        let node = person["jobs"][ordinal - 1]["port"].as_str().unwrap();
        self.plugged.iter().position(|key| key.node().to_str() == Some(node)).expect("one of these keys")
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn chromium_signs_in_with_every_key_of_the_batch_and_not_with_a_revoked_one() {
    in_the_machine();
    let start = Instant::now();
    let lap = |what: &str| println!("  {what}: {} ms after the start", start.elapsed().as_millis());
    let home = Home::new();
    let desk = Desk::new(&home);
    let roster = format!("account,profile,name\n{ADA},bench,Ada Lovelace\n{BOB},bench,Bob Noyce\n");
    let roster = home.file("roster.csv", &roster);
    std::fs::create_dir(home.path("profiles")).unwrap();
    home.file("profiles/bench.toml", PROFILE);
    let profiles = home.path("profiles").to_str().unwrap().to_owned();
    let anchor = home.file("anchor.pem", desk.rack.anchor_pem());
    let serve =
        ["idp", "serve", "--touch-only", "--listen", "127.0.0.1:0", "--token", "env:IDP_TOKEN", "--users", &roster];
    let idp = Idp::run(&home, &serve, &Idp::ENVIRONMENT);
    let reader = age::x25519::Identity::generate().to_public();
    let idp_table = format!("[idp.corp]\nkind = \"embedded\"\nurl = \"{}\"\ntoken = \"env:IDP_TOKEN\"\n", idp.url);
    let settings = home.file("keywright.toml", &format!("readers = [\"vault={reader}\"]\n{idp_table}"));

    // The browser starts while the keys are made.
    let (browser, lines) = std::thread::scope(|scope| {
        let browser = scope.spawn(|| Browser::open(&home, &idp.origin));
        let words = [
            "provision",
            &roster,
            "--profiles",
            &profiles,
            "--anchor",
            &anchor,
            "--config",
            &settings,
            "--yes",
            "--json",
        ];
        let lines = home.run_with(&words, &Idp::ENVIRONMENT).expect(0).json();
        lap("keys made");
        (browser.join().unwrap(), lines)
    });
    lap("page open");

    // Nobody of this name.
    browser.sign_in("eve");
    let (kind, words) = browser.ended();
    assert!(kind == "bad" && words.contains("There is no account eve here"), "{words}");

    // Each key, while the others are plugged in and not touched.
    for (account, name) in [(ADA, "Ada Lovelace"), (BOB, "Bob Noyce")] {
        for ordinal in 1..=2 {
            let place = desk.place(&lines, account, ordinal);
            desk.touch_only(Some(place));
            let mut touches = desk.touches();
            browser.sign_in(account);
            let (kind, words) = browser.ended();
            assert!(kind == "good" && words.contains(&format!("Signed in: {name}")), "{words}");
            assert!(words.contains(&format!("“Key {ordinal} {account}”")), "{words}");
            touches[place] += 1;
            assert_eq!(desk.touches(), touches, "the key that the page names, and no other, was touched");
            lap(&format!("key {ordinal} of {name}"));
        }
    }

    // Somebody else's key: the browser takes its touch and goes on asking, so the person gives up.
    let foreign = desk.place(&lines, BOB, 1);
    desk.touch_only(Some(foreign));
    let touches = desk.touches()[foreign];
    browser.sign_in(ADA);
    browser.waits_until("the key is touched", || desk.touches()[foreign] > touches);
    browser.give_up();
    let (kind, words) = browser.ended();
    assert!(kind == "bad" && words.contains(&format!("did nothing is not a key of {ADA}")), "{words}");
    lap("somebody else's key");

    // A lost key that is found again: it signs, and is refused by its name.
    let revoke = ["revoke", ADA, "--key", "1", "--reason", "lost", "--config", &settings, "--yes"];
    home.run_with(&revoke, &Idp::ENVIRONMENT).expect(0);
    let (lost, kept) = (desk.place(&lines, ADA, 1), desk.place(&lines, ADA, 2));
    desk.touch_only(Some(lost));
    browser.sign_in(ADA);
    let (kind, words) = browser.ended();
    assert!(kind == "bad" && words.contains(&format!("the key “Key 1 {ADA}” was revoked on")), "{words}");
    lap("a revoked key");

    // The other one still opens the door.
    desk.touch_only(Some(kept));
    browser.sign_in(ADA);
    let (kind, words) = browser.ended();
    assert!(kind == "good" && words.contains(&format!("“Key 2 {ADA}”")), "{words}");
    lap("the key that is left");
}
