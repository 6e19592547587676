//! Which identity providers are set up, and is one ready? As a person asks before the first batch.

use crate::company_network::{Ca, ConnectProxy, Listening};
use keywright_test_support::cli::{Ended, Home, Idp};
use rcgen::{BasicConstraints, CertificateParams, IsCa};
use serde_json::json;

const TWO: &str = "\
[idp.corp]
kind = \"embedded\"
url = \"http://127.0.0.1:9\"
token = \"env:CORP_TOKEN\"

[idp.lab]
kind = \"embedded\"
url = \"http://[::1]:9\"
token = \"file:lab.token\"
";

#[test]
fn an_idp_is_changed_and_taken_out_by_name() {
    let home = Home::new();
    let text = "# ours\n[idp.corp]\nkind = \"embedded\"\nurl = \"http://127.0.0.1:1\" # here\ntoken = \"env:T\"\n";
    let settings = home.file("keywright.toml", text);
    let run = |arguments: &[&str]| home.run(&[&["idp"], arguments, &["--config", &settings]].concat());
    run(&["edit", "corp"]).expect(2).says("--set or --unset");
    run(&["edit", "lab", "--set", "url=http://127.0.0.1:2"]).expect(2).says("\"lab\"");
    run(&["edit", "corp", "--set", "uri=x"]).expect(2).says("has no key \"uri\"");
    run(&["edit", "corp", "--set", "url=ftp://x"]).expect(2).says("would not read");
    run(&["edit", "corp", "--unset", "token"]).expect(2).says("missing field");
    assert_eq!(run(&["edit", "corp", "--set", "url=http://127.0.0.1:1", "--json"]).expect(0).one()["written"], false);
    run(&["edit", "corp", "--set", "url=http://127.0.0.1:2", "--dry-run"]).expect(0);
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), text);
    let edited = run(&["edit", "corp", "--set", "url=http://127.0.0.1:2", "--json"]).expect(0).one();
    assert_eq!(edited["changed"], serde_json::json!(["url"]));
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), text.replace(":1\"", ":2\""));

    run(&["remove", "corp"]).expect(1).says("no terminal");
    assert_eq!(run(&["remove", "corp", "--yes", "--json"]).expect(0).one()["accounts"], 0);
    run(&["remove", "corp", "--yes"]).expect(2).says("\"corp\"");
    assert!(!std::fs::read_to_string(&settings).unwrap().contains("[idp"));
}

#[test]
fn what_is_set_up_is_listed_without_asking_anybody() {
    let home = Home::new();
    let settings = home.file("keywright.toml", TWO);
    let listed = home.run(&["idp", "list", "--config", &settings, "--json"]).expect(0).json();
    let of = |name: &str, address: &str, secret: &str| json!({ "schema": "keywright/2", "kind": "idp", "name": name, "idp_kind": "embedded", "address": address, "default": false, "secret": secret });
    assert_eq!(
        listed,
        [of("corp", "http://127.0.0.1:9", "env:CORP_TOKEN"), of("lab", "http://[::1]:9", "file:lab.token")]
    );
    let words = home.run(&["idp", "list", "--config", &settings]).expect(0).stdout;
    assert_eq!(words.lines().nth(1).unwrap(), "lab   embedded  http://[::1]:9  secret from file:lab.token");

    let none = home.file("empty.toml", "");
    let ended = home.run(&["idp", "list", "--config", &none]).expect(0).says("no identity provider is set up");
    assert_eq!(ended.stdout, "");
}

#[test]
fn the_one_to_check_is_named_first_of_all() {
    let home = Home::new();
    let settings = home.file("keywright.toml", TWO);
    let check = |more: &[&str]| home.run(&[&["idp", "check", "--config", &settings], more].concat());
    check(&[]).expect(2).says("several identity providers");
    check(&["home"]).expect(2).says("no identity provider is called \"home\"").says("corp, lab");
    // Its secret comes before its address: nothing can be asked without it.
    check(&["lab"]).expect(1).says("lab.token");
    check(&["lab", "--idp", "corp"]).expect(2).says("cannot be used with");
}

const LOGIN: [&str; 6] =
    ["login", "--kind", "zitadel", "--set", "url=https://login.example.org", "--set=token=file:login.token"];

