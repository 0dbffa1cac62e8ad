//! A run as it is known at its end, for reports that are one text.

use protocol::Timestamp;
use verdict::{CaseResult, Counts, FaultResult, Finding, RunEvent};

/// Everything of a run that reports show.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The version of the program.
    pub plugfest: String,
    /// The seed of everything random.
    pub seed: Option<u64>,
    /// How many results were to come.
    pub selected: usize,
    /// When it began.
    pub started: Option<Timestamp>,
    /// The results, in order.
    pub results: Vec<CaseResult>,
    /// What streams found.
    pub findings: Vec<Finding>,
    /// How seeded faults fared.
    pub faults: Vec<FaultResult>,
    /// How it ended; absent while it goes on, and in what is left of a run that was killed.
    pub ended: Option<Ended>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What the process says to the shell.
    pub exit_code: u8,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Run {
    /// Takes the next event.
    pub fn take(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { plugfest, seed, format: _, selected, at } => {
                self.plugfest.clone_from(plugfest);
                self.seed = Some(*seed);
                self.selected = *selected;
                self.started = Some(*at);
            }
            RunEvent::PlanStarted { .. } | RunEvent::Happened { .. } => {}
            RunEvent::CaseFinished(result) => self.results.push((**result).clone()),
            // One that is told again is known better by now.
            RunEvent::Finding(finding) => match self.findings.iter_mut().find(|known| known.id == finding.id) {
                Some(known) => known.clone_from(finding),
                None => self.findings.push((**finding).clone()),
            },
            RunEvent::FaultFinished(fault) => self.faults.push((**fault).clone()),
            RunEvent::RunFinished { counts: _, duration_ms, exit_code, interrupted } => {
                self.ended =
                    Some(Ended { duration_ms: *duration_ms, exit_code: *exit_code, interrupted: *interrupted });
            }
        }
    }

    /// How many of each verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.results.iter().for_each(|result| counts.add(result.verdict));
        counts
    }

    /// What the devices say of themselves, once for each version.
    pub(crate) fn device_says(&self) -> impl Iterator<Item = &str> {
        self.results.iter().filter_map(|result| result.device_says.as_deref())
    }

    /// Why there may be less in it than was asked for.
    pub(crate) fn incomplete(&self) -> Option<&'static str> {
        match self.ended {
            None => Some("the run has not ended: this is not all of it"),
            Some(Ended { interrupted: true, .. }) => Some("the run was interrupted: this is not all of it"),
            Some(_) => None,
        }
    }

    /// What the exit code means.
    pub(crate) fn conclusion(&self) -> &'static str {
        match self.ended.map(|ended| ended.exit_code) {
            Some(0) => "as expected",
            Some(1) => "failed",
            Some(4) => "nothing selected",
            Some(5) => "not everything could be judged",
            Some(6) => "a load threshold was crossed",
            Some(130) => "interrupted",
            Some(_) => "ended with an error",
            None => "not ended",
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Role, Version};
    use verdict::Finding;

    use super::*;

    #[test]
    fn a_finding_that_is_told_again_stands_once_as_it_is_known_last() {
        let seen_once = Finding {
            id: "o6-starttransaction-type-2-1a0f40".to_owned(),
            class: "ambiguous".to_owned(),
            oracle: "O6".to_owned(),
            device: Role::Station,
            ocpp: Version::V16,
            summary: String::new(),
            messages: 2,
            replay: String::new(),
            rule: "16-TX-17".to_owned(),
            frame: String::new(),
            page: String::new(),
            shown: 0,
            tried: 2,
            transcript: Vec::new(),
        };
        let again = Finding { class: "violation".to_owned(), shown: 3, tried: 3, ..seen_once.clone() };
        let mut run = Run::default();
        for finding in [seen_once, again.clone()] {
            run.take(&RunEvent::Finding(Box::new(finding)));
        }
        assert_eq!(run.findings, [again]);
    }
}
