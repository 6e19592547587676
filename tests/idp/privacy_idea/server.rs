//! A privacyIDEA server on a free port of loopback, with a database of its own: realm `corp`, people `user1` to `user400`.
//!
//! `tests/idp/privacy_idea/install` installs it.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keywright::idp::http::{Client, Limits};
use keywright::idp::privacy_idea::{PrivacyIdea, Settings, TokenType};
use keywright::idp::{ConnectionConfig, OpenError};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::http::{HeaderName, Method};

use keywright_test_support::installed::installed;

pub(super) const PASSWORD: &str = "for-tests-only";
pub(super) const ORIGIN: &str = "https://login.example.com";

/// Long enough for a busy machine to start Python.
const START: Duration = Duration::from_secs(120);

/// The server; it ends when it is dropped.
pub(super) struct Server {
    process: Child,
    folder: TempDir,
    pub url: String,
    /// How long the adapter waits for it.
    pub limits: Limits,
    token: String,
}

impl Server {
    /// `None`, said aloud, where it is not installed. It has a relying party, and these enrollment policies besides.
    pub(super) fn start(policies: &Value) -> Option<Self> {
        let cache = installed("privacyidea", "privacyIDEA", "tests/idp/privacy_idea/install")?;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::copy(cache.join("prepared/pi.db"), at("pi.db")).unwrap();
        std::fs::create_dir(at("anchors")).unwrap();
        let common = std::fs::read_to_string(cache.join("prepared/common.cfg")).unwrap();
        let own = format!(
            "SQLALCHEMY_DATABASE_URI = 'sqlite:///{}'\nPI_LOGFILE = '{}'\n",
            at("pi.db").display(),
            at("pi.log").display()
        );
        std::fs::write(at("pi.cfg"), common + &own).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let output = File::create(at("output")).unwrap();
        let process = Command::new(cache.join("bin/pi-manage"))
            .args(["run", "-h", "127.0.0.1", "-p", &port.to_string()])
            .env("PRIVACYIDEA_CONFIGFILE", at("pi.cfg"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let mut server = Self { process, folder, url, limits: Limits::default(), token: String::new() };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let output = || std::fs::read_to_string(server.folder.path().join("output")).unwrap();
            assert!(server.process.try_wait().unwrap().is_none(), "it ended: {}", output());
            assert!(began.elapsed() < START, "it does not answer: {}", output());
            std::thread::sleep(Duration::from_millis(100));
        }
        let signed_in = server.ask(Method::POST, "/auth", &json!({ "username": "admin", "password": PASSWORD }));
        server.token = signed_in["token"].as_str().unwrap().to_owned();
        let relying_party =
            json!({ "webauthn_relying_party_id": "example.com", "webauthn_relying_party_name": "Example Corp" });
        server.policy("relying-party", "enrollment", &relying_party);
        server.policy("more", "enrollment", policies);
        let anchors = server.folder.path().join("anchors");
        server.ask(Method::POST, "/system/setConfig", &json!({ "webauthn.trust_anchor_dir": anchors }));
        Some(server)
    }

    /// Sets a policy; one without actions is left out.
    pub(super) fn policy(&self, name: &str, scope: &str, action: &Value) {
        if action.as_object().is_some_and(|action| !action.is_empty()) {
            let policy = json!({ "scope": scope, "action": action, "active": true });
            self.ask(Method::POST, &format!("/policy/{name}"), &policy);
        }
    }

    /// Trusts what this certificate has signed.
    pub(super) fn trust(&self, pem: &Path, name: &str) {
        std::fs::copy(pem, self.folder.path().join("anchors").join(format!("{name}.pem"))).unwrap();
    }

    /// Asks as the administrator; `result.value` of the answer.
    pub(super) fn ask(&self, method: Method, path: &str, body: &Value) -> Value {
        let client = Client::new("test", &self.url, Limits::default()).unwrap();
        let mut call = client.call(method.clone(), path);
        if !self.token.is_empty() {
            call = call.credential(HeaderName::from_static("pi-authorization"), self.token.clone().into());
        }
        if method == Method::POST {
            call = call.json(body);
        }
        let reply = call.send().unwrap();
        assert_eq!(reply.status(), 200, "{method} {path}: {:?}", reply.fault());
        reply.json::<Value>().unwrap()["result"]["value"].clone()
    }

    /// Every token of the realm, as the server's own list has it.
    pub(super) fn tokens(&self) -> Vec<Value> {
        let page = self.ask(Method::GET, "/token/?pagesize=1000", &Value::Null);
        page["tokens"].as_array().unwrap().clone()
    }

    /// Deletes every token.
    pub(super) fn tidy(&self) {
        for token in self.tokens() {
            self.ask(Method::DELETE, &format!("/token/{}", token["serial"].as_str().unwrap()), &Value::Null);
        }
    }

    /// The adapter, with settings that this changes.
    pub(super) fn directory_with(&self, token_type: TokenType, change: impl FnOnce(&mut Settings)) -> PrivacyIdea {
        self.open(token_type, PASSWORD, change).unwrap()
    }

    /// The adapter.
    pub(super) fn directory(&self, token_type: TokenType) -> PrivacyIdea {
        self.directory_with(token_type, |_| {})
    }

    /// The adapter, with another password.
    pub(super) fn open(
        &self,
        token_type: TokenType,
        password: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Result<PrivacyIdea, OpenError> {
        let secret = self.folder.path().join("password");
        std::fs::write(&secret, password).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut settings = Settings {
            url: self.url.parse().unwrap(),
            username: "admin".into(),
            password: format!("file:{}", secret.display()).parse().unwrap(),
            realm: "corp".into(),
            token_type,
            origin: ORIGIN.parse().unwrap(),
        };
        change(&mut settings);
        let connection =
            ConnectionConfig { name: "workshop".into(), limits: self.limits, ..ConnectionConfig::default() };
        PrivacyIdea::open(&connection, &settings)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
