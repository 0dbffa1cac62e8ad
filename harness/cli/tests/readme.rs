//! The `plugfest` lines of the README do what it says.
//!
//! They are run one after the other, with reference devices in the place of "your CSMS" and "your station". Against these
//! a single case is run, so that nobody waits for the real time of all of them.

#![expect(clippy::unwrap_used, reason = "code of tests")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const README: &str = include_str!("../../../README.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_plugfest");

#[test]
fn the_lines_of_the_readme_do_what_it_says() {
    let folder = Folder::new("csms");
    let station_folder = Folder::new("station");
    let csms = Served::start(&["csms", "--ocpp", "1.6"], "--listen");
    let station_at = free_address();
    let mut ran = Vec::new();
    for line in lines() {
        let mut line = line.replace("localhost:9000", &csms.address.to_string());
        // Nobody waits for ten minutes here.
        line = line.replace("--for 10m", "--for 3s");
        let (mut station, mut place) = (None, &folder);
        if line.contains("--device station") {
            line = line.replace("0.0.0.0:9000", &station_at.to_string());
            place = &station_folder;
            station = Some(Served::start(&["station", "--url", &format!("ws://{station_at}")], "--control"));
        } else if is_against_the_csms(&line) && line.starts_with("plugfest run") {
            line.push_str(" session-plug-in-first");
        }
        let output = place.run(&line);
        drop(station);
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}\n{text}");
        if line == "plugfest init" {
            folder.change("plugfest.yaml", "127.0.0.1:9000", &csms.address.to_string());
        }
        ran.push(line);
    }
    for file in ["report.xml", "run.trace"] {
        assert!(folder.path.join(file).is_file(), "{file} was written");
    }
    assert!(ran.len() >= 10, "{ran:?}");
}

#[test]
fn the_case_of_the_readme_is_found_by_its_name() {
    let (name, _) = case();
    assert!(README.contains(&format!("plugfest run {name} --cases my-cases")));
}

/// Whether a line runs cases against what stands for the user's CSMS: at a URL, or in the rig.
fn is_against_the_csms(line: &str) -> bool {
    line.contains("--device csms") || line.contains("--rig") || line == "plugfest run"
}

/// The lines that begin with `plugfest` in the blocks of commands.
fn lines() -> Vec<String> {
    let mut in_block = false;
    let mut lines = Vec::new();
    for line in README.lines() {
        if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block && line.starts_with("plugfest ") {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The case that the README shows, with its name.
fn case() -> (&'static str, &'static str) {
    let block = README.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let name = block.lines().next().and_then(|line| line.strip_prefix("case: ")).unwrap();
    (name, block)
}

/// A folder of its own, with the files that the README speaks of.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("my-cases")).unwrap();
        let (name, text) = case();
        fs::write(path.join(format!("my-cases/{name}.yaml")), text).unwrap();
        fs::write(path.join("known-failures.yaml"), "expected: []\n").unwrap();
        Folder { path }
    }

    fn run(&self, line: &str) -> Output {
        let words = line.split_whitespace().skip(1);
        Command::new(PROGRAM).args(words).current_dir(&self.path).stdin(Stdio::null()).output().unwrap()
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.path.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

/// A reference device in a process of its own.
struct Served {
    process: Child,
    /// Of its link or of its control endpoint.
    address: SocketAddr,
    /// What it prints: kept open, or it could not print.
    _output: BufReader<ChildStdout>,
}

impl Served {
    /// Starts one, at a free address given by this flag, and waits until it says where it is.
    fn start(arguments: &[&str], flag: &str) -> Served {
        let address = free_address();
        let mut command = Command::new(PROGRAM);
        command.arg("serve").args(arguments).arg(flag).arg(address.to_string());
        if flag != "--control" {
            command.arg("--control").arg(free_address().to_string());
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let ready = output.by_ref().lines().any(|line| line.is_ok_and(|line| line.starts_with("control endpoint at")));
        assert!(ready, "the reference device did not start");
        Served { process, address, _output: output }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap()
}
