//! Events, traces, standing oracles, verdicts and expectations.
//!
//! Nothing here does I/O: the same rules serve a live run, a rendered report and a trace judged again.

pub mod checks;
mod deed;
mod diagnostic;
mod event;
mod exit;
mod expectations;
pub mod inside;
pub mod oracles;
mod outcome;
mod redact;
mod render;
mod result;
mod safe;
pub mod trace;

pub use deed::{Blame, Deed, Failure};
pub use diagnostic::{Diagnostic, Excerpt, Label, Severity, Source, Span};
pub use event::{Direction, Event, EventKind, PlanId, RunEvent};
pub use exit::{JunitKind, exit_code, junit_mapping};
pub use expectations::{Entry, Expectations, Judgement, Listed, glob, standing};
pub use outcome::{Counts, ExitCode, Standing, Verdict};
pub use redact::Redactor;
pub use result::{CaseResult, FaultResult, Finding, StandingViolation, TranscriptLine};
pub use safe::{safe_json, safe_line, safe_lines};
