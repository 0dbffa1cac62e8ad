//! What a run amounts to: the number for the shell, and the kind of element in a JUnit report.

use crate::{ExitCode, Standing, Verdict};

/// What a result is in a JUnit report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JunitKind {
    /// `<failure>`: the device broke a rule, or a listed failure did not happen.
    Failure,
    /// `<error>`: it could not be judged.
    Error,
    /// `<skipped>`, with the word for why; the sentence is the result's reason.
    Skipped(&'static str),
    /// Nothing of these: passed, a warning included.
    Passed,
}

/// What a result is in a JUnit report. What was not expected is never shown as passed or skipped, and our own
/// fault is an error whatever was expected.
pub fn junit_mapping(verdict: Verdict, standing: Standing) -> JunitKind {
    match (verdict, standing) {
        (Verdict::Error, _) | (Verdict::Inconclusive, Standing::Unexpected) => JunitKind::Error,
        (_, Standing::Unexpected) => JunitKind::Failure,
        (Verdict::Fail | Verdict::Inconclusive, Standing::Expected) => JunitKind::Skipped("expected failure"),
        (Verdict::NotApplicable, Standing::Expected) => JunitKind::Skipped("not applicable"),
        (Verdict::Pass | Verdict::Warn, Standing::Expected) => JunitKind::Passed,
    }
}

/// What the process says to the shell after a run: a failure weighs more than what could not be judged, so that
/// a scheduler may repeat the run on [`ExitCode::NotJudged`] and only then.
pub fn exit_code(results: impl IntoIterator<Item = (Verdict, Standing)>, interrupted: bool) -> ExitCode {
    if interrupted {
        return ExitCode::Interrupted;
    }
    let mut code = ExitCode::NothingSelected;
    for (verdict, standing) in results {
        code = match (junit_mapping(verdict, standing), code) {
            (JunitKind::Failure, _) => return ExitCode::DeviceFailed,
            (JunitKind::Error, _) | (_, ExitCode::NotJudged) => ExitCode::NotJudged,
            (JunitKind::Passed | JunitKind::Skipped(_), _) => ExitCode::Conforming,
        };
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitCode::{Conforming, DeviceFailed, Interrupted, NotJudged, NothingSelected};
    use Standing::{Expected, Unexpected};
    use Verdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Warn};

    const TABLE: [(Verdict, Standing, JunitKind, ExitCode); 12] = [
        (Pass, Expected, JunitKind::Passed, Conforming),
        (Pass, Unexpected, JunitKind::Failure, DeviceFailed),
        (Warn, Expected, JunitKind::Passed, Conforming),
        (Warn, Unexpected, JunitKind::Failure, DeviceFailed),
        (Fail, Expected, JunitKind::Skipped("expected failure"), Conforming),
        (Fail, Unexpected, JunitKind::Failure, DeviceFailed),
        (Inconclusive, Expected, JunitKind::Skipped("expected failure"), Conforming),
        (Inconclusive, Unexpected, JunitKind::Error, NotJudged),
        (NotApplicable, Expected, JunitKind::Skipped("not applicable"), Conforming),
        (NotApplicable, Unexpected, JunitKind::Failure, DeviceFailed),
        (Error, Expected, JunitKind::Error, NotJudged),
        (Error, Unexpected, JunitKind::Error, NotJudged),
    ];

    #[test]
    fn every_verdict_and_standing_has_its_kind_and_its_exit_code() {
        for (verdict, standing, kind, code) in TABLE {
            assert_eq!(junit_mapping(verdict, standing), kind, "{verdict:?} {standing:?}");
            assert_eq!(exit_code([(verdict, standing)], false), code, "{verdict:?} {standing:?}");
        }
    }

    #[test]
    fn of_two_results_a_failure_weighs_more_than_what_was_not_judged_and_that_more_than_the_rest() {
        for (a_verdict, a_standing, _, a) in TABLE {
            for (b_verdict, b_standing, _, b) in TABLE {
                let both = exit_code([(a_verdict, a_standing), (b_verdict, b_standing)], false);
                let heavier = [DeviceFailed, NotJudged, Conforming].into_iter().find(|code| a == *code || b == *code);
                assert_eq!(Some(both), heavier);
            }
        }
    }

    #[test]
    fn nothing_selected_and_interrupted_have_their_own_numbers() {
        assert_eq!(exit_code([], false), NothingSelected);
        assert_eq!(exit_code([], true), Interrupted);
        assert_eq!(exit_code([(Fail, Unexpected)], true), Interrupted);
    }

    #[test]
    fn the_numbers_are_the_promised_ones() {
        let numbers = [Conforming, DeviceFailed, NothingSelected, NotJudged, Interrupted];
        assert_eq!(numbers.map(|code| code as u8), [0, 1, 4, 5, 130]);
    }
}
