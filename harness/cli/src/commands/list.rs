//! `plugfest list`

use protocol::Role;
use script::ast::{Capability, Case, Spanned};
use serde_json::{Value, json};
use verdict::ExitCode;

use crate::args::{Format, List};
use crate::catalogue;
use crate::failure::Failure;
use crate::selection;

pub(crate) fn run(args: &List) -> Result<ExitCode, Failure> {
    let library = catalogue::load(&args.cases)?;
    let sides = [Role::Csms, Role::Station];
    let listed: Vec<_> = library
        .cases()
        .iter()
        .filter(|case| {
            sides.into_iter().filter(|side| case.is_for(*side) && args.device.is_none_or(|only| only == *side)).any(
                |side| args.select.is_empty() || args.select.iter().any(|select| selection::means(select, case, side)),
            )
        })
        .filter(|case| args.ocpp.is_empty() || case.versions.iter().any(|version| args.ocpp.contains(&version.value)))
        .collect();
    if listed.is_empty() {
        return Err(Failure::new(
            ExitCode::NothingSelected,
            "no case is meant by that; `plugfest list` shows them all",
        ));
    }
    for case in listed {
        match args.format {
            Format::Json => anstream::println!("{}", as_json(case)),
            Format::Text => anstream::println!("{}", as_text(case)),
        }
    }
    Ok(ExitCode::Conforming)
}

fn texts<T: ToString>(list: &[Spanned<T>]) -> Vec<String> {
    list.iter().map(|entry| entry.value.to_string()).collect()
}

fn sides(case: &Case) -> Vec<&'static str> {
    [Role::Csms, Role::Station].into_iter().filter(|side| case.is_for(*side)).map(Role::name).collect()
}

fn capabilities(list: &[Spanned<Capability>]) -> Vec<String> {
    list.iter()
        .map(|capability| {
            let not = if capability.value.negated { "not " } else { "" };
            format!("{not}{}", capability.value.name)
        })
        .collect()
}

fn as_json(case: &Case) -> Value {
    json!({
        "case": case.id.value,
        "title": case.title.value,
        "file": case.source.path,
        "versions": texts(&case.versions),
        "devices": sides(case),
        "certifies": texts(&case.certifies),
        "traces": texts(&case.traces),
        "requires": {
            "station": capabilities(&case.requires.station),
            "csms": capabilities(&case.requires.csms),
        },
    })
}

fn as_text(case: &Case) -> String {
    let mut requires = capabilities(&case.requires.station);
    requires.extend(capabilities(&case.requires.csms));
    requires.sort();
    requires.dedup();
    let mut text = format!(
        "{:<44} {:<9} {:<13} {}",
        case.id.value,
        texts(&case.versions).join(" "),
        sides(case).join(" "),
        texts(&case.certifies).join(" ")
    );
    if !requires.is_empty() {
        text.push_str(&format!("  [{}]", requires.join(", ")));
    }
    text.trim_end().to_owned()
}
