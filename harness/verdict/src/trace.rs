//! The file a trace is kept in: a header line, then one [`RunEvent`] a line, as JSON. Only the text is made and
//! read here; where it goes is the caller's business.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RunEvent;

/// The version of the format that is written, and the newest that is read.
pub const FORMAT: u32 = 1;

/// The longest line that is read, in bytes: frames are cut long before this.
pub const LONGEST_LINE: usize = 16 << 20;

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Always `plugfest`: tells a trace from other files of JSON lines.
    pub trace: String,
    /// The version of this format.
    pub format: u32,
    /// The version of the program that wrote it.
    pub plugfest: String,
}

/// Why a trace could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, in a sentence that also says how to mend it where that is known.
    pub reason: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the trace: {}", self.line, self.reason)
    }
}

impl std::error::Error for TraceError {}

/// The header line for this version of the program, without a line break.
pub fn header(plugfest: &str) -> String {
    let header = Header { trace: "plugfest".to_owned(), format: FORMAT, plugfest: plugfest.to_owned() };
    serde_json::to_string(&header).unwrap_or_default()
}

/// An event as a line, without a line break. Redaction comes before: [`crate::Redactor::event`].
pub fn line(event: &RunEvent) -> String {
    // Maps of these values have texts for keys, so this cannot fail; an empty line is passed over by `read`.
    crate::safe_json(&serde_json::to_string(event).unwrap_or_default())
}

/// Reads a trace.
///
/// # Errors
///
/// The first line that is not as it should be.
pub fn read<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> Result<Vec<RunEvent>, TraceError> {
    match read_as_far_as_possible(lines) {
        (events, None) => Ok(events),
        (_, Some(error)) => Err(error),
    }
}

/// Reads a trace up to the first line that is not as it should be: of a run that was cut off, everything before.
pub fn read_as_far_as_possible<L: AsRef<str>>(
    lines: impl IntoIterator<Item = L>,
) -> (Vec<RunEvent>, Option<TraceError>) {
    let mut events = Vec::new();
    let mut reader = Reader::default();
    for line in lines {
        match reader.line(line.as_ref()) {
            Ok(Some(event)) => events.push(event),
            Ok(None) => {}
            Err(error) => return (events, Some(error)),
        }
    }
    let end = reader.end().err();
    (events, end)
}

/// Reads a trace line by line, for those that are too long to be kept.
#[derive(Debug, Default)]
pub struct Reader {
    lines: usize,
    header: Option<Header>,
}

impl Reader {
    /// Takes the next line as it stands in a file.
    ///
    /// # Errors
    ///
    /// As [`Reader::line`], and where it is not UTF-8.
    pub fn bytes(&mut self, line: &[u8]) -> Result<Option<RunEvent>, TraceError> {
        if line.len() > LONGEST_LINE + 2 {
            self.lines += 1;
            return Err(self.too_long());
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.line(text),
            Err(error) => {
                self.lines += 1;
                Err(self.error(format!("not UTF-8 at byte {}; this was not written by plugfest", error.valid_up_to())))
            }
        }
    }

    /// Takes the next line; the header and empty lines give no event.
    ///
    /// # Errors
    ///
    /// The line is not a line of a trace, or of a newer format.
    pub fn line(&mut self, text: &str) -> Result<Option<RunEvent>, TraceError> {
        self.lines += 1;
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LONGEST_LINE {
            return Err(self.too_long());
        }
        if self.header.is_none() {
            let header: Header = serde_json::from_str(text)
                .map_err(|_| self.error("not the header of a trace; is this a file written by --trace?"))?;
            if header.trace != "plugfest" {
                return Err(self.error("not the header of a trace of plugfest"));
            }
            if header.format != FORMAT {
                return Err(self.error(format!(
                    "format {} is not known here, only {FORMAT}; it was written by plugfest {}",
                    header.format,
                    crate::safe_line(&header.plugfest, 40)
                )));
            }
            self.header = Some(header);
            return Ok(None);
        }
        let event = serde_json::from_str(text).map_err(|error| {
            let cut = if error.is_eof() { "cut off in the middle: " } else { "" };
            self.error(format!("{cut}{}", crate::safe_line(&error.to_string(), 300)))
        })?;
        Ok(Some(event))
    }

    /// Says that there are no more lines.
    ///
    /// # Errors
    ///
    /// There was not even a header.
    pub fn end(&self) -> Result<(), TraceError> {
        match self.header {
            Some(_) => Ok(()),
            None => Err(TraceError {
                line: self.lines.max(1),
                reason: "empty; the run ended before anything was written".to_owned(),
            }),
        }
    }

