//! What was seen, line by line, for people.

use verdict::{Direction, TranscriptLine};

use crate::oracles::Suspicion;
use crate::seen::Then;
use crate::{Seen, What};

/// Lines that are kept.
const LINES: usize = 80;
/// Characters of a line.
const LONG: usize = 1000;

/// The lines that matter; what the suspicion is about is marked.
pub(super) fn lines(seen: &[Seen], suspicion: &Suspicion) -> Vec<TranscriptLine> {
    let mut lines: Vec<TranscriptLine> = seen.iter().filter_map(|seen| line(seen, suspicion)).collect();
    if !lines.iter().any(|line| line.marked) {
        let act = suspicion.act;
        let of = |seen: &&Seen| seen.act == act && !seen.own && matches!(seen.what, What::Sent { .. });
        if let Some(sent) = seen.iter().find(of)
            && let Some(line) = lines.iter_mut().find(|line| line.at == sent.at && line.direction.is_some())
        {
            line.marked = true;
        }
    }
    // The end tells more than the beginning.
    lines.split_off(lines.len().saturating_sub(LINES))
}

fn line(seen: &Seen, suspicion: &Suspicion) -> Option<TranscriptLine> {
    let (direction, text) = match &seen.what {
        What::Sent { bytes, .. } if !seen.own => (Some(Direction::ToDevice), shown(bytes)),
        What::Answered { bytes: Some(bytes), .. } => (Some(Direction::ToDevice), shown(bytes)),
        What::Answered { action, bytes: None, .. } => (None, format!("{action} is not answered by us")),
        What::Received { bytes, answers, .. } => {
            let text = shown(bytes);
            let it = seen.act == suspicion.act && is_it(&text, &suspicion.frame);
            // Answers to our own probes are noise, unless they are what it is about.
            if seen.own && answers.is_some() && !it {
                return None;
            }
            return Some(made(seen, Some(Direction::FromDevice), text, it));
        }
        What::Opened { identity, .. } if !seen.own => (None, format!("link {} is open as {identity}", seen.link)),
        What::Refused { reason, .. } => (None, format!("link {} does not come about: {reason}", seen.link)),
        What::Ended { how, by_us } => (
            None,
            format!("link {} ended {}: {}", seen.link, if *by_us { "by us" } else { "by the device" }, how.name()),
        ),
        What::Deaf => (None, "a plain call is not answered, though the link is open".to_owned()),
        What::Unanswered { .. } => (None, "no answer within the time-out".to_owned()),
        What::Misnamed { subprotocol, then } => {
            let name = subprotocol.as_deref().unwrap_or("none");
            let then = match then {
                Then::Left => "left it".to_owned(),
                Then::Spoke(bytes) => format!("said {}", shown(bytes)),
                Then::Stayed => "stayed".to_owned(),
            };
            (None, format!("a connection was accepted with the subprotocol {name}; the station {then}"))
        }
        What::StayedAway { waited, .. } => (None, format!("the station stayed away for {waited:?}")),
        What::Unponged { payload, .. } => (None, format!("no pong to a ping of {} bytes", payload.len())),
        What::Pong { payload } if !seen.own => (None, format!("pong of {} bytes", payload.len())),
        What::Probed { alive: false, reason, probe, .. } => (None, format!("not alive ({probe:?}): {reason}")),
        What::Asking { action } => (None, format!("the device is asked for {action}")),
        What::Stimulated { verb, failure, .. } => {
            (None, failure.as_ref().map_or_else(|| verb.clone(), |reason| format!("{verb}: {reason}")))
        }
        What::Wire { rule, text, .. } => (None, format!("{rule}: {text}")),
        What::Other { name, length } if !seen.own => (None, format!("{name} of {length} bytes")),
        What::Canary { bytes, .. } => (None, format!("the canary was called: {}", shown(bytes))),
        What::Monitor { text } => (None, text.clone()),
        _ => return None,
    };
    Some(made(seen, direction, text, false))
}

fn made(seen: &Seen, direction: Option<Direction>, text: String, marked: bool) -> TranscriptLine {
    let text = if seen.link == 0 || direction.is_none() { text } else { format!("(link {}) {text}", seen.link) };
    TranscriptLine { at: seen.at, direction, text, marked }
}

/// The bytes of a message as a text of bounded length.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONG * 4)]);
    let mut out: String = text.chars().take(LONG).collect();
    if out.len() < bytes.len() {
        out.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    out
}

/// Whether a line is the frame that shows it: both may be shortened, each in its own way.
fn is_it(text: &str, frame: &str) -> bool {
    const COMPARED: usize = 60;
    !frame.is_empty() && text.chars().zip(frame.chars()).take(COMPARED).all(|(a, b)| a == b)
}
