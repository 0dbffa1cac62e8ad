//! A case as a page to read.

use std::fmt::Write as _;

use protocol::{official, statements};
use serde_json::Value;

use super::diagram;
use super::label::written;
use crate::ast::{Begin, Capability, Case, Given, GivenSource, Invocation, Spanned};

/// The case as Markdown: what it proves, what it needs, its diagram and its file.
pub fn page(case: &Case) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write(case, &mut page);
    page
}

fn write(case: &Case, page: &mut String) -> std::fmt::Result {
    writeln!(page, "# {}\n", plain(&case.title.value))?;
    let versions: Vec<&str> = case.versions.iter().map(|version| version.value.number()).collect();
    writeln!(page, "Case `{}`, OCPP {}.\n", case.id.value, versions.join(", "))?;
    match &case.device {
        Some(device) => writeln!(page, "Device under test: {}.\n", device.value)?,
        None => writeln!(page, "Device under test: station or CSMS.\n")?,
    }
    if !case.certifies.is_empty() {
        let ids: Vec<String> = case
            .certifies
            .iter()
            .map(|id| {
                let known = case.versions.iter().find_map(|version| official::find(&id.value, version.value));
                match known {
                    Some(known) => format!("{} ({}, {})", id.value, known.device, known.block),
                    None => id.value.clone(),
                }
            })
            .collect();
        writeln!(page, "Stands for: {}.\n", ids.join(", "))?;
    }
    if !case.traces.is_empty() {
        writeln!(page, "## What it proves\n")?;
        for id in &case.traces {
            match statements::statement(&id.value) {
                Some(statement) => {
                    writeln!(page, "- **{}** ({}): {}", statement.id, statement.strength, plain(statement.sentence))?;
                }
                None => writeln!(page, "- **{}**", plain(&id.value))?,
            }
        }
        writeln!(page)?;
    }
    needs(case, page)?;
    writeln!(page, "## Sequence\n\n```mermaid\n{}```\n", diagram(case))?;
    let text = case.source.text.trim_end();
    let fence = fence(text);
    writeln!(page, "## File\n\n`{}`\n\n{fence}yaml\n{text}\n{fence}", case.source.path)
}

fn needs(case: &Case, page: &mut String) -> std::fmt::Result {
    let mut lines = Vec::new();
    let (station, csms) = (capabilities(&case.requires.station), capabilities(&case.requires.csms));
    if station == csms {
        lines.extend(station.map(|list| format!("Capabilities: {list}")));
    } else {
        lines.extend(station.map(|list| format!("Capabilities of a station: {list}")));
        lines.extend(csms.map(|list| format!("Capabilities of a CSMS: {list}")));
    }
    lines.push(match &case.begin {
        Begin::Nothing => "Begins with nothing: no link is presumed".to_owned(),
        Begin::State(state) => format!("Begins: {}", invocation(case, state)),
    });
    for setting in &case.configure {
        let required = if setting.required { ", without it the case does not apply" } else { "" };
        lines.push(format!("Configuration: `{} = {}`{required}", setting.key.value, code(case, setting.value.span)));
    }
    lines.extend(case.remember.iter().map(|memory| format!("Remembered: {}", invocation(case, memory))));
    lines.extend(case.given.iter().map(given));
    writeln!(page, "## What it needs\n")?;
    lines.iter().try_for_each(|line| writeln!(page, "- {line}"))?;
    writeln!(page)
}

fn capabilities(list: &[Spanned<Capability>]) -> Option<String> {
    let word = |capability: &Spanned<Capability>| {
        format!("{}{}", if capability.value.negated { "not " } else { "" }, plain(&capability.value.name))
    };
    (!list.is_empty()).then(|| list.iter().map(word).collect::<Vec<_>>().join(", "))
}

fn invocation(case: &Case, invocation: &Invocation) -> String {
    let with: Vec<String> =
        invocation.with.iter().map(|(name, value)| format!("{} {}", name.value, code(case, value.span))).collect();
    let name = &invocation.name.value;
    if with.is_empty() { format!("`{name}`") } else { format!("`{name}` with `{}`", with.join(", ")) }
}

fn given(given: &Given) -> String {
    match &given.source {
        GivenSource::Rig(path) => format!("`{}` is `rig.{}`", given.name.value, path.value),
        GivenSource::Constant(_, value) => {
            let text = match &value.value {
                Value::String(text) => text.replace('`', "'"),
                other => other.to_string(),
            };
            format!("`{}` is `{text}`", given.name.value)
        }
    }
}

/// Text of the file for a code span.
fn code(case: &Case, span: verdict::Span) -> String {
    written(&case.source, span).replace('`', "'")
}

/// Text of people as text of Markdown.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#' | '|' => safe.extend(['\\', character]),
            character if character.is_control() => safe.push(' '),
            character => safe.push(character),
        }
    }
    safe
}

/// A fence longer than any in the text.
fn fence(text: &str) -> String {
    let mut longest = 0;
    for line in text.lines() {
        let ticks = line.trim_start().chars().take_while(|character| *character == '`').count();
        longest = longest.max(ticks);
    }
    "`".repeat(longest.max(2) + 1)
}
