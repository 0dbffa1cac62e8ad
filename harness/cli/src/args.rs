//! The command line as it is promised: commands and flags, parsed into values.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use protocol::{Role, Version};
use streams::generate::Layer;

/// Conformance tests and fuzzing for OCPP: plays either side against a device under test.
///
/// Not affiliated with the Open Charge Alliance, and no substitute for its certification.
#[derive(Debug, Parser)]
#[command(name = "plugfest", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// When to colour what goes to the terminal
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// If standard output is a terminal and NO_COLOR is not set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run cases against a device; without rig and --device against the embedded reference devices
    Run(Box<Run>),
    /// What there is: cases with their official ids, versions, sides, statements and requirements
    List(List),
    /// A case as a page with its sequence diagram
    Show(Show),
    /// Check case and rig files without a network; without PATH the whole embedded catalogue, self-play included
    Check(Check),
    /// Format case files in place
    Fmt(Fmt),
    /// Run a reference device on its own
    Serve(Serve),
    /// Run the suite against every seeded fault and print the kill matrix
    Mutants(Mutants),
    /// Streams of generated messages against a device: property-based and fuzzed
    Fuzz(Box<Fuzz>),
    /// Repeat stored findings against the same or another device: exit 1 if one of them shows
    Replay(Box<Replay>),
    /// Write a commented plugfest.yaml
    Init(Init),
    /// See whether a rig is fit: limits, clock, reachability, tokens, drivers
    Doctor(Doctor),
    /// Render reports again from a trace
    Report(Report),
    /// Judge a trace again
    Judge(Judge),
    /// What a diagnostic, oracle, fault, check, message or statement id means
    Explain(Explain),
    /// Print the JSON Schema of case or rig files, for editors
    Schema(Schema),
}

/// Which device, and everything about it that needs no file.
#[derive(Debug, Default, Args)]
pub(crate) struct Target {
    /// Which side the device under test is
    #[arg(long, value_name = "csms|station", value_parser = role)]
    pub(crate) device: Option<Role>,
    /// The device is a CSMS: its base URL, the identity is appended
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// The device is a station: where we wait for it
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// The version to play; may be given more than once
    #[arg(long, value_name = "1.6|2.0.1|2.1", value_parser = version)]
    pub(crate) ocpp: Vec<Version>,
    /// Everything about the device; flags win over the file [default: ./plugfest.yaml if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) rig: Option<PathBuf>,
    /// Test the embedded reference device
    #[arg(long)]
    pub(crate) embedded: bool,
    /// Switch a seeded fault of the embedded device on (repeatable)
    #[arg(long, value_name = "ID", requires = "embedded")]
    pub(crate) fault: Vec<String>,
    /// Identity of a station (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Vec<String>,
    /// The environment variable that holds the password for HTTP Basic authentication
    #[arg(long, value_name = "VAR")]
    pub(crate) password_env: Option<String>,
    /// Certificate authorities of the device, in PEM form
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// A token by the name that cases use: valid=04E12345 (repeatable)
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) tag: Vec<(String, String)>,
    /// Base URL of a control interface that every stimulus is posted to
    #[arg(long, value_name = "URL")]
    pub(crate) driver_url: Option<String>,
}

/// Files to be written beside what the terminal shows.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReportFiles {
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(crate) report_junit: Option<PathBuf>,
    /// Write events as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) report_json: Option<PathBuf>,
    /// Write an HTML report
    #[arg(long, value_name = "FILE")]
    pub(crate) report_html: Option<PathBuf>,
    /// Write a Markdown report
    #[arg(long, value_name = "FILE")]
    pub(crate) report_markdown: Option<PathBuf>,
}

