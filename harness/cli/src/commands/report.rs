//! `plugfest report`: renders any report again from a trace.

use verdict::{ExitCode, Redactor, RunEvent};

use crate::args::{Colour, Report};
use crate::failure::Failure;
use crate::output::{Output, Plan};

pub(crate) fn run(args: &Report, colour: Colour) -> Result<ExitCode, Failure> {
    let plan = Plan { files: &args.reports, trace: None, colour, asks: false };
    let mut output = Output::open(&plan, Redactor::default())?;
    let mut results = Vec::new();
    let mut interrupted = true;
    let read = reports::trace::read(&args.trace, |event| {
        match &event {
            RunEvent::CaseFinished(result) => results.push((result.verdict, result.standing)),
            RunEvent::RunFinished { interrupted: was, .. } => interrupted = *was,
            _ => {}
        }
        output.report(&event);
    });
    output.finish()?;
    read.map_err(|error| Failure::new(ExitCode::InvalidFile, format!("{}: {error}", args.trace.display())))?;
    Ok(verdict::exit_code(results, interrupted))
}
