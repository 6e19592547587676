//! A PostgreSQL server of Debian's package for one test, on a socket and a port of loopback of its own; and a cable to it that can
//! be cut.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

/// A server, until it is dropped.
pub struct Postgres {
    folder: TempDir,
    port: u16,
}

/// Where Debian has the server's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.filter_map(|version| Some(version.ok()?.path().join("bin"))).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop()
}

/// A folder that the server's own user can write to, short enough for a socket.
fn new_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("kwpg").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let home = folder.path().join("server");
    std::fs::create_dir(&home).unwrap();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&home));
    }
    folder
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A pooler, until it is dropped.
pub struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whom the server runs as: it refuses to be root.
fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

impl Postgres {
    /// A new one; `None`, and SKIPPED, where it is not installed.
    pub fn start() -> Option<Self> {
        if programs().is_none() {
            crate::skipped("PostgreSQL is not installed: tests/postgres/install gets it");
            return None;
        }
        let server = Self { folder: new_folder(), port: free_port() };
        let data = server.data();
        let data = data.to_str().unwrap();
        run(&mut server
            .program("initdb", &["-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]));
        server.configure();
        server.up();
        server.sql("postgres", "CREATE DATABASE keywright");
        for role in ["office_a", "office_b", "audit", "stranger"] {
            server.sql("keywright", &format!("CREATE ROLE {role} LOGIN"));
        }
        Some(server)
    }

    /// On this port and nowhere else, small, and as sure of its disk as any.
    fn configure(&self) {
        let settings = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nshared_buffers = 16MB\n\
             max_connections = 40\nautovacuum = off\n",
            self.port,
            self.folder.path().join("server").display()
        );
        let file = self.data().join("postgresql.auto.conf");
        run(&mut self.program("sh", &["-c", &format!("cat >> {} <<'E'\n{settings}E", file.display())]));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("server/data")
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let path = programs().unwrap().join(name);
        let path = if path.exists() { path } else { Path::new("/bin").join(name) };
        let mut command = if is_root() {
            let mut as_postgres = Command::new("setpriv");
            as_postgres.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            as_postgres
        } else {
            Command::new(path)
        };
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        command
    }

    /// Its address for a role.
    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/keywright", self.port)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs SQL as the owner, who is a superuser, and gives what it prints.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let ended = self.try_sql("owner", database, sql);
        assert!(ended.status.success(), "{sql}: {}", String::from_utf8_lossy(&ended.stderr));
        String::from_utf8(ended.stdout).unwrap().trim().to_owned()
    }

    /// Runs SQL as a role.
    pub fn try_sql(&self, role: &str, database: &str, sql: &str) -> Output {
        let port = self.port.to_string();
        let arguments = [
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            role,
            "-d",
            database,
            "-c",
            sql,
        ];
        self.program("psql", &arguments).output().unwrap()
    }

    /// A server that follows this one, and has what it has now.
    pub fn replica(&self) -> Self {
        let port = free_port();
        let replica = Self { folder: new_folder(), port };
        let (own, data) = (self.port.to_string(), replica.data());
        let data = data.to_str().unwrap();
        run(&mut self
            .program("pg_basebackup", &["-D", data, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", &own, "-U", "owner"]));
        replica.configure();
        replica.up();
        replica
    }

    /// A pooler before it, in transaction mode: each statement may go over another connection. `None`, and SKIPPED, where it is not
    /// installed.
    pub fn pooler(&self) -> Option<Pooler> {
        if !Path::new("/usr/sbin/pgbouncer").exists() {
            crate::skipped("pgbouncer is not installed: tests/postgres/install gets it");
            return None;
        }
        let port = free_port();
        let folder = self.folder.path().join("server");
        let (users, settings) = (folder.join("users"), folder.join("pooler.ini"));
        std::fs::write(&users, "\"office_a\" \"\"\n\"office_b\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\nkeywright = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 2\n",
            self.port,
            users.display()
        );
        std::fs::write(&settings, text).unwrap();
        let mut program = self.program("/usr/sbin/pgbouncer", &[settings.to_str().unwrap()]);
        let child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::yield_now();
        }
        Some(Pooler { child, port })
    }

    /// Has it speak TLS from now on, with these in PEM, and asks who comes as this line of pg_hba.conf says.
    pub fn secure(&self, certificate: &str, key: &str, clients: &str, line: &str) {
        let data = self.data();
        let data = data.to_str().unwrap();
        for (name, text) in [("server.crt", certificate), ("server.key", key), ("clients.crt", clients)] {
            run(&mut self.program("sh", &["-c", &format!("umask 077; cat > {data}/{name} <<'E'\n{text}E")]));
        }
        let settings = "ssl = on\nssl_ca_file = 'clients.crt'\n";
        run(&mut self.program("sh", &["-c", &format!("cat >> {data}/postgresql.auto.conf <<'E'\n{settings}E")]));
        run(&mut self.program("sed", &["-i", &format!("1i {line}"), &format!("{data}/pg_hba.conf")]));
        self.kill();
        self.up();
    }

    /// Starts it, and waits until it answers.
    pub fn up(&self) {
        let (data, log) = (self.data(), self.folder.path().join("server/log"));
        let arguments = ["-D", data.to_str().unwrap(), "-l", log.to_str().unwrap(), "-w", "-t", "60", "start"];
        run(self.program("pg_ctl", &arguments).stdout(Stdio::null()).stderr(Stdio::null()));
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&self) {
        run(&mut self.program("pg_ctl", &["-D", self.data().to_str().unwrap(), "-m", "immediate", "-w", "stop"]));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.data();
        let mut stop = self.program("pg_ctl", &["-D", data.to_str().unwrap(), "-m", "immediate", "stop"]);
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// Where a request's way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears of it.
    Before,
    /// The server has done it, and its answer is lost.
    After,
}

/// A cable between a client and a server, which can be cut.
pub struct Cable {
    port: u16,
    next: Arc<Mutex<Option<(usize, Cut)>>>,
    cuts: Arc<AtomicUsize>,
}

impl Cable {
    /// To a server on this port of loopback.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cable = Self { port, next: Arc::default(), cuts: Arc::default() };
        let (next, cuts) = (Arc::clone(&cable.next), Arc::clone(&cable.cuts));
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (next, cuts) = (Arc::clone(&next), Arc::clone(&cuts));
                // A server that is away answers nobody.
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) {
                    carry(client, server, next, cuts);
                }
            }
        });
        cable
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts it at one of the next requests; 0 is the very next.
    pub fn cut(&self, request: usize, cut: Cut) {
        *self.next.lock().unwrap() = Some((request, cut));
    }

