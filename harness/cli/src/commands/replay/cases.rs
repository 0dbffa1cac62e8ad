//! Findings that are case files, as `plugfest fuzz --layers cases` leaves them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::clock::Clock;
use engine::suite::{self, Job, Suite};
use protocol::{Role, Version};
use script::Library;
use tokio::sync::watch;
use verdict::{CaseResult, Expectations, Verdict};

use crate::args::Replay;
use crate::failure::Failure;
use crate::rig::Device;
use crate::{catalogue, device, process, repeat};

/// The folder that they are in, beside the other findings.
const FOLDER: &str = "cases";

/// The case files that a path stands for: itself, those of this folder, or those of the folder beside its findings.
pub(super) fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let beside = path.join(FOLDER);
    let is_case = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    if beside.is_dir() {
        catalogue::yaml_files(&beside)
    } else if is_case || path.file_name().is_some_and(|name| name == FOLDER) {
        catalogue::yaml_files(path)
    } else {
        Ok(Vec::new())
    }
}

/// Cases to be repeated.
pub(super) struct Cases {
    library: Arc<Library>,
    jobs: Vec<Job>,
}

impl Cases {
    /// Those of these files that are for the device.
    pub(super) fn read(args: &Replay, on: &Device, files: Vec<PathBuf>) -> Result<Cases, Failure> {
        if files.is_empty() {
            return Ok(Cases { library: Arc::default(), jobs: Vec::new() });
        }
        let library = catalogue::load(&files)?;
        let wanted: HashSet<String> = files.iter().map(|file| file.display().to_string()).collect();
        let (sides, versions) = on.courses(&args.target.ocpp);
        let mut jobs = suite::jobs(&library, &sides, &versions);
        jobs.retain(|job| wanted.contains(&job.case.source.path));
        Ok(Cases { library: Arc::new(library), jobs })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Plays each as often as is asked for; the worst result of each, which says how often it failed.
    pub(super) async fn play(
        self,
        args: &Replay,
        on: &Device,
        stop: &watch::Receiver<bool>,
    ) -> Result<Vec<CaseResult>, Failure> {
        if self.is_empty() || *stop.borrow() {
            return Ok(Vec::new());
        }
        let mut monitor = args.process.monitor()?;
        let patience = args.process.patience(args.wait_for_dut);
        let site = Arc::new(device::site_of(on, None, patience).await?);
        let flags = [repeat::flags(&args.target), repeat::process(&args.process)].concat().join(" ");
        let repeat: Arc<dyn Fn(&Job) -> String + Send + Sync> = Arc::new(move |job| {
            let file = repeat::quoted(&job.case.source.path);
            format!("plugfest replay {file} {flags} --device {} --ocpp {}", job.device, job.version)
        });
        let mut all: Vec<Again> = Vec::new();
        let mut places: HashMap<(String, Role, Version), usize> = HashMap::new();
        for _ in 0..args.times {
            let suite = Arc::new(Suite {
                library: self.library.clone(),
                jobs: self.jobs.clone(),
                variants: None,
                seed: 1,
                strict: false,
                retries: 0,
                max_failures: None,
                jobs_at_once: args.process.jobs_at_once(None),
                traced: false,
                is_patient: args.wait_for_dut.is_some(),
                expectations: Arc::new(Expectations::default()),
                repeat: repeat.clone(),
            });
            if let Some(monitor) = monitor.as_mut().filter(|monitor| monitor.is_ours())
                && monitor.has_ended()
            {
                process::is_started_again(monitor, on);
            }
            for result in suite.run(site.clone(), Clock::system(), stop.clone(), &mut |_| {}).await {
                let key = (result.case.clone(), result.device, result.ocpp);
                match places.get(&key) {
                    Some(at) => all[*at].take(result),
                    None => {
                        places.insert(key, all.len());
                        all.push(Again::new(result));
                    }
                }
            }
        }
        Ok(all.into_iter().map(Again::told).collect())
    }
}

/// A case that is played again and again.
struct Again {
    worst: CaseResult,
    failed: u32,
    played: u32,
}

impl Again {
    fn new(result: CaseResult) -> Again {
        Again { failed: u32::from(result.verdict == Verdict::Fail), played: 1, worst: result }
    }

    fn take(&mut self, result: CaseResult) {
        self.played += 1;
        self.failed += u32::from(result.verdict == Verdict::Fail);
        if result.verdict == Verdict::Fail && self.worst.verdict != Verdict::Fail {
            self.worst = result;
        }
    }

    fn told(self) -> CaseResult {
        let mut result = self.worst;
        result.notes.push(format!("reproduced {} of {}", self.failed, self.played));
        result
    }
}

/// The line about it at the end.
pub(super) fn line(result: &CaseResult) -> String {
    format!("{}: {}", result.case, result.notes.last().map_or("", String::as_str))
}
