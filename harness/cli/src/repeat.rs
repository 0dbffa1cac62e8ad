//! The commands that repeat what was done.

use std::path::PathBuf;

use engine::suite::Job;

use crate::args::{Fuzz, Process, Stream, Target};

/// Makes the command for one case of a run: the flags that say what the device is, and the seed.
pub(crate) fn command(
    target: &Target,
    cases: &[PathBuf],
    strict: bool,
    seed: u64,
) -> impl Fn(&Job) -> String + Send + Sync + use<> {
    let mut flags = flags(target);
    for folder in cases {
        flags.push(format!("--cases {}", quoted(&folder.display().to_string())));
    }
    if strict {
        flags.push("--strict".to_owned());
    }
    let flags = flags.join(" ");
    move |job| {
        let command = format!(
            "plugfest run {} {flags} --device {} --ocpp {} --seed {seed}",
            quoted(&job.case.id.value),
            job.device,
            job.version
        );
        command.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The flags that say what the device is, without its side and version.
pub(crate) fn flags(target: &Target) -> Vec<String> {
    let mut flags: Vec<String> = Vec::new();
    let mut flag = |name: &str, value: &str| flags.push(format!("--{name} {}", quoted(value)));
    if let Some(rig) = &target.rig {
        flag("rig", &rig.display().to_string());
    }
    if let Some(url) = &target.url {
        flag("url", url);
    }
    if let Some(listen) = &target.listen {
        flag("listen", listen);
    }
    for identity in &target.identity {
        flag("identity", identity);
    }
    if let Some(variable) = &target.password_env {
        flag("password-env", variable);
    }
    if let Some(ca) = &target.ca {
        flag("ca", &ca.display().to_string());
    }
    for (name, value) in &target.tag {
        flag("tag", &format!("{name}={value}"));
    }
    if let Some(url) = &target.driver_url {
        flag("driver-url", url);
    }
    for fault in &target.fault {
        flag("fault", fault);
    }
    let embedded = target.embedded
        || (target.rig.is_none()
            && target.url.is_none()
            && target.listen.is_none()
            && !std::path::Path::new("plugfest.yaml").is_file());
    if embedded {
        flags.insert(0, "--embedded".to_owned());
    }
    flags
}

/// The flags that say how the process of the device is started.
pub(crate) fn process(process: &Process) -> Vec<String> {
    let start = process.start.iter().map(|command| format!("--start {}", quoted(command)));
    start.chain(process.pattern.iter().map(|pattern| format!("--pattern {}", quoted(pattern)))).collect()
}

/// The flags that make a campaign of `plugfest fuzz` the one it is.
pub(crate) fn campaign(args: &Fuzz, seed: u64) -> Vec<String> {
    let mut flags = vec![format!("--seed {seed}"), format!("--length {}", args.length)];
    if !args.layers.is_empty() {
        let layers: Vec<String> = args.layers.iter().map(Stream::to_string).collect();
        flags.push(format!("--layers {}", layers.join(",")));
    }
    if let Some(time) = args.time {
        flags.push(format!("--for {}ms", time.as_millis()));
    }
    if let Some(runs) = args.runs {
        flags.push(format!("--runs {runs}"));
    }
    if args.dangerous {
        flags.push("--dangerous".to_owned());
    }
    flags
}

/// A word as a shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