#[test]
fn a_script_sets_one_up_with_every_answer_given() {
    let home = Home::new();
    let add = |more: &[&str]| home.run(&[&["idp", "add"], more].concat());
    let file = home.path(".config/keywright/keywright.toml");
    let table = "[idp.login]\nkind = \"zitadel\"\nurl = \"https://login.example.org\"\ntoken = \"file:login.token\"\n";

    let dry = add(&[&LOGIN[..], &["--dry-run"]].concat()).expect(0);
    assert_eq!((dry.stdout.as_str(), dry.stderr.as_str(), file.exists()), (table, "", false));

    let added = add(&[&LOGIN[..], &["--json"]].concat()).expect(0);
    let (file_name, values) = (
        file.to_str().unwrap(),
        json!({ "kind": "zitadel", "url": "https://login.example.org", "token": "file:login.token" }),
    );
    assert_eq!(
        added.one(),
        json!({ "schema": "keywright/2", "kind": "idp-added", "name": "login", "file": file_name, "written": true, "table": values,
                "next": "keywright idp check login" })
    );
    added
        .says("put the secret into")
        .says("login.token, readable by you alone (chmod 600)")
        .says("next: keywright idp check login");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), table);
    assert_eq!(home.run(&["idp", "list", "--json"]).expect(0).one()["name"], "login");

    add(&LOGIN).expect(2).says("[idp.login] is in").says("choose another name");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), table);

    let elsewhere = home.path("ours and theirs.toml");
    let added = add(&[&LOGIN[..], &["--config", elsewhere.to_str().unwrap()]].concat()).expect(0);
    added.says(&format!("next: keywright idp check login --config '{}'", elsewhere.display()));
}

#[test]
fn what_is_not_answered_or_will_not_do_is_told_by_its_key() {
    let home = Home::new();
    let settings = home.file("keywright.toml", "# ours\nprofiles = \"p\"\n");
    let add = |more: &[&str]| {
        let ended = home.run(&[&["idp", "add", "--config", &settings], more].concat()).expect(2);
        assert_eq!((ended.stdout.as_str(), ended.stderr.contains("hunter2")), ("", false), "{ended:?}");
        ended
    };
    add(&["login"]).says("--kind takes one of: embedded, ");
    add(&["login", "--kind", "ldap"]).says("possible values: embedded, ");
    add(&["log in", "--kind", "zitadel"]).says("letters, digits");
    add(&["login", "--kind", "zitadel"])
        .says("answers are missing: url, token\n")
        .says("--set url=https://login.example.org --set token=file:login.token");
    add(&LOGIN[..5]).says("answers are missing: token\n");
    // One of two ways in is enough, and the shorter one is named first.
    add(&["acme", "--kind", "okta"])
        .says("answers are missing: url, token (or client-id and private-key)\n")
        .says("--set url=https://acme.okta.com --set token=file:acme.token");
    add(&["ms", "--kind", "entra", "--set", "tenant-id=common"]).says("--set tenant-id: ").says("Overview");
    add(&[&LOGIN[..5], &["--set", "token=hunter2"]].concat()).says("--set token: a secret cannot be given here");
    add(&[&LOGIN[..], &["--set", "tokn=hunter2"]].concat()).says("no key \"tokn\"; it has url, token, ");
    add(&[&LOGIN[..], &["--set", "url=https://hunter2"]].concat()).says("--set url is given twice");
    add(&[&LOGIN[..], &["--set", "hunter2"]].concat()).says("KEY=VALUE");
    add(&[&LOGIN[..], &["--set", "domain=://"]].concat()).says("--set domain: ");
    add(&[&LOGIN[..], &["--set", "proxy=http://me:hunter2@proxy"]].concat()).says("--set proxy: ").says("its place");
    add(&[&LOGIN[..], &["--set", "ca=missing.pem"]].concat()).says("--set ca: ").says("missing.pem: there is no such");
    home.file("empty.pem", "");
    add(&[&LOGIN[..], &["--set", "ca=empty.pem"]].concat()).says("empty.pem: ");
    add(&["acme", "--kind", "okta", "--set", "url=https://acme-admin.okta.com"])
        .says("this is the address of the Admin Console; the org's own is https://acme.okta.com");
    add(&[&LOGIN[..], &["--set", "verify=false"]].concat()).says("no key \"verify\"");
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), "# ours\nprofiles = \"p\"\n");

    let broken = home.file("broken.toml", "profile = 1\n");
    home.run(&["idp", "add", "--config", &broken, "login"]).expect(2).says("broken.toml:1:1: ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_is_asked_until_the_answer_will_do() {
    let home = Home::new();
    let file = home.path(".config/keywright/keywright.toml");
    // Kind; url, at first none; token, at first the secret itself; domain, at first an address; then what stands in brackets.
    let typed = [
        "ldap",
        "zitadel",
        "",
        "login",
        "https://login.example.org",
        "hunter2",
        "",
        "https://x",
        "example.org",
        "",
        "",
        "",
        "",
    ];
    let (code, shown) = home.on_terminal(&["idp", "add", "login"], &typed);
    assert_eq!(code, 0, "{shown}");
    for words in [
        "  zitadel           Zitadel\n",
        "token [file:login.token]: ",
        "\"login\" does not begin with https://",
        "a secret cannot be given here, only its place",
        "https://x\" is not a domain",
        "domain [the url's host]: ",
        "next: keywright idp check login",
    ] {
        assert!(shown.contains(words), "\"{words}\" is not in:\n{shown}");
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "[idp.login]\nkind = \"zitadel\"\nurl = \"https://login.example.org\"\ntoken = \"file:login.token\"\ndomain = \"example.org\"\n"
    );

    // Ctrl-D in the middle of the questions.
    let (code, shown) =
        home.on_terminal(&["idp", "add", "second", "--kind", "zitadel"], &["https://login.example.org"]);
    assert!(code == 1 && shown.contains("nothing was changed"), "{code}: {shown}");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("second"));
}

