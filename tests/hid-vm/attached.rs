//! `keywright softkey attach`: keys that come and go with the process, and are pulled and plugged in by their number.

use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::in_the_machine;
use keywright_test_support::cli::Home;

/// `keywright softkey attach`, until it is dropped.
pub(crate) struct Keys {
    child: Child,
    /// `/dev/hidraw0`, ...
    pub nodes: Vec<String>,
}

/// The lines that it prints as keys come.
pub(crate) type Said = Lines<BufReader<ChildStdout>>;

impl Keys {
    /// Waits until so many keys are there.
    pub(crate) fn attach(home: &Home, count: usize) -> (Self, Said) {
        Self::attach_with_touch(home, count, Duration::ZERO)
    }

    /// The same, with keys that wait so long for their touch.
    pub(crate) fn attach_with_touch(home: &Home, count: usize, touch: Duration) -> (Self, Said) {
        in_the_machine();
        let (count_text, touch) = (count.to_string(), touch.as_millis().to_string());
        let mut command = home.command(&["softkey", "attach", &count_text, "--touch-after", &touch, "--json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let nodes = (1..=count).map(|number| plugged(&mut said, number)).collect();
        (Self { nodes, child }, said)
    }

    /// Pulls a key out and plugs it in again. Its new node.
    pub(crate) fn replug(&mut self, number: usize, said: &mut Said) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{number}").unwrap();
        plugged(said, number)
    }

    /// Ctrl-C; returns the exit code.
    fn interrupt(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

fn plugged(said: &mut Said, number: usize) -> String {
    let line: Value = serde_json::from_str(&said.next().expect("a line for each key").unwrap()).unwrap();
    assert_eq!(line["key"], json!(number), "{line}");
    line["path"].as_str().unwrap().to_owned()
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn attached_keys_keep_what_they_know_and_go_with_ctrl_c() {
    let home = Home::new();
    let pin = home.secret("pin", "a PIN of ten");
    let (keys, said) = Keys::attach(&home, 2);
    let mut nodes = keys.nodes.clone();
    let listed = home.run(&["key", "list", "--json"]).expect(0).json();
    assert_eq!(listed.iter().map(|key| key["path"].as_str().unwrap()).collect::<Vec<_>>(), nodes);
    home.run(&["key", "pin", "set", "--key", &nodes[0], "--new-pin", &pin]).expect(0);
    assert_eq!(keys.interrupt(), Some(0));
    drop(said);
    assert!(nodes.drain(..).all(|node| !Path::new(&node).exists()));
    home.run(&["key", "list"]).expect(5);

    let (keys, _said) = Keys::attach(&home, 1);
    let info = home.run(&["key", "info", "--json"]).expect(0).one();
    assert_eq!(info["options"]["clientPin"], json!(true), "{info}");
    drop(keys);
}

#[test]
#[ignore = "needs the machine of tests/hid-vm"]
fn a_key_is_reset_after_it_was_pulled_out_and_plugged_in() {
    let home = Home::new();
    let (mut keys, mut said) = Keys::attach(&home, 2);
    let mut command: Command = home.command(&["key", "reset", "--key", &keys.nodes[0], "--yes", "--json"]);
    let mut reset = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(reset.stderr.take().unwrap()).lines();
    let asks = |line: &String| line.contains("pull the key out");
    words.by_ref().map_while(Result::ok).find(asks).expect("it asks for the key to be pulled");
    keys.replug(1, &mut said);
    let mut done = String::new();
    reset.stdout.take().unwrap().read_to_string(&mut done).unwrap();
    assert!(reset.wait().unwrap().success(), "{:?}", words.collect::<Vec<_>>());
    assert_eq!(serde_json::from_str::<Value>(&done).unwrap()["reset"], json!(true));
}
