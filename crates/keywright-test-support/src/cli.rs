//! Runs the program as a person or a script does, in a folder of its own, without a terminal.

mod rehearsed;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::json_schema;

/// A home folder for one test.
pub struct Home {
    folder: tempfile::TempDir,
}

/// The program under test. Cargo says where it built it; a test that was started without Cargo finds it beside itself.
pub fn program() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_keywright").map(PathBuf::from).unwrap_or_else(|| {
        let this = std::env::current_exe().unwrap();
        let beside = this.ancestors().nth(2).unwrap().join("keywright").with_extension(std::env::consts::EXE_EXTENSION);
        assert!(beside.exists(), "{} is not there: run this test with cargo test", beside.display());
        beside
    })
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Each line of stdout as JSON, held against the schema.
    pub fn json(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                json_schema::hold(&value);
                value
            })
            .collect()
    }

    /// The only line of stdout as JSON.
    pub fn one(&self) -> Value {
        let mut lines = self.json();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// `error: ...` in lower case without a full stop, with these words in it.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "\"{words}\" is not in:\n{}", self.stderr);
        for line in self.stderr.lines().filter(|line| line.starts_with("error:") || line.starts_with("hint:")) {
            assert!(!line.ends_with('.'), "{line}");
        }
        self
    }
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path as text.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes a secret where only its owner can read it, and returns its place as `--pin` takes it.
    pub fn secret(&self, name: &str, text: &str) -> String {
        let path = self.file(name, text);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        format!("file:{path}")
    }

    /// The program, with this home and an environment that says nothing else.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().stdin(Stdio::null()).current_dir(self.folder.path());
        command.env("HOME", self.folder.path()).env("USER", "tester");
        for name in ["PATH", "SystemRoot", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    /// A command that changes something is run after its dry run, and held against it.
    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        match rehearsed::is_rehearsed(arguments) {
            true => rehearsed::run(self, arguments, environment),
            false => self.run_alone(arguments, environment),
        }
    }

    /// The command and nothing else.
    pub fn run_alone(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let output = self.command(arguments).envs(environment.iter().copied()).output().unwrap();
        Ended {
            code: output.status.code().expect("not killed by a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// On a terminal, where a person types these lines. Returns all that the terminal shows.
    #[cfg(target_os = "linux")]
    pub fn on_terminal(&self, arguments: &[&str], lines: &[&str]) -> (i32, String) {
        use std::io::{Read as _, Write as _};
        let program = program();
        let mut words = vec![program.to_str().unwrap()];
        words.extend(arguments);
        // Of util-linux, which every Debian has.
        let mut script = Command::new("script");
        let program = self.command(&[]);
        script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]).env_clear();
        script.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "dumb");
        script.current_dir(self.folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = script.spawn().unwrap();
        let typed: String = lines.iter().map(|line| format!("{line}\n")).collect();
        // Dropped at once, which is Ctrl-D after the last line.
        running.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let mut shown = String::new();
        running.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        (running.wait().unwrap().code().unwrap(), shown.replace("\r\n", "\n"))
    }

    /// Where the state is when nobody names a folder.
    pub fn state(&self) -> PathBuf {
        self.path(".local/state/keywright")
    }

    /// Resets one of the soft keys as another program would: the ledger hears nothing of it.
    pub fn reset_elsewhere(&self, port: &str) {
        let (softkeys, elsewhere) = (self.state().join("softkeys"), self.path("elsewhere"));
        let [softkeys, elsewhere] = [softkeys, elsewhere].map(|path| path.display().to_string());
        let reset = ["key", "reset", "--softkeys", &softkeys, "--key", port, "--state", &elsewhere, "--yes"];
        self.run(&reset).expect(0);
    }
}

/// `keywright idp serve`, until it is dropped.
pub struct Idp {
    child: Child,
    pub url: String,
    /// The address of its page for browsers.
    pub origin: String,
}

impl Idp {
    pub const ENVIRONMENT: [(&str, &str); 1] = [("IDP_TOKEN", "0123456789abcdef-for-tests")];

    pub fn start(home: &Home, users: &Path) -> Self {
        let users = users.to_str().unwrap();
        let arguments = ["idp", "serve", "--listen", "127.0.0.1:0", "--token", "env:IDP_TOKEN", "--users", users];
        Self::run(home, &arguments, &Self::ENVIRONMENT)
    }

    /// With arguments of its own.
    pub fn run(home: &Home, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = home.command(&[arguments, &["--json"]].concat());
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        json_schema::hold(&said);
        let text = |member: &str| said[member].as_str().unwrap().to_owned();
        Self { child, url: text("url"), origin: text("origin") }
    }

    /// Ctrl-C; returns the exit code.
    #[cfg(unix)]
    pub fn interrupt(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Idp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
