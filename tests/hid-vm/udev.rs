//! `udev/70-keywright.rules` with systemd's own udevd: a plain user opens keys with the rule and cannot without, and
//! `keywright doctor` leads from the one to the other.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::attached::Keys;
use crate::bench::in_the_machine;
use keywright_test_support::cli::Home;

const RULES: &str = "/etc/udev/rules.d";

/// Where systemd-logind writes who is logged in at this machine's seat. udevd reads it and nothing else.
const SEATS: &str = "/run/systemd/seats";

/// systemd's udevd, until this is dropped, with rules of the system hidden.
struct Udevd {
    hidden: Vec<PathBuf>,
}

impl Udevd {
    fn start_without(rules: &[&str]) -> Self {
        in_the_machine();
        let hidden: Vec<PathBuf> = rules.iter().map(|name| Path::new(RULES).join(name)).collect();
        for rule in &hidden {
            // A rule of the same name that is empty takes the place of the system's (udev(7)).
            symlink("/dev/null", rule).unwrap();
        }
        fs::create_dir_all(SEATS).unwrap();
        assert!(Command::new("/lib/systemd/systemd-udevd").arg("--daemon").status().unwrap().success());
        Self { hidden }
    }

    fn control(arguments: &[&str]) {
        // The machine's files are in a chroot, in which udevadm does nothing by itself.
        let status = Command::new("udevadm").args(arguments).env("SYSTEMD_IGNORE_CHROOT", "1").status().unwrap();
        assert!(status.success(), "udevadm {arguments:?}");
    }
}

impl Drop for Udevd {
    fn drop(&mut self) {
        Self::control(&["control", "--exit"]);
        for rule in self.hidden.drain(..).chain([installed()]) {
            let _ = fs::remove_file(rule);
        }
        fs::remove_dir_all(SEATS).unwrap();
    }
}

fn installed() -> PathBuf {
    Path::new(RULES).join("70-keywright.rules")
}

/// Somebody without rights of their own.
struct Person {
    id: u32,
    home: tempfile::TempDir,
    program: PathBuf,
}

impl Person {
    fn new(id: u32) -> Self {
        let home = tempfile::tempdir().unwrap();
        chown(home.path(), Some(id), Some(id)).unwrap();
        // Folders above the program may be closed to them.
        let program = home.path().join("keywright");
        File::create(&program).unwrap();
        let bound =
            Command::new("mount").arg("--bind").arg(keywright_test_support::cli::program()).arg(&program).status();
        assert!(bound.unwrap().success());
        Self { id, home, program }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.uid(self.id).gid(self.id).env_clear().current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("PATH", "/usr/bin:/bin");
        command
    }

    fn keywright(&self, arguments: &[&str]) -> Output {
        self.command(&self.program).args(arguments).output().unwrap()
    }

    /// What the doctor says about the only key: exit code, message, next step.
    fn doctor(&self) -> (Option<i32>, String, String) {
        let output = self.keywright(&["doctor", "--json"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let finding: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
        assert_eq!(finding["check"], json!("key"), "{said}");
        let text = |member: &str| finding[member].as_str().unwrap_or_default().to_owned();
        (output.status.code(), text("message"), text("next_step"))
    }

    /// Whether the node opens for reading and writing.
    fn may_open(&self, node: &str) -> bool {
        let script = format!("exec 3<>{node}");
        self.command(Path::new("/bin/sh")).args(["-c", &script]).output().unwrap().status.success()
    }

    /// At the machine itself, as logind tells it.
    fn logs_in(&self) {
        let seat = format!("ACTIVE=c1\nACTIVE_UID={}\nIS_SEAT0=1\nCAN_TTY=1\nCAN_GRAPHICAL=1\n", self.id);
        fs::write(Path::new(SEATS).join("seat0"), seat).unwrap();
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.program).status();
    }
}

/// From a key that cannot be opened to one that can, doing what the doctor says and nothing else.
fn journey(hidden: &[&str]) {
    let udevd = Udevd::start_without(hidden);
    let home = Home::new();
    let (person, stranger) = (Person::new(65534), Person::new(2));
    person.logs_in();
    let (mut keys, mut said) = Keys::attach(&home, 1);
    Udevd::control(&["settle"]);
    assert!(!person.may_open(&keys.nodes[0]), "a plain user opened it without the rule");

    let (code, message, step) = person.doctor();
    assert_eq!((code, &message[..]), (Some(5), "no permission to open it: the udev rule is missing"));
    let [print, rest] = step.splitn(2, " | sudo tee ").collect::<Vec<_>>().try_into().expect("a pipe");
    let [file, reload, trigger] = rest.split(" && ").collect::<Vec<_>>().try_into().expect("three commands");
    assert_eq!((print, file), ("keywright doctor --udev-rule", installed().to_str().unwrap()));
    fs::write(file, person.keywright(&["doctor", "--udev-rule"]).stdout).unwrap();

    let (code, message, step) = person.doctor();
    assert!(code == Some(5) && message.ends_with("was not applied to this key"), "{message}");
    assert_eq!(step, format!("{reload} && {trigger}"));
    for command in [reload, trigger] {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[..2], ["sudo", "udevadm"]);
        Udevd::control(&words[2..]);
    }
    Udevd::control(&["settle"]);
    assert!(person.may_open(&keys.nodes[0]));
    assert_eq!(person.doctor().0, Some(0));
    assert!(!stranger.may_open(&keys.nodes[0]), "the rule is for who is logged in");
    let (code, message, _) = stranger.doctor();
    assert!(code == Some(5) && message.ends_with("logged in at this machine may open keys"), "{message}");

