//! `plugfest run`

use std::sync::Arc;

use engine::clock::Clock;
use engine::suite::{self, Job, Site, Suite, Variants};
use protocol::Role;
use script::Library;
use tokio::sync::watch;
use verdict::{CaseResult, ExitCode, RunEvent};

use crate::args::{Colour, ReportFiles, Run, VariantMode};
use crate::failure::Failure;
use crate::output::{self, Output, Plan};
use crate::rig::Device;
use crate::{catalogue, device, interrupt, repeat, selection};

pub(crate) fn run(args: &Run, colour: Colour) -> Result<ExitCode, Failure> {
    let library = Arc::new(catalogue::load(&args.cases)?);
    let target = crate::rig::resolve(&args.target)?;
    let mut expectations = crate::expect::read(args.expect.as_deref(), &library)?;
    if matches!(&target, Device::Embedded(_, faults) if !faults.is_empty()) {
        // Without a fault it heeds what is recommended, too; so whatever is noticed is the fault.
        expectations = expectations.without_warnings();
    }
    let jobs = select(args, &library, &target)?;
    let seed = args.seed.unwrap_or_else(|| u64::from(std::process::id()) ^ clock_seed());
    let repeat = repeat::command(&args.target, &args.cases, args.strict, seed);
    let traced = args.trace.is_some();
    let suite = Arc::new(Suite {
        library,
        jobs,
        variants: args.variants.map(|mode| match mode {
            VariantMode::First => Variants::First,
            VariantMode::Each => Variants::Each,
            VariantMode::All => Variants::All,
        }),
        seed,
        strict: args.strict,
        retries: args.retries,
        max_failures: if args.fail_fast { Some(1) } else { args.max_failures.map(|most| most as usize) },
        jobs_at_once: args.jobs.map_or(usize::MAX, usize::from),
        traced,
        is_patient: args.wait_for_dut.is_some(),
        expectations: Arc::new(expectations),
        repeat: Arc::new(repeat),
    });
    let files = files(args, &target);
    let plan =
        Plan { files: &files, trace: args.trace.as_deref(), colour, asks: device::operator_is_asked(args.operator) };
    let mut output = Output::open(&plan, output::redactor(&target))?;
    let (results, interrupted) = device::runtime(&target)?.block_on(async {
        let site = device::site(args, &target).await?;
        let stop = interrupt::watch();
        Ok::<_, Failure>(play(suite, Arc::new(site), stop, &mut |event| output.report(&event)).await)
    })?;
    let code = verdict::exit_code(results.iter().map(|result| (result.verdict, result.standing)), interrupted);
    output.finish()?;
    if let Some(report) = &files.report_junit {
        anstream::println!("             JUnit report: {}", report.display());
    }
    Ok(code)
}

/// The report that a run with nothing else leaves, so that a first try shows what a build would read.
const FIRST_REPORT: &str = "plugfest-report.xml";

fn files(args: &Run, target: &Device) -> ReportFiles {
    let mut files = args.reports.clone();
    let asked = &args.target;
    let bare = matches!(target, Device::Embedded(None, _)) && !asked.embedded && args.select.is_empty();
    let none = files.report_junit.is_none() && files.report_json.is_none() && files.report_html.is_none();
    if bare && none && files.report_markdown.is_none() {
        files.report_junit = Some(FIRST_REPORT.into());
    }
    files
}

/// Plays a suite between the events that every report begins and ends with.
pub(crate) async fn play(
    suite: Arc<Suite>,
    site: Arc<Site>,
    stop: watch::Receiver<bool>,
    report: &mut (dyn FnMut(RunEvent) + Send),
) -> (Vec<CaseResult>, bool) {
    let clock = Clock::system();
    let wall = std::time::Instant::now();
    report(RunEvent::RunStarted {
        plugfest: env!("CARGO_PKG_VERSION").to_owned(),
        seed: suite.seed,
        format: 1,
        selected: suite.jobs.len(),
        at: clock.now(),
    });
    let results = suite.run(site, clock, stop.clone(), report).await;
    let interrupted = *stop.borrow();
    let mut counts = verdict::Counts::default();
    results.iter().for_each(|result| counts.add(result.verdict));
    let code = verdict::exit_code(results.iter().map(|result| (result.verdict, result.standing)), interrupted);
    report(RunEvent::RunFinished {
        counts,
        duration_ms: u64::try_from(wall.elapsed().as_millis()).unwrap_or(u64::MAX),
        exit_code: code as u8,
        interrupted,
    });
    (results, interrupted)
}

/// The jobs that the command line asks for.
fn select(args: &Run, library: &Library, target: &Device) -> Result<Vec<Job>, Failure> {
    let (devices, versions) = target.courses(&args.target.ocpp);
    let all = suite::jobs(library, &devices, &versions);
    for select in &args.select {
        if !all.iter().any(|job| selection::means(select, &job.case, job.device)) {
            return Err(nothing(select, library));
        }
    }
    let mut jobs: Vec<Job> = all
        .into_iter()
        .filter(|job| {
            args.select.is_empty() || args.select.iter().any(|select| selection::means(select, &job.case, job.device))
        })
        .collect();
    if let Some(partition) = args.partition {
        jobs = partition.keep(jobs);
    }
    if jobs.is_empty() {
        return Err(Failure::new(ExitCode::NothingSelected, "no case is left to be run"));
    }
    Ok(jobs)
}

fn nothing(select: &str, library: &Library) -> Failure {
    let names = selection::names(library.cases().iter().map(Arc::as_ref));
    let near = protocol::catalogue::suggest(select, names.iter().map(String::as_str));
    let elsewhere = library
        .cases()
        .iter()
        .any(|case| [Role::Csms, Role::Station].into_iter().any(|side| selection::means(select, case, side)));
    let text = match (elsewhere, near) {
        (true, _) => format!("\"{select}\" is there, but not for this device side and version"),
        (false, Some(near)) => format!("nothing is called \"{select}\"; did you mean \"{near}\"?"),
        (false, None) => format!("nothing is called \"{select}\"; `plugfest list` shows what there is"),
    };
    Failure::new(ExitCode::NothingSelected, text)
}

fn clock_seed() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| u64::from(since.subsec_nanos()) ^ since.as_secs())
}
