//! What the catalogue of cases owes the specification, checked both ways: every statement in scope has a case or a
//! standing rule, or a line that says why not; and every official case is either covered or said to be open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use protocol::official::{self, OfficialCase};
use protocol::statements::{self, Statement};
use protocol::{Role, Version};
use verdict::{Diagnostic, Source, Span};

use crate::Library;
use crate::check::report::Report;

/// Sections of the 1.6 statements that belong to other profiles: `16-RES-01` is of `RES`.
const OTHER_SECTIONS: [&str; 8] = ["LIST", "RES", "SC", "FW", "DIAG", "SEC", "COST", "PNC"];

/// The statements that the catalogue has to cover: of the frames, and of the profiles that have cases.
pub fn in_scope() -> impl Iterator<Item = &'static Statement> {
    statements::statements().iter().filter(|statement| {
        let section = statement.id.strip_prefix("16-").and_then(|rest| rest.split('-').next());
        let is_listed = match section {
            Some(section) => !OTHER_SECTIONS.contains(&section),
            None => statement.id.starts_with("R-"),
        };
        is_listed && statement.is_of(Version::V16)
    })
}

/// Compares what the cases trace, and what standing rules watch, with the list of statements that have neither:
/// lines of `ID: why`.
pub fn untraced(library: &Library, standing: &BTreeSet<String>, list: &Arc<Source>) -> Vec<Diagnostic> {
    let mut report = Report::default();
    let mut traced: BTreeMap<&str, &str> = BTreeMap::new();
    for case in library.cases() {
        case.traces.iter().for_each(|id| {
            traced.entry(&id.value).or_insert(&case.id.value);
        });
    }
    let mut excused = BTreeSet::new();
    let mut start = 0;
    for line in list.text.split_inclusive('\n') {
        let (from, text) = (start, line.trim_end());
        start += line.len();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (id, why) = text.split_once(':').unwrap_or((text, ""));
        let place = (list, Span { start: from, end: from + id.len() });
        if why.trim().is_empty() {
            let title = format!("{id} is left out for no reason");
            report
                .add("untraced-reason", place, title, "says no reason", |d| d.help("write ID: why no case proves it"));
        }
        if !excused.insert(id) {
            report.add("untraced-twice", place, format!("{id} stands here twice"), "again", |d| d);
        }
        if !in_scope().any(|statement| statement.id == id) {
            let title = format!("{id} is no statement in scope");
            report.add("untraced-unknown", place, title, "not in scope", |d| match statements::suggest(id) {
                Some(meant) => d.help(format!("did you mean {meant}?")),
                None => d,
            });
        } else if let Some(case) = traced.get(id) {
            let title = format!("{id} is said to have no case, and {case} proves it");
            report.add("untraced-has-case", place, title, "has a case", |d| d.help("remove the line"));
        } else if standing.contains(id) {
            let title = format!("{id} is said to have no case, and a standing rule watches it");
            report.add("untraced-has-case", place, title, "is watched", |d| d.help("remove the line"));
        }
    }
    let end = Span { start: list.text.len(), end: list.text.len() };
    let missing: Vec<&Statement> = in_scope()
        .filter(|statement| !traced.contains_key(statement.id) && !standing.contains(statement.id))
        .filter(|statement| !excused.contains(statement.id))
        .collect();
    if !missing.is_empty() {
        let title = "statements in scope have neither a case nor a line saying why not";
        report.add("untraced", (list, end), title, "missing here", |mut d| {
            d.notes = missing.iter().map(|statement| format!("{}: {}", statement.id, statement.sentence)).collect();
            d.help("write a case that traces it, or a line ID: why no case proves it")
        });
    }
    report.finish()
}

/// Every official case of a version with the case that stands for it, or why there is none, as Markdown.
pub fn official_table(library: &Library, version: Version) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write(library, version, &mut page);
    page
}

fn write(library: &Library, version: Version, page: &mut String) -> std::fmt::Result {
    let covers = |id: &OfficialCase| -> Vec<&str> {
        library
            .cases()
            .iter()
            .filter(|case| case.is_for(id.device) && case.versions.iter().any(|known| known.value == version))
            .filter(|case| case.certifies.iter().any(|known| known.value == id.id))
            .map(|case| case.id.value.as_str())
            .collect()
    };
    let is_built = |block: &str| official::cases(version).iter().any(|id| id.block == block && !covers(id).is_empty());
    writeln!(page, "# Official cases of OCPP {version}\n")?;
    writeln!(page, "Which case of ours stands for which official id. This page is generated; a test keeps it true.\n")?;
    writeln!(page, "| Device | In use | Covered | Open |\n|---|---:|---:|---:|")?;
    for device in [Role::Station, Role::Csms] {
        let ids: Vec<_> = official::cases(version).iter().filter(|id| id.device == device && !id.retired).collect();
        let covered = ids.iter().filter(|id| !covers(id).is_empty()).count();
        writeln!(page, "| {device} | {} | {covered} | {} |", ids.len(), ids.len() - covered)?;
    }
    for device in [Role::Station, Role::Csms] {
        let mut block = "";
        for id in official::cases(version).iter().filter(|id| id.device == device) {
            if id.block != block {
                block = id.block;
                writeln!(page, "\n## {device}: {block}\n\n| Official id | Case |\n|---|---|")?;
            }
            let cases = covers(id);
            let text = match (cases.is_empty(), id.retired) {
                (false, _) => cases.join(", "),
                (true, true) => "no longer in use".to_owned(),
                (true, false) if !is_built(block) => format!("profile not built yet: {block}"),
                (true, false) => "no case yet".to_owned(),
            };
            writeln!(page, "| {} | {text} |", id.id)?;
        }
    }
    Ok(())
}