    /// How often it was cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

fn carry(client: TcpStream, server: TcpStream, next: Arc<Mutex<Option<(usize, Cut)>>>, cuts: Arc<AtomicUsize>) {
    let lost = Arc::new(AtomicBool::new(false));
    let close = |streams: [&TcpStream; 2]| streams.map(|stream| drop(stream.shutdown(Shutdown::Both)));
    let (mut from_server, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answers_lost = Arc::clone(&lost);
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut bytes) {
            if answers_lost.load(Ordering::SeqCst) || to_client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        close([&from_server, &to_client]);
    });
    let (mut client, mut server) = (client, server);
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(length @ 1..) = client.read(&mut bytes) {
            let cut = {
                let mut next = next.lock().unwrap();
                match &mut *next {
                    Some((0, cut)) => {
                        let cut = *cut;
                        *next = None;
                        cuts.fetch_add(1, Ordering::SeqCst);
                        Some(cut)
                    }
                    Some((requests, _)) => {
                        *requests -= 1;
                        None
                    }
                    None => None,
                }
            };
            match cut {
                Some(Cut::Before) => break,
                Some(Cut::After) => lost.store(true, Ordering::SeqCst),
                None => {}
            }
            if server.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        if !lost.load(Ordering::SeqCst) {
            close([&client, &server]);
        }
    });
}

#[track_caller]
fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