/// The process of the device, if it runs on this machine.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Process {
    /// Start the device with this shell command, watch its process, and start it again when it ends; one episode at a time
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["embedded", "pid"])]
    pub(crate) start: Option<String>,
    /// Watch the process of the device: whether it lives, its memory and open files
    #[arg(long, value_name = "PID", conflicts_with = "embedded")]
    pub(crate) pid: Option<u32>,
    /// With --start: what the device prints when something is wrong, as a regular expression (repeatable)
    #[arg(long, value_name = "REGEX", requires = "start")]
    pub(crate) pattern: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A case id, an official id (TC_010_CSMS), a folder of the catalogue (1.6/core), or a glob of these
    #[arg(value_name = "SELECT")]
    pub(crate) select: Vec<String>,
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) reports: ReportFiles,
    /// Also load private cases from this folder (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Vec<PathBuf>,
    /// Virtual stations at once towards a CSMS [default: what the rig's identities allow]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Whether an operator is asked for what no driver does [default: prompt on a terminal, else none]
    #[arg(long, value_enum)]
    pub(crate) operator: Option<OperatorMode>,
    /// Choices of a case: the first plan, each choice once, the product [default: each towards a CSMS, else first]
    #[arg(long, value_enum)]
    pub(crate) variants: Option<VariantMode>,
    /// Background traffic beyond heartbeats is a warning, for people preparing for a lab
    #[arg(long)]
    pub(crate) strict: bool,
    /// Write everything the verdicts rest on, to be judged and reported again
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// A list of expected failures
    #[arg(long, value_name = "FILE")]
    pub(crate) expect: Option<PathBuf>,
    /// The seed of everything random [default: new each time, printed]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// How often an unexpected verdict is tried again
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,
    /// Stop at the first unexpected failure
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Stop after so many unexpected failures
    #[arg(long, value_name = "N", conflicts_with = "fail_fast", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_failures: Option<u32>,
    /// Run a part of the cases: slice:m/n every n-th, hash:m/n by the hash of the id
    #[arg(long, value_name = "slice:m/n|hash:m/n", value_parser = crate::selection::Partition::parse)]
    pub(crate) partition: Option<crate::selection::Partition>,
    /// Wait so long for the device to be there
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait_for_dut: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) reports: ReportFiles,
    /// So long, from when the device is there: 30s, 10m, 8h [default: 1m, if --runs says nothing]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// So many acts: messages, frames, handshakes, …; of the stream `cases` so many cases
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: Option<u64>,
    /// The layers that are used, L0 (bytes) to L6 (several stations) [default: all]; `cases` plays cases of the suite with
    /// one change each
    #[arg(long, value_name = "L0,…,cases", value_delimiter = ',')]
    pub(crate) layers: Vec<Stream>,
    /// The seed of everything random [default: that of the findings folder, else new, printed]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where findings are kept; a run that finds its folder there goes on where it ended
    #[arg(long, value_name = "DIR")]
    pub(crate) findings: Option<PathBuf>,
    /// Also send what moves or flashes hardware, or locks its owner out: hard resets, firmware, certificates, …
    #[arg(long)]
    pub(crate) dangerous: bool,
    /// Episodes at once towards a CSMS; each takes three identities [default: what the rig's identities allow]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: Option<u16>,
    /// Acts in an episode, which begins with new links
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub(crate) length: u16,
    /// List the states of the model that were not met at the end, and the moves in them
    #[arg(long)]
    pub(crate) missing: bool,
    #[command(flatten)]
    pub(crate) process: Process,
    /// Wait so long for the device to be there
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait_for_dut: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A finding, its folder, or a folder of findings; also cases that `--layers cases` has left there
    pub(crate) finding: PathBuf,
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) reports: ReportFiles,
    /// How often each is repeated
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) times: u32,
    /// Also send what moves or flashes hardware, or locks its owner out
    #[arg(long)]
    pub(crate) dangerous: bool,
    #[command(flatten)]
    pub(crate) process: Process,
    /// Wait so long for the device to be there
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) wait_for_dut: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperatorMode {
    Prompt,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VariantMode {
    First,
    Each,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// A case id, an official id, a folder of the catalogue, or a glob of these
    #[arg(value_name = "SELECT")]
    pub(crate) select: Vec<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Only cases for this version; may be given more than once
    #[arg(long, value_name = "1.6|2.0.1|2.1", value_parser = version)]
    pub(crate) ocpp: Vec<Version>,
    /// Only cases for this side of the device
    #[arg(long, value_name = "csms|station", value_parser = role)]
    pub(crate) device: Option<Role>,
    /// Also load private cases from this folder (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The case
    pub(crate) case: String,
    /// Also load private cases from this folder (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Case or rig files, or folders of them
    pub(crate) path: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Case files, or folders of them [default: the current folder]
    pub(crate) path: Vec<PathBuf>,
    /// Change nothing; exit with 3 if something is not formatted
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Which reference device
    #[arg(value_name = "csms|station", value_parser = role)]
    pub(crate) device: Role,
    /// The version it speaks; a CSMS may be given several
    #[arg(long, value_name = "1.6|2.0.1", value_parser = version)]
    pub(crate) ocpp: Vec<Version>,
    /// A CSMS: where it waits for stations
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9000")]
    pub(crate) listen: String,
    /// A station: the base URL of its CSMS
    #[arg(long, default_value = "ws://127.0.0.1:9000/ocpp")]
    pub(crate) url: String,
    /// Where the control endpoint for stimuli is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9001")]
    pub(crate) control: String,
    /// A station: its identity
    #[arg(long, value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// A station: the ready-made equipment it has
    #[arg(long, value_name = "NAME", default_value = "standard")]
    pub(crate) equipment: String,
    /// Switch a seeded fault on (repeatable)
    #[arg(long, value_name = "ID")]
    pub(crate) fault: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Mutants {
    /// Only faults of this version; may be given more than once
    #[arg(long, value_name = "1.6|2.0.1", value_parser = version)]
    pub(crate) ocpp: Vec<Version>,
    /// Only faults of this side
    #[arg(long, value_name = "csms|station", value_parser = role)]
    pub(crate) device: Option<Role>,
    /// Only these faults
    #[arg(long, value_name = "ID")]
    pub(crate) fault: Vec<String>,
    /// The seed of everything random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write events as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) report_json: Option<PathBuf>,
    /// Put the faults before the streams of `plugfest fuzz` instead of the cases
    #[arg(long)]
    pub(crate) streams: bool,
    /// With --streams: so many acts at most for a fault
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "streams", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) runs: u64,
    /// With --streams: so many seeds, from --seed on; the median is told
    #[arg(long, value_name = "N", default_value_t = 1, requires = "streams", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) seeds: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Which side the device under test is
    #[arg(long, value_name = "csms|station", value_parser = role, default_value = "csms")]
    pub(crate) device: Role,
    /// Where it is written
    #[arg(default_value = "plugfest.yaml")]
    pub(crate) file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Whether an operator is asked for what no driver does [default: prompt on a terminal, else none]
    #[arg(long, value_enum)]
    pub(crate) operator: Option<OperatorMode>,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The trace
    pub(crate) trace: PathBuf,
    #[command(flatten)]
    pub(crate) reports: ReportFiles,
}

#[derive(Debug, Args)]
pub(crate) struct Judge {
    /// The trace
    pub(crate) trace: PathBuf,
    /// Also load private cases from this folder (repeatable)
    #[arg(long, value_name = "DIR")]
    pub(crate) cases: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reports: ReportFiles,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// An id as it stands in a report
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of which files
    #[arg(value_enum)]
    pub(crate) of: SchemaKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaKind {
    Case,
    Rig,
}

fn role(text: &str) -> Result<Role, String> {
    text.parse()
}

fn version(text: &str) -> Result<Version, String> {
    text.parse()
}

fn duration(text: &str) -> Result<Duration, String> {
    engine::rig::duration(text)
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as valid=04E12345".to_owned()),
    }
}

/// What a stream is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Generated messages of a layer.
    Layer(Layer),
    /// Cases of the suite with one change each.
    Cases,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::Layer(layer) => write!(f, "{layer:?}"),
            Stream::Cases => f.write_str("cases"),
        }
    }
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Stream, String> {
        if text.eq_ignore_ascii_case("cases") {
            return Ok(Stream::Cases);
        }
        text.parse().map(Stream::Layer).map_err(|error: String| format!("{error}; or \"cases\""))
    }
}

impl Fuzz {
    /// The layers of generated messages: all if none are named.
    pub(crate) fn message_layers(&self) -> Vec<Layer> {
        let named = self.layers.iter().filter_map(|stream| match stream {
            Stream::Layer(layer) => Some(*layer),
            Stream::Cases => None,
        });
        if self.layers.is_empty() { Layer::ALL.to_vec() } else { named.collect() }
    }

    /// Whether cases are changed and played.
    pub(crate) fn plays_cases(&self) -> bool {
        self.layers.contains(&Stream::Cases)
    }
}
