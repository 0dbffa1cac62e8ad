//! `plugfest judge`: holds a recorded conversation against the cases of today.

use engine::judge;
use verdict::{Counts, ExitCode, Redactor, RunEvent};

use crate::args::{Colour, Judge};
use crate::catalogue;
use crate::failure::Failure;
use crate::output::{Output, Plan};

pub(crate) fn run(args: &Judge, colour: Colour) -> Result<ExitCode, Failure> {
    let library = catalogue::load(&args.cases)?;
    let mut events = Vec::new();
    reports::trace::read(&args.trace, |event| events.push(event))
        .map_err(|error| Failure::new(ExitCode::InvalidFile, format!("{}: {error}", args.trace.display())))?;
    let plan = Plan { files: &args.reports, trace: None, colour, asks: false };
    let mut output = Output::open(&plan, Redactor::default())?;
    let mut judged = judge::judge(&library, &events).into_iter();
    let mut counts = Counts::default();
    let mut results = Vec::new();
    let mut changed = 0;
    for event in events {
        match event {
            RunEvent::Happened { .. } | RunEvent::PlanStarted { .. } => {}
            RunEvent::CaseFinished(_) => {
                let Some(again) = judged.next() else { continue };
                let mut result = match again.judged {
                    Ok(result) => result,
                    Err(why) => {
                        let mut kept = again.recorded.clone();
                        kept.notes.push(format!("not judged again: {why}"));
                        kept
                    }
                };
                if result.verdict != again.recorded.verdict {
                    changed += 1;
                    result.notes.push(format!("the recorded verdict was {}", again.recorded.verdict.name()));
                }
                counts.add(result.verdict);
                results.push((result.verdict, result.standing));
                output.report(&RunEvent::CaseFinished(Box::new(result)));
            }
            RunEvent::RunFinished { duration_ms, interrupted, .. } => {
                let exit_code = verdict::exit_code(results.iter().copied(), interrupted) as u8;
                output.report(&RunEvent::RunFinished { counts, duration_ms, exit_code, interrupted });
            }
            other => output.report(&other),
        }
    }
    output.finish()?;
    anstream::println!("{changed} of {} verdicts differ from the recorded ones", results.len());
    Ok(verdict::exit_code(results, false))
}
