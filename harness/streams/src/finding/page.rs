//! A page about a finding, for people.

use std::path::Path;

use verdict::{Direction, safe_line};

use super::Finding;
use crate::Act;
use crate::act::{Credentials, Manner, Slip};

/// Characters of a line.
const LINE: usize = 1000;
/// Acts that are shown.
const ACTS: usize = 200;

/// The page as Markdown. Everything that a device or a generator chose stands in fences that it cannot end.
pub(super) fn markdown(finding: &Finding, folder: &Path) -> String {
    let mut out = format!("# {}\n\n", finding.id);
    fence(&mut out, &[safe_line(&finding.sentence, LINE)]);
    let sequence = &finding.sequence;
    let always = match (finding.shown, finding.tried) {
        (_, 0) => "it was not repeated".to_owned(),
        (shown, tried) if shown < tried => format!("**flaky**: it showed {shown} of {tried} times"),
        (_, tried) => format!("it showed {tried} of {tried} times"),
    };
    out.push_str(&format!(
        "| | |\n|---|---|\n| class | {} |\n| device | {} {} |\n| oracle | {:?} |\n| takes | {} messages, {} acts |\n\
         | repeated | {always} |\n| met | {} times; first with seed {} in episode {}, which had {} acts |\n",
        finding.class.name(),
        sequence.device,
        sequence.ocpp,
        finding.signature.oracle,
        sequence.messages(),
        sequence.acts.len(),
        finding.times,
        finding.met.seed,
        finding.met.episode,
        finding.met.acts,
    ));
    let signature = &finding.signature;
    for (name, value) in [
        ("state", &signature.state),
        ("action", &signature.action),
        ("where", &signature.path),
        ("reply", &signature.reply),
    ] {
        if !value.is_empty() {
            out.push_str(&format!("| {name} | {} |\n", cell(value)));
        }
    }
    out.push_str(&format!("\n## The rule\n\n**{}**", cell(&finding.rule)));
    match finding.statement() {
        Some((strength, sentence)) => out.push_str(&format!(", *{strength}*: {}\n", cell(sentence))),
        None => out.push_str(": no statement of the specification; a device survives what it is sent.\n"),
    }
    if !finding.frame.is_empty() {
        out.push_str("\n## The bytes that show it\n\n");
        fence(&mut out, &[safe_line(&finding.frame, LINE)]);
    }
    out.push_str("\n## What is done\n\n");
    let mut acts: Vec<String> = sequence.acts.iter().take(ACTS).map(|act| safe_line(&said(act), LINE)).collect();
    if sequence.acts.len() > ACTS {
        acts.push(format!("… and {} more", sequence.acts.len() - ACTS));
    }
    if acts.is_empty() {
        acts.push("nothing but to open a link".to_owned());
    }
    fence(&mut out, &acts);
    if !finding.transcript.is_empty() {
        out.push_str("\n## What was seen\n\n");
        let began = finding.transcript.first().map_or(0, |line| line.at.0);
        let lines: Vec<String> = finding
            .transcript
            .iter()
            .map(|line| {
                let way = match line.direction {
                    Some(Direction::FromDevice) => "<-",
                    Some(Direction::ToDevice) => "->",
                    None => "  ",
                };
                let mark = if line.marked { ">" } else { " " };
                let micros = line.at.0.saturating_sub(began).max(0);
                let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
                format!("{mark} +{seconds}.{millis:03} s {way} {}", safe_line(&line.text, LINE))
            })
            .collect();
        fence(&mut out, &lines);
        out.push_str("\n`->` is what we send, `<-` what the device sends.\n");
    }
    out.push_str("\n## Again\n\n");
    fence(&mut out, &[format!("plugfest replay {}", safe_line(&folder.join(&finding.id).display().to_string(), LINE))]);
    out.push_str(&format!(
        "\nWith the flags that say what the device is. Written by plugfest {}.\n",
        cell(&finding.plugfest)
    ));
    out
}

/// An act in words.
fn said(act: &Act) -> String {
    let text = |text: &crate::act::Text| text.shown();
    match act {
        Act::Connect { link, identity, manner } => {
            format!("link {link}: connect as identity {identity}{}", special(manner))
        }
        Act::Receive { reception, times } => {
            format!("the next {times} connections of the station are received with {reception:?}")
        }
        Act::Send { link, text: what } => format!("link {link}: send {}", text(what)),
        Act::Fragments { link, text: what, cuts } => {
            format!("link {link}: send in {} frames {}", cuts.len() + 1, text(what))
        }
        Act::Frame { link, fin, rsv, opcode, masked, claims, payload } => {
            let masked = if *masked { "" } else { ", masked as it must not be" };
            let claims = claims.map(|claims| format!(", claims {claims} bytes")).unwrap_or_default();
            format!("link {link}: frame fin {fin}, rsv {rsv}, opcode {opcode}{masked}{claims}: {}", text(payload))
        }
        Act::Bytes { link, bytes } => format!("link {link}: bytes {}", text(bytes)),
        Act::Stream { bytes } => format!("a connection of its own: bytes {}", text(bytes)),
        Act::Answer { link, action, text: what, times } => format!(
            "link {link}: the next {times} {} by the device {}",
            action.as_deref().unwrap_or("calls"),
            what.as_ref().map_or_else(|| "get no answer".to_owned(), |what| format!("get {}", text(what)))
        ),
        Act::Close { link, code } => {
            format!("link {link}: close {}", code.map(|code| code.to_string()).unwrap_or_default())
        }
        Act::Cut { link } => format!("link {link}: cut"),
        Act::Stimulate { link, stimulus } => {
            format!("link {link}: {} {}", stimulus.verb, serde_json::Value::Object(stimulus.with.clone()))
        }
        Act::Pass { ms } => format!("{ms} ms go by"),
    }
}

/// What is special about a handshake, in words.
fn special(manner: &Manner) -> String {
    let mut out = String::new();
    if manner.unbooted {
        out.push_str(", without BootNotification");
    }
    match &manner.credentials {
        None => {}
        Some(Credentials::None) => out.push_str(", without credentials"),
        Some(Credentials::Password(password)) => out.push_str(&format!(", with the password {password:?}")),
        Some(Credentials::Near(slip)) => out.push_str(&format!(
            ", with its password {}",
            match slip {
                Slip::Case => "in the other case",
                Slip::Short => "without the last character",
                Slip::Long => "and one character more",
                Slip::First => "cut to one character",
                Slip::Empty => "left out",
            }
        )),
        Some(Credentials::Of(other)) => out.push_str(&format!(", with the credentials of identity {other}")),
    }
    if let Some(identity) = &manner.identity {
        out.push_str(&format!(", with {identity:?} in the path"));
    }
    if let Some(offers) = &manner.offers {
        out.push_str(&format!(", offering the subprotocols {offers:?}"));
    }
    for (name, value) in &manner.headers {
        out.push_str(&format!(", with the header {name:?}: {value:?}"));
    }
    if let Some(request) = &manner.request {
        out.push_str(&format!(", with the request {}", request.shown()));
    }
    out
}

/// Text in a table that is nothing but text.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in safe_line(text, LINE).chars() {
        if "\\`*_[]<|#~&".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A block that its lines cannot end.
fn fence(out: &mut String, lines: &[String]) {
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    out.push_str(&format!("{fence}text\n{}\n{fence}\n", lines.join("\n")));
}