    // A key that comes later, and a udev that takes its time: whoever opens it at once waits for the permission.
    let slow = Path::new(RULES).join("60-slow.rules");
    fs::write(&slow, "ACTION==\"add\", SUBSYSTEM==\"hidraw\", PROGRAM==\"/bin/sleep 0.5\"\n").unwrap();
    Udevd::control(&["control", "--reload"]);
    let node = keys.replug(1, &mut said);
    let listed = person.keywright(&["key", "list", "--json"]);
    fs::remove_file(&slow).unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed["path"], listed.get("error")), (&json!(node), None), "{listed}");
    Udevd::control(&["settle"]);

    let mouse = Mouse::plug_in();
    Udevd::control(&["settle"]);
    assert!(!person.may_open(&mouse.node), "the rule is for security keys");
    // udevd sees them go.
    drop((keys, mouse));
    Udevd::control(&["settle"]);
    drop(udevd);
}

/// A HID device that is no key (linux/uhid.h: UHID_CREATE2), until it is dropped.
struct Mouse {
    node: String,
    _uhid: File,
}

impl Mouse {
    fn plug_in() -> Self {
        let nodes = || fs::read_dir("/sys/class/hidraw").unwrap().flatten().map(|node| node.file_name());
        let before: Vec<_> = nodes().collect();
        // Usage page Generic Desktop, usage Mouse: three buttons.
        let descriptor = [
            0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x05, 0x09, 0x19, 0x01, 0x29, 0x03, 0x15, 0x00, 0x25, 0x01, 0x95, 0x08,
            0x75, 0x01, 0x81, 0x02, 0xc0,
        ];
        let mut event = 11_u32.to_ne_bytes().to_vec();
        event.extend([0; 128 + 64 + 64]);
        event.extend(u16::try_from(descriptor.len()).unwrap().to_ne_bytes());
        event.extend(3_u16.to_ne_bytes());
        for number in [0x1209_u32, 0x0002, 0, 0] {
            event.extend(number.to_ne_bytes());
        }
        event.extend(descriptor);
        event.resize(4 + 256 + 20 + 4096, 0);
        let mut uhid = File::options().read(true).write(true).open("/dev/uhid").unwrap();
        uhid.write_all(&event).unwrap();
        // The kernel makes the node by and by.
        let node = loop {
            if let Some(node) = nodes().find(|node| !before.contains(node)) {
                break format!("/dev/{}", node.to_str().unwrap());
            }
            std::thread::yield_now();
        };
        Self { node, _uhid: uhid }
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn the_rule_opens_keys_where_systemd_knows_keys_and_gives_them_to_nobody() {
    journey(&["70-uaccess.rules"]);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn the_rule_opens_keys_where_systemd_is_too_old_to_know_them() {
    journey(&["60-fido-id.rules"]);
}
