//! Events, traces, standing oracles, verdicts and expectations.
//!
//! Nothing here does I/O: the same rules serve a live run, a rendered report and a trace judged again.

mod diagnostic;
mod event;
pub mod oracles;
mod outcome;
mod result;

pub use diagnostic::{Diagnostic, Excerpt, Label, Severity, Source, Span};
pub use event::{Direction, Event, EventKind, PlanId, RunEvent};
pub use outcome::{Counts, ExitCode, Standing, Verdict};
pub use result::{CaseResult, FaultResult, Finding, StandingViolation, TranscriptLine};