/// Encrypts as the age program does.
#[cfg(target_os = "linux")]
fn encrypt(path: &std::path::Path, to: &dyn age::Recipient, text: &str) {
    use std::io::Write as _;
    let mut writer = age::Encryptor::with_recipients(std::iter::once(to))
        .unwrap()
        .wrap_output(std::fs::File::create(path).unwrap())
        .unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn secrets_are_kept_by_a_program_or_encrypted_with_age() {
    use std::os::unix::fs::PermissionsExt as _;

    use age::secrecy::ExposeSecret as _;

    let home = Home::new();
    home.file("users.csv", "account\nada@example.org\n");
    let idp = Idp::start(&home, &home.path("users.csv"));
    let token = Idp::ENVIRONMENT[0].1;
    std::fs::create_dir(home.path("etc")).unwrap();
    let program = home
        .file("etc/token-of", &format!("#!/bin/sh\n[ \"$1\" = 'the practice IdP' ] && echo {token} && echo more\n"));
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let identity = age::x25519::Identity::generate();
    home.secret("me.key", identity.to_string().expose_secret());
    encrypt(&home.path("etc/token.age"), &identity.to_public(), &format!("{token}\n"));
    let mut passphrase = age::scrypt::Recipient::new("correct horse".into());
    passphrase.set_work_factor(2);
    encrypt(&home.path("etc/passphrase.age"), &passphrase, token);

    for (name, place) in [
        ("program", "command:./token-of 'the practice IdP'"),
        ("failing", "command:./token-of another"),
        ("sealed", "age:token.age"),
        ("passphrase", "age:passphrase.age"),
    ] {
        let (url, token) = (format!("url={}", idp.url), format!("token={place}"));
        let config = home.path("etc/keywright.toml");
        let add = [
            "idp",
            "add",
            name,
            "--kind=embedded",
            "--set",
            &url,
            "--set",
            &token,
            "--config",
            config.to_str().unwrap(),
        ];
        home.run(&add).expect(0);
    }
    let check = |name, environment: &[(&str, &str)]| {
        let ended = home.run_with(&["idp", "check", "--config", "etc/keywright.toml", name], environment);
        assert!(!format!("{ended:?}").contains(token));
        ended
    };
    assert!(check("program", &[]).expect(0).stdout.starts_with("program: ready"));
    check("failing", &[]).expect(1).says("token-of: exit status: 1").says("hint: run it by hand");
    check("sealed", &[]).expect(1).says("encrypted to an age identity").says("hint: set KEYWRIGHT_AGE_IDENTITY");
    check("sealed", &[("KEYWRIGHT_AGE_IDENTITY", "me.key")]).expect(0);
    check("passphrase", &[]).expect(1).says("the terminal");

    let ask =
        |passphrase| home.on_terminal(&["idp", "check", "--config", "etc/keywright.toml", "passphrase"], &[passphrase]);
    let (code, shown) = ask("correct horse");
    assert!(code == 0 && shown.contains("passphrase.age: ") && shown.contains("passphrase: ready"), "{code}: {shown}");
    let (code, shown) = ask("battery staple");
    // What is typed ahead of the question is shown by the terminal itself.
    let error = shown.lines().find(|line| line.starts_with("error:")).unwrap_or(&shown);
    assert!(code == 1 && error.contains("the passphrase is wrong") && !error.contains("staple"), "{code}: {shown}");
}

/// An IdP behind a company's proxy and CA, and somebody there who asks whether it is ready.
struct Office {
    home: Home,
    idp: Idp,
    server: Listening,
}

const NAME: &str = "idp.example.invalid";

impl Office {
    fn new() -> Self {
        Self::with(CertificateParams::new([NAME.to_owned()]).unwrap())
    }

    /// The IdP shows this certificate, signed by the company's CA.
    fn with(certificate: CertificateParams) -> Self {
        let home = Home::new();
        home.file("users.csv", "account\nada@example.org\n");
        let idp = Idp::start(&home, &home.path("users.csv"));
        let ca = Ca::new("Ours");
        home.file("ca.pem", &ca.pem());
        home.file("other-ca.pem", &Ca::new("Theirs").pem());
        let server = Listening::tls(&ca, certificate, &idp.url);
        Self { home, idp, server }
    }

    /// `idp check` with these lines in its table, in this environment.
    fn check_in(&self, table: &str, environment: &[(&str, &str)]) -> Ended {
        let settings =
            format!("[idp.acme]\nkind = \"embedded\"\nurl = \"https://{NAME}\"\ntoken = \"env:IDP_TOKEN\"\n{table}");
        let settings = self.home.file("keywright.toml", &settings);
        let environment = [environment, &Idp::ENVIRONMENT].concat();
        let ended = self.home.run_with(&["idp", "check", "--config", &settings], &environment);
        assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{ended:?}");
        ended
    }

    fn check(&self, table: &str) -> Ended {
        self.check_in(table, &[])
    }
}

#[test]
fn a_company_has_a_proxy_and_a_ca_of_its_own() {
    let office = Office::new();
    let proxy = ConnectProxy::start(&office.server, None);
    let through = format!("proxy = \"{}\"\n", proxy.url());
    let with_ca = format!("ca = \"ca.pem\"\n{through}");
    let connect = [format!("CONNECT {NAME}:443 HTTP/1.1")];

    assert!(office.check(&with_ca).expect(0).stdout.starts_with("acme: ready"));
    let asked = proxy.asked();
    assert!(!asked.is_empty() && asked.iter().all(|line| *line == connect[0]), "{asked:?}");

    // Somebody else's CA, or none: the certificate is refused, and nothing was sent.
    for table in [through.clone(), format!("ca = \"other-ca.pem\"\n{through}")] {
        office
            .check(&table)
            .expect(4)
            .says("acme cannot be reached: ")
            .says("no CA that is trusted here")
            .says("name its PEM file with ca");
        assert_eq!(proxy.asked(), connect);
    }
    // There is no way round it.
    for key in ["verify", "insecure", "tls-verify"] {
        office.check(&format!("{with_ca}{key} = false\n")).expect(2).says(&format!("unknown field `{key}`"));
    }
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn a_certificate_that_will_not_do_is_told_in_words() {
    let named = |name: &str| CertificateParams::new([name.to_owned()]).unwrap();
    let mut old = named(NAME);
    (old.not_before, old.not_after) = (rcgen::date_time_ymd(2023, 1, 1), rcgen::date_time_ymd(2024, 1, 1));
    let mut of_ca = named(NAME);
    of_ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for (certificate, words) in [
        (old, "its certificate was good until 2024-01-01: it has to be renewed, or the clock here is wrong"),
        (of_ca, "its certificate is a CA's own, signed by itself; idp.example.invalid needs one that this CA signs"),
        (
            named("other.example.invalid"),
            "its certificate is for other.example.invalid and not for idp.example.invalid",
        ),
    ] {
        let office = Office::with(certificate);
        let proxy = ConnectProxy::start(&office.server, None);
        let ended = office.check(&format!("ca = \"ca.pem\"\nproxy = \"{}\"\n", proxy.url())).expect(4);
        assert!(ended.stderr.contains(words) && !ended.stderr.contains("InvalidCertificate"), "{}", ended.stderr);
    }
}

#[test]
fn a_proxy_may_want_to_know_who_asks() {
    let office = Office::new();
    // RFC 7617 has this pair.
    let proxy = ConnectProxy::start(&office.server, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    let address = |who: &str| format!("{}\n", proxy.url().replace("http://", &format!("http://{who}@")));
    office.home.secret("right", &address("Aladdin:open%20sesame"));
    office.home.secret("wrong", &address("Aladdin:hunter2"));
    let through = |place: &str| format!("ca = \"ca.pem\"\nproxy = \"{place}\"\n");

    office.check(&through("file:right")).expect(0);
    assert!(!proxy.asked().is_empty());
    for place in ["file:wrong", &proxy.url()] {
        let ended = office.check(&through(place)).expect(4).says("acme cannot be reached: ");
        ended.says(&format!("the proxy {}", proxy.url())).says("name and password (407)").says("http://NAME:PASSWORD@");
    }
    office.check(&through(&proxy.url().replace("http://", "http://me:hunter2@"))).expect(2).says("name its place");
    assert_eq!(proxy.asked().len(), 2);
}

#[test]
fn a_proxy_that_is_of_no_use_is_named() {
    let office = Office::new();
    let through = |proxy: &str| format!("ca = \"ca.pem\"\nproxy = \"{proxy}\"\n");
    let down = ConnectProxy::start(&office.server, None).url();
    let unreachable = |proxy: &str| {
        office.check(&through(proxy)).expect(4).says("acme cannot be reached: ").says(&format!("the proxy {proxy}"))
    };
    unreachable(&down).says("refused");
    let forbids = ConnectProxy::saying("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    unreachable(&forbids.url()).says("403");
    for answer in ["", "SSH-2.0-OpenSSH_9.6\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\n"] {
        let proxy = ConnectProxy::saying(answer);
        office.check(&through(&proxy.url())).expect(4).says("acme cannot be reached: ");
        assert_eq!(proxy.asked().len(), 1, "{answer}");
    }
}

#[test]
fn the_environment_names_a_proxy_and_exceptions() {
    let office = Office::new();
    let proxy = ConnectProxy::start(&office.server, None);
    let (url, ca) = (proxy.url(), "ca = \"ca.pem\"\n");
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        office.check_in(ca, &[(variable, &url), ("NO_PROXY", "example.org,.corp")]).expect(0);
        assert!(!proxy.asked().is_empty(), "{variable}");
    }
    // Those are asked without the proxy; nobody has this name.
    for names in [NAME, "*.example.invalid", ".invalid", "*"] {
        office.check_in(ca, &[("HTTPS_PROXY", &url), ("NO_PROXY", names)]).expect(4).says("acme cannot be reached: ");
        assert_eq!(proxy.asked().len(), 0, "{names}");
    }
    // What the table says counts, whatever the environment says.
    let table = format!("{ca}proxy = \"{url}\"\n");
    office.check_in(&table, &[("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "*")]).expect(0);
    assert!(!proxy.asked().is_empty());

    // This machine is never asked through a proxy.
    let idp = ["idp", "check", "--idp", &office.idp.url, "--idp-token", "env:IDP_TOKEN"];
    let environment = [("HTTPS_PROXY", url.as_str()), ("ALL_PROXY", &url), Idp::ENVIRONMENT[0]];
    office.home.run_with(&idp, &environment).expect(0);
    assert_eq!(proxy.asked().len(), 0);
}