    /// What the header said, once it was read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    fn too_long(&self) -> TraceError {
        self.error(format!("longer than {LONGEST_LINE} bytes; this was not written by plugfest"))
    }

    fn error(&self, reason: impl Into<String>) -> TraceError {
        TraceError { line: self.lines, reason: reason.into() }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{CaseResult, Counts, Direction, Event, EventKind, PlanId, Standing, Verdict};
    use protocol::stimulus::Stimulus;
    use protocol::{Role, Timestamp, Version};

    /// A result of a case on a 1.6 CSMS.
    pub(crate) fn result(case: &str, verdict: Verdict, standing: Standing) -> CaseResult {
        CaseResult {
            case: case.to_owned(),
            title: "A title".to_owned(),
            file: "testcases/1.6/core/a.yaml".to_owned(),
            folder: "1.6/core".to_owned(),
            device: Role::Csms,
            ocpp: Version::V16,
            configuration: String::new(),
            verdict,
            standing,
            reason: "a reason".to_owned(),
            rules: Vec::new(),
            one_of: Vec::new(),
            certifies: Vec::new(),
            traces: Vec::new(),
            plans: 1,
            started: Timestamp(0),
            duration_ms: 1,
            identity: "CP-1".to_owned(),
            diagnostics: Vec::new(),
            violations: Vec::new(),
            transcript: Vec::new(),
            notes: Vec::new(),
            device_says: None,
            repeat: "plugfest run a".to_owned(),
        }
    }

    /// A run with a plan in which everything happens that can.
    pub(crate) fn events() -> Vec<RunEvent> {
        let plan = PlanId {
            case: "cold-boot".to_owned(),
            device: Role::Csms,
            ocpp: Version::V201,
            variant: 0,
            configuration: String::new(),
        };
        let stimulus = Stimulus {
            party: Role::Station,
            verb: "plug in".to_owned(),
            with: serde_json::json!({ "at": { "evse": 1, "connector": 1 } }).as_object().cloned().unwrap_or_default(),
        };
        let kinds = vec![
            EventKind::Opened { identity: "CP-1".to_owned(), offered: vec!["ocpp2.0.1".to_owned()], subprotocol: None },
            EventKind::Refused { identity: "CP-1".to_owned(), status: Some(401), reason: "no".to_owned() },
            EventKind::Text {
                direction: Direction::FromDevice,
                text: "[2,\"\u{1b}\u{0}\"]".to_owned(),
                base64: Some("AAE=".to_owned()),
            },
            EventKind::Binary { direction: Direction::ToDevice, base64: "AAE=".to_owned(), length: 2 },
            EventKind::Control { direction: Direction::ToDevice, name: "ping".to_owned() },
            EventKind::Closed { by: Direction::FromDevice, code: Some(1000), reason: "clean".to_owned() },
            EventKind::WireFinding {
                rule: "R-075".to_owned(),
                id: "no-common-subprotocol".to_owned(),
                text: "seen".to_owned(),
                certain: true,
            },
            EventKind::Observed { verb: "cable is locked".to_owned(), seen: None },
            EventKind::Tick,
            EventKind::Begun {
                session: 1,
                prefix: "pf1".to_owned(),
                identity: "PF-1".to_owned(),
                strict: false,
                product: false,
                drivable: vec!["send".to_owned()],
                not_carried: [("Reset".to_owned(), vec!["type".to_owned()])].into(),
                charged: ["tag".to_owned()].into(),
                rig: serde_json::json!({ "connectors": [] }),
            },
            EventKind::Stimulus { stimulus },
            EventKind::StimulusDone {
                verb: "plug in".to_owned(),
                failure: None,
                undrivable: false,
                not_carried: Vec::new(),
            },
            EventKind::Step { line: 3, path: "a.yaml".to_owned(), what: "sent".to_owned() },
            EventKind::Background { action: "Heartbeat".to_owned() },
            EventKind::Note { text: "note".to_owned() },
        ];
        let mut events = vec![RunEvent::RunStarted {
            plugfest: "0.1.0".to_owned(),
            seed: u64::MAX,
            format: 1,
            selected: 1,
            at: Timestamp(i64::MIN),
        }];
        events.push(RunEvent::PlanStarted { plan: plan.clone(), title: "t".to_owned(), at: Timestamp(1) });
        events.extend(
            kinds
                .into_iter()
                .map(|kind| RunEvent::Happened { plan: plan.clone(), happened: Event { at: Timestamp(5), kind } }),
        );
        events.push(RunEvent::CaseFinished(Box::new(result("cold-boot", Verdict::Pass, Standing::Expected))));
        events.push(RunEvent::RunFinished {
            counts: Counts::default(),
            duration_ms: 1,
            exit_code: 0,
            interrupted: false,
        });
        events
    }

    #[test]
    fn what_was_written_is_read_back_event_by_event() {
        let events = events();
        let mut lines = vec![header("0.1.0")];
        lines.extend(events.iter().map(line));
        assert!(lines.iter().all(|line| !line.contains('\n')));
        assert_eq!(read(&lines), Ok(events));
    }

    #[test]
    fn a_run_that_was_cut_off_gives_what_came_before() {
        let events = events();
        let mut lines = vec![header("0.1.0")];
        lines.extend(events.iter().map(line));
        let last = lines.len();
        lines[last - 1].truncate(20);
        let (read, error) = read_as_far_as_possible(&lines);
        assert_eq!(read.len(), events.len() - 1);
        let error = error.unwrap();
        assert_eq!(error.line, last);
        assert!(error.reason.contains("cut off"), "{error}");
    }

    #[test]
    fn hostile_files_are_refused_with_their_line() {
        let deep = "[".repeat(1 << 20);
        let head = header("0.1.0");
        let newer = head.replace("\"format\":1", "\"format\":2");
        let table: [(&[&str], usize); 8] = [
            (&[], 1),
            (&["", ""], 2),
            (&["{}"], 1),
            (&["\u{0}"], 1),
            (&[&newer], 1),
            (&[&head, "{\"event\":\"nonsense\"}"], 2),
            (&[&head, "", &deep], 3),
            (&[&head, "{\"event\":\"run_started\",\"plugfest\":\"\",\"seed\":-1}"], 2),
        ];
        for (lines, at) in table {
            let error = read(lines).unwrap_err();
            assert_eq!(error.line, at, "{error}");
            assert!(error.reason.len() < 600);
        }
    }
}
