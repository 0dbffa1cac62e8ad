//! `plugfest explain`

use peers::NoticedBy;
use protocol::{Version, explain, official, statements};
use script::Procedure;
use script::reader::Mistake;
use verdict::{ExitCode, checks, oracles};

use crate::args::Explain;
use crate::catalogue;
use crate::failure::Failure;

pub(crate) fn run(args: &Explain) -> Result<ExitCode, Failure> {
    let id = args.id.trim();
    let found = [
        statement(id)?,
        oracle(id),
        stream_oracle(id),
        explain::rule(id),
        fault(id),
        official_case(id)?,
        explain::message(id),
        explain::named_type(id),
        explain::setting(id),
        explain::capability(id),
        check(id),
        mistake(id),
        procedure(id),
    ];
    let pages: Vec<String> = found.into_iter().flatten().collect();
    if pages.is_empty() {
        let names = statements::statements()
            .iter()
            .map(|statement| statement.id)
            .chain(oracles::ORACLES.iter().map(|(name, _)| *name))
            .chain(streams::oracles::PAGES.iter().map(|(code, _)| code.name()))
            .chain(peers::faults().iter().map(|fault| fault.id))
            .chain(explain::names())
            .chain(Procedure::ALL.iter().map(|procedure| procedure.name()))
            .chain(checks::CHECKS.iter().map(|check| check.name))
            .chain(mistakes().map(|(code, _)| code))
            .chain(Version::ALL.into_iter().flat_map(|version| official::cases(version)).map(|case| case.id));
        let near = protocol::catalogue::suggest(id, names).map(|near| format!("; did you mean \"{near}\"?"));
        return Err(Failure::usage(format!("nothing is called \"{id}\"{}", near.unwrap_or_default())));
    }
    anstream::println!("{}", pages.join("\n\n"));
    Ok(ExitCode::Conforming)
}

fn versions(versions: &[Version]) -> String {
    versions.iter().map(|version| version.number()).collect::<Vec<_>>().join(", ")
}

fn statement(id: &str) -> Result<Option<String>, Failure> {
    let Some(statement) = statements::statement(id) else { return Ok(None) };
    let mut text = format!(
        "{}: a statement of the specification\n\n  {}\n\n  strength  {}\n  side      {}\n  versions  {}",
        statement.id,
        statement.sentence,
        statement.strength.name(),
        statement.side.name(),
        versions(&statement.versions)
    );
    let library = catalogue::load(&[])?;
    let traced: Vec<&str> = library
        .cases()
        .iter()
        .filter(|case| case.traces.iter().any(|trace| trace.value == statement.id))
        .map(|case| case.id.value.as_str())
        .collect();
    if !traced.is_empty() {
        text.push_str(&format!("\n  cases     {}", traced.join(", ")));
    }
    Ok(Some(text))
}

fn procedure(id: &str) -> Option<String> {
    let procedure = Procedure::find(id)?;
    Some(format!("{}: a procedure, which a case does instead of steps\n\n  {}", procedure.name(), procedure.page()))
}

fn oracle(id: &str) -> Option<String> {
    let (name, meaning) = oracles::ORACLES.iter().find(|(name, _)| *name == id)?;
    Some(format!("{name}: a standing oracle, which watches every case\n\n  {meaning}"))
}

fn stream_oracle(id: &str) -> Option<String> {
    let code: streams::oracles::Code = id.parse().ok()?;
    Some(format!(
        "{code}: an oracle of the streams, which watches everything that plugfest fuzz does\n\n  {}",
        code.page()
    ))
}

fn check(id: &str) -> Option<String> {
    let check = checks::check(id)?;
    let mut text = format!("{}: a named check, which judges the {}\n\n  {}", check.name, check.blames, check.page);
    for parameter in check.parameters {
        let optional = if parameter.required { "" } else { " (optional)" };
        text.push_str(&format!("\n  {}{optional}", parameter.name));
    }
    Some(text)
}

fn fault(id: &str) -> Option<String> {
    let fault = peers::faults().iter().find(|fault| fault.id == id)?;
    let breaks: Vec<String> =
        fault.versions().map(|version| format!("{} ({version})", fault.all_broken(version).join(" and "))).collect();
    let name = |by| match by {
        NoticedBy::Suite => "the cases",
        NoticedBy::Streams => "the streams of plugfest fuzz",
    };
    let by: Vec<(Version, &str)> = fault.versions().map(|version| (version, name(fault.noticed_by(version)))).collect();
    let by = match by.as_slice() {
        [(_, one), others @ ..] if others.iter().all(|(_, other)| other == one) => (*one).to_owned(),
        each => each.iter().map(|(version, name)| format!("{name} ({version})")).collect::<Vec<_>>().join(", "),
    };
    Some(format!(
        "{}: a seeded fault of the reference {}\n\n  {}\n\n  breaks    {}\n  left to   {by}",
        fault.id,
        fault.side,
        fault.sentence,
        breaks.join(", ")
    ))
}

fn official_case(id: &str) -> Result<Option<String>, Failure> {
    let known: Vec<_> = Version::ALL.into_iter().filter_map(|version| official::find(id, version)).collect();
    if known.is_empty() {
        return Ok(None);
    }
    let mut text = format!("{id}: an official certification case\n");
    let library = catalogue::load(&[])?;
    for case in known {
        let retired = if case.retired { ", no longer in use" } else { "" };
        let covered: Vec<&str> = library
            .cases()
            .iter()
            .filter(|ours| ours.versions.iter().any(|version| version.value == case.version))
            .filter(|ours| ours.certifies.iter().any(|certified| certified.value == id))
            .map(|ours| ours.id.value.as_str())
            .collect();
        let covered = if covered.is_empty() { "no case yet".to_owned() } else { covered.join(", ") };
        text.push_str(&format!("\n  {}  {}, {}{retired}: {covered}", case.version, case.device, case.block));
    }
    Ok(Some(text))
}

/// Every mistake that reader and checker tell of a case file.
fn mistakes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let read = Mistake::ALL.iter().map(|mistake| (mistake.code(), mistake.explanation()));
    read.chain(script::CHECKER_CODES)
}

fn mistake(id: &str) -> Option<String> {
    let (code, meaning) = mistakes().find(|(code, _)| *code == id)?;
    Some(format!("{code}: a mistake in a case file\n\n  {meaning}"))
}
