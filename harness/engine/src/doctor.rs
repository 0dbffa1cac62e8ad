//! The preflight of a rig: what would turn a whole run red or grey is said once, with how to mend it.

mod csms;
mod line;
mod machine;
mod station;

use std::sync::Arc;

use protocol::Role;
use verdict::Severity;

pub(crate) use csms::statuses;

use crate::drivers::Operator;
use crate::rig::Rig;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Fine.
    Ok,
    /// Something that some cases will suffer from.
    Warning,
    /// Something that cannot work.
    Problem,
}

/// One check of a rig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How it came out.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// How to mend it, where there is something to mend.
    pub mend: Option<String>,
}

impl Check {
    fn ok(found: impl Into<String>) -> Check {
        Check { grade: Grade::Ok, found: found.into(), mend: None }
    }

    fn warning(found: impl Into<String>, mend: impl Into<String>) -> Check {
        Check { grade: Grade::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    fn problem(found: impl Into<String>, mend: impl Into<String>) -> Check {
        Check { grade: Grade::Problem, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Who is told of each check as it is done.
pub type Report<'a> = &'a mut (dyn FnMut(Check) + Send);

/// Examines a rig and the device at it. Nothing here takes longer than the time-outs of the rig.
pub async fn examine(rig: &Rig, device: Role, operator: Option<Arc<dyn Operator>>, report: Report<'_>) {
    machine::examine(rig, device, report);
    statement(rig, report);
    match device {
        Role::Csms => csms::examine(rig, operator, report).await,
        Role::Station => station::examine(rig, operator, report).await,
    }
}

/// What can be told from the rig alone.
fn statement(rig: &Rig, report: Report<'_>) {
    let problems = rig.problems();
    if problems.is_empty() {
        report(Check::ok("the rig has no mistakes"));
    }
    for problem in problems {
        let notes = if problem.notes.is_empty() { String::new() } else { format!(": {}", problem.notes.join("; ")) };
        let grade = if problem.severity == Severity::Error { Grade::Problem } else { Grade::Warning };
        report(Check { grade, found: format!("rig: {}{notes}", problem.title), mend: problem.help });
    }
}

#[cfg(test)]
#[path = "doctor/tests.rs"]
mod tests;
