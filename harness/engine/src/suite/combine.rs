//! One job: its plans, and the verdict that is the worst of them.

use peers::StationSettings;
use protocol::{Role, Timestamp};
use tokio::sync::watch;
use verdict::{CaseResult, Direction, Event, EventKind, PlanId, Standing, StandingViolation, TranscriptLine, Verdict};

use super::acquaintance::{self, Told};
use super::{Job, Place, Site, Suite, Variants, presence};
use crate::clock::Clock;
use crate::drivers::{Can, Drivers};
use crate::pattern::shorten;
use crate::player::{Debt, Otherwise, Outcome, Player, rules};
use crate::program::{self, Cover, Outside, Program, Refused};
use crate::rig::Rig;
use crate::runner;

/// Frames shown with a failure, at most.
const TRANSCRIPT: usize = 24;

/// A plan that was played.
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
    pub(crate) identity: String,
    pub(crate) plan: PlanId,
}

/// What came of a job.
pub(super) struct PlayedJob {
    pub(super) result: CaseResult,
    pub(super) events: Vec<(PlanId, Vec<Event>)>,
    /// The device was played against, and heard.
    pub(super) heard: bool,
    /// A plan had no word of the device and no good end.
    pub(super) lost: bool,
    /// Nothing can be played before somebody changes the device, or the rig.
    pub(super) is_shut_out: bool,
    /// A station was waited for and never came.
    pub(super) never_came: bool,
}

/// The result of a job that is not played.
pub(super) fn unplayed(suite: &Suite, job: &Job, clock: &Clock, reason: String) -> CaseResult {
    let refused = Refused::new(Verdict::Inconclusive, reason);
    combine(suite, job, clock.now(), clock, &[], Some(refused), &[])
}

impl Played {
    fn is_lost(&self) -> bool {
        self.outcome.is_shut_out || presence::is_lost(self.plan.ocpp, severity(&self.outcome), &self.events)
    }
}

pub(super) async fn play_job(
    suite: &Suite,
    site: &Site,
    place: &mut Place,
    job: &Job,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
) -> PlayedJob {
    let started = clock.now();
    let mut played: Vec<Played> = Vec::new();
    let mut refused: Option<Refused> = None;
    let mut configurations = Vec::new();
    let mut acquaintance = None;
    for (name, settings) in site.configurations(job.device, job.version) {
        let settings = settings.as_ref();
        match play_configuration(suite, site, place, job, settings, &name, clock, stop, &mut acquaintance).await {
            Ok(plans) => {
                configurations.push(name);
                played.extend(plans);
            }
            Err(why) => {
                refused = Some(worse(refused, why));
            }
        }
        if *stop.borrow() {
            break;
        }
    }
    let mut result = combine(suite, job, started, clock, &played, refused, &configurations);
    if acquaintance.is_some() {
        result.device_says = site.known().and_then(|known| known.of(job.version).sentence());
    }
    let speaks = site.speaks(job.version);
    let opened = |event: &Event| matches!(event.kind, EventKind::Opened { .. });
    let absent =
        speaks && played.is_empty() && acquaintance.as_ref().is_some_and(|(_, events)| !events.iter().any(opened));
    let lost = absent || speaks && played.iter().any(Played::is_lost);
    let is_shut_out = absent || played.iter().any(|plan| plan.outcome.is_shut_out);
    let never_came = job.device == Role::Station
        && (absent || played.iter().any(|plan| plan.outcome.is_shut_out && !plan.events.iter().any(opened)));
    let heard = !lost && !played.is_empty();
    let events = if suite.traced {
        let plans = played.into_iter().map(|played| (played.plan, played.events));
        acquaintance.into_iter().chain(plans).collect()
    } else {
        Vec::new()
    };
    PlayedJob { result, events, heard, lost, is_shut_out, never_came }
}

fn worse(one: Option<Refused>, other: Refused) -> Refused {
    match one {
        Some(one) if one.verdict >= other.verdict => one,
        _ => other,
    }
}

#[expect(clippy::too_many_arguments, reason = "everything one configuration of a device is played with")]
async fn play_configuration(
    suite: &Suite,
    site: &Site,
    place: &mut Place,
    job: &Job,
    settings: Option<&StationSettings>,
    name: &str,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
    acquaintance: &mut Option<Told>,
) -> Result<Vec<Played>, Refused> {
    let rig = site.rig(job.device, job.version, settings);
    if let Some(refused) = site.unspoken(job.version) {
        return Err(refused);
    }
    let drivers = site.drivers(job.version);
    let mut first = compile(suite, job, 0, &rig, drivers.as_ref())?;
    if let Some((met, why_not)) = meet(suite, site, place, job, &first, clock, stop).await {
        *acquaintance = Some(met);
        if let Some(refused) = site.unspoken(job.version) {
            return Err(refused);
        }
        // Who did not come when it was to be asked need not be waited for again.
        if let Some(reason) = why_not {
            return Err(Refused::new(Verdict::Inconclusive, reason));
        }
    }
    let told = site.rig(job.device, job.version, settings);
    if told.facts() != rig.facts() {
        first = compile(suite, job, 0, &told, drivers.as_ref())?;
    }
    let rig = told;
    let wanted = match suite.variants.unwrap_or(if job.device == Role::Csms { Variants::Each } else { Variants::First })
    {
        Variants::First => 1,
        Variants::Each | Variants::All => first.variants,
    };
    let mut programs = vec![first];
    for variant in 1..wanted {
        programs.push(compile(suite, job, variant, &rig, drivers.as_ref())?);
    }
    let mut played = Vec::new();
    for program in programs {
        let plan = PlanId {
            case: job.case.id.value.clone(),
            device: job.device,
            ocpp: job.version,
            variant: program.variant,
            configuration: name.to_owned(),
        };
        let plan = play_plan(suite, site, place, job, settings, program, plan, clock, stop).await;
        let lost = plan.is_lost();
        played.push(plan);
        // Other plans would wait as long for the same silence.
        if lost || *stop.borrow() {
            break;
        }
    }
    Ok(played)
}

/// Asks the device what it has, before the first plan that is played in this version.
async fn meet(
    suite: &Suite,
    site: &Site,
    place: &mut Place,
    job: &Job,
    program: &Program,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
) -> Option<(Told, Option<String>)> {
    let known = site.known()?;
    let rig = site.rig(job.device, job.version, None);
    let is_asked = match job.device {
        Role::Csms => !program.tokens.is_empty() && rig.tags.keys().any(|name| !rig.stated_tags.contains(name)),
        Role::Station => !rig.is_complete(),
    };
    if !is_asked {
        return None;
    }
    let (first, _guard) = known.turn(job.version).await;
    if !first {
        return None;
    }
    if job.device == Role::Csms {
        if let Some(statuses) = crate::doctor::statuses(&rig, job.version, &place.identity(&rig)).await {
            known.learn(job.version, acquaintance::doubts(&rig, &statuses));
        }
        return None;
    }
    let questions = Job { case: acquaintance::case(job.version)?, device: Role::Station, version: job.version };
    let program = acquaintance::program(job.version, &rig)?.ok()?;
    let plan = acquaintance::plan(job.version);
    let mut played = play_plan(suite, site, place, &questions, None, program, plan, clock, stop).await;
    place.put_back(std::mem::take(&mut played.outcome.violations));
    known.learn(job.version, acquaintance::read(job.version, &played.events));
    let why_not = played.outcome.is_shut_out.then(|| played.outcome.reason.clone());
    Some(((played.plan, played.events), why_not))
}

/// Projects a case for a plan, and sees whether the device can be made to do what it needs.
fn compile(suite: &Suite, job: &Job, variant: usize, rig: &Rig, drivers: Option<&Drivers>) -> Result<Program, Refused> {
    let can = |party: Role, verb: &str| drivers.is_none_or(|drivers| drivers.can(party, verb) == Can::Yes);
    let cannot_carry = |action: &str| drivers.map(|drivers| drivers.cannot_carry(action)).unwrap_or_default();
    let cover = if suite.variants == Some(Variants::All) { Cover::Product } else { Cover::Each };
    let outside =
        Outside { library: &suite.library, rig, can: &can, cannot_carry: &cannot_carry, cover, both_sides: false };
    let program = program::compile(&job.case, job.device, job.version, variant, &outside)?;
    if let Some(drivers) = drivers {
        for (party, verb) in &program.needs {
            let (verdict, reason) = match drivers.can(*party, verb) {
                Can::Yes => continue,
                Can::No => (Verdict::Inconclusive, format!("needs {verb}")),
                Can::Never => (Verdict::NotApplicable, format!("the rig says that \"{verb}\" cannot be done")),
            };
            return Err(Refused::new(verdict, reason));
        }
    }
    Ok(program)
}

#[expect(clippy::too_many_arguments, reason = "everything a plan is played with")]
async fn play_plan(
    suite: &Suite,
    site: &Site,
    place: &mut Place,
    job: &Job,
    settings: Option<&StationSettings>,
    program: Program,
    plan: PlanId,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
) -> Played {
    let tokens = place.tokens.clone();
    let _in_use = tokens.take(&program.tokens).await;
    let prefix = format!("pf{:x}", clock.now().0);
    let used = program.tokens.clone();
    // A procedure begins transactions that the session does not hear of.
    let is_procedure = program.case.procedure.is_some();
    let Some(mut ready) = site.ready(place, job.device, job.version, settings, clock, &prefix).await else {
        let outcome = Outcome::plain(Verdict::Error, "the listener is in use");
        return Played { outcome, events: Vec::new(), identity: String::new(), plan };
    };
    let shares = matches!(site, Site::Csms { .. });
    if shares {
        ready.session.charged = tokens.charged(&used);
    }
    let identity = ready.session.identity.clone();
    let mut wire = ready.wire;
    let now = clock.now();
    let begun = EventKind::Begun {
        session: ready.session.number,
        prefix: ready.session.prefix().to_owned(),
        identity: identity.clone(),
        strict: suite.strict,
        product: suite.variants == Some(Variants::All),
        drivable: ready.drivers.drivable(job.device),
        not_carried: program
            .needs
            .iter()
            .filter_map(|(_, verb)| verb.strip_prefix("send "))
            .map(|action| (action.to_owned(), ready.drivers.cannot_carry(action)))
            .filter(|(_, fields)| !fields.is_empty())
            .collect(),
        charged: ready.session.charged.clone(),
        rig: ready.rig.facts(),
    };
    let mut events = vec![Event { at: now, kind: begun }];
    let mut player = Player::new(now, program, ready.rig, ready.session, suite.seed, suite.strict);
    runner::play(&mut player, &mut wire, &ready.drivers, &identity, clock, stop, &mut |event| {
        if events.len() < 100_000 {
            events.push(event);
        }
    })
    .await;
    let (outcome, session, rest) = player.into_parts();
    events.extend(rest);
    let identity = if identity.is_empty() { session.identity.clone() } else { identity };
    if shares {
        let is_open = session.ledger.iter().any(|debt| matches!(debt, Debt::Transaction(_)))
            || is_procedure && !matches!(outcome.verdict, Verdict::Pass | Verdict::Warn);
        let still = if is_open { &used } else { &session.starting };
        tokens.used(&used, &session.charged, still);
    }
    site.put_back(place, session, wire).await;
    site.played_on(ready.embedded);
    Played { outcome, events, identity, plan }
}

fn combine(
    suite: &Suite,
    job: &Job,
    started: Timestamp,
    clock: &Clock,
    played: &[Played],
    refused: Option<Refused>,
    configurations: &[String],
) -> CaseResult {
    let case = &job.case;
    let suffix = match job.device {
        Role::Station => "_CS",
        Role::Csms => "_CSMS",
    };
    let (folder, _) = case.source.path.rsplit_once('/').unwrap_or(("", ""));
    let refused = refused.unwrap_or_else(|| Refused::new(Verdict::Inconclusive, "interrupted"));
    let mut result = CaseResult {
        case: case.id.value.clone(),
        title: case.title.value.clone(),
        file: case.source.path.clone(),
        folder: folder.trim_start_matches("testcases/").to_owned(),
        device: job.device,
        ocpp: job.version,
        configuration: String::new(),
        verdict: refused.verdict,
        standing: Standing::Expected,
        reason: refused.reason,
        rules: refused.rules,
        one_of: Vec::new(),
        certifies: case.certifies.iter().map(|id| id.value.clone()).filter(|id| id.ends_with(suffix)).collect(),
        traces: case.traces.iter().map(|id| id.value.clone()).collect(),
        plans: played.len(),
        started,
        duration_ms: u64::try_from(clock.now().since(started).as_millis()).unwrap_or(u64::MAX),
        identity: String::new(),
        diagnostics: refused.diagnostic.map(|diagnostic| *diagnostic).into_iter().collect(),
        violations: Vec::new(),
        transcript: Vec::new(),
        notes: Vec::new(),
        device_says: None,
        repeat: (suite.repeat)(job),
    };
    summarise(&mut result, played);
    let names: Vec<&str> = configurations.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if !names.is_empty() {
        result.notes.push(format!("played on {}", names.join(", ")));
    }
    result
}

/// Puts what came of the plans into a result: the worst counts.
pub(crate) fn summarise(result: &mut CaseResult, played: &[Played]) {
    result.violations.clear();
    result.notes.clear();
    result.rules.clear();
    result.one_of.clear();
    for violation in played.iter().flat_map(|played| &played.outcome.violations) {
        let known = |known: &StandingViolation| known.oracle == violation.oracle && known.path == violation.path;
        if !result.violations.iter().any(known) {
            result.violations.push(violation.clone());
        }
    }
    for note in played.iter().flat_map(|played| played.outcome.warnings.iter().chain(&played.outcome.notes)) {
        if !result.notes.contains(note) {
            result.notes.push(note.clone());
        }
    }
    // Of equally bad plans the first is shown.
    let worst = played.iter().rev().max_by_key(|played| severity(&played.outcome));
    if let Some(worst) = worst {
        let outcome = &worst.outcome;
        let bad = severity(outcome);
        result.verdict = outcome.verdict;
        result.reason = outcome.reason.clone();
        result.diagnostics = outcome.diagnostics.clone();
        result.configuration = if bad > Verdict::Warn { worst.plan.configuration.clone() } else { String::new() };
        result.transcript =
            if bad > Verdict::Pass { transcript(&worst.events, worst.outcome.about.as_ref()) } else { Vec::new() };
        result.identity = worst.identity.clone();
    }
    if result.verdict == Verdict::Fail {
        result.rules.extend(worst.iter().flat_map(|worst| &worst.outcome.rules).cloned());
        let otherwise = worst.map_or(Otherwise::Traces, |worst| worst.outcome.otherwise);
        if result.rules.is_empty() {
            let proven = result.traces.iter().filter(|id| rules::binds(id, result.device, result.ocpp));
            let proven: Vec<String> = proven.cloned().collect();
            // A case that proves one thing is about nothing else; one that also proves things about the other side is.
            let is_certain = result.traces.len() == 1 && otherwise == Otherwise::Traces;
            let place = if is_certain { &mut result.rules } else { &mut result.one_of };
            *place = proven;
        }
    }
}

/// How bad a plan came out, with the standing violations.
fn severity(outcome: &Outcome) -> Verdict {
    outcome.violations.iter().map(|violation| violation.verdict).fold(outcome.verdict, Verdict::max)
}

/// The verdict with the standing violations that this case is the first to report.
pub(super) fn settle_verdict(result: &mut CaseResult) {
    let own = result.verdict;
    for violation in &result.violations {
        let rule = format!("{} ({})", violation.statement, violation.oracle);
        if violation.first_in.is_some() {
            continue;
        }
        if violation.verdict == Verdict::Fail && !result.rules.contains(&rule) {
            result.rules.push(rule);
        }
        if violation.verdict > result.verdict {
            result.verdict = violation.verdict;
            result.reason = format!("{} ({})", violation.sentence, violation.statement);
        }
    }
    if own == Verdict::NotApplicable && result.verdict == Verdict::Warn {
        result.verdict = own;
    }
}

fn transcript(events: &[Event], about: Option<&(Timestamp, String)>) -> Vec<TranscriptLine> {
    let mut lines: Vec<TranscriptLine> = events
        .iter()
        .filter_map(|event| {
            let (direction, text) = match &event.kind {
                EventKind::Text { direction, text, .. } => (Some(*direction), shorten(text)),
                EventKind::Binary { direction, length, .. } => (Some(*direction), format!("{length} bytes, binary")),
                EventKind::Opened { identity, subprotocol, .. } => {
                    (None, format!("link open: {identity}, {}", subprotocol.as_deref().unwrap_or("no subprotocol")))
                }
                EventKind::Refused { reason, .. } => (None, format!("no link: {reason}")),
                EventKind::Closed { by, code, reason } => {
                    let who = if *by == Direction::FromDevice { "the device" } else { "we" };
                    let code = code.map(|code| format!(" {code}")).unwrap_or_default();
                    (None, format!("{who} ended the link{code} {reason}"))
                }
                EventKind::Stimulus { stimulus } => {
                    (None, shorten(&format!("{} {}", stimulus.verb, serde_json::Value::Object(stimulus.with.clone()))))
                }
                EventKind::StimulusDone { verb, failure: Some(failure), .. } => {
                    (None, format!("{verb} failed: {failure}"))
                }
                _ => return None,
            };
            let marked = match (&event.kind, about) {
                (EventKind::Text { direction: Direction::FromDevice, text, .. }, Some((at, frame))) => {
                    event.at == *at && !text.is_empty() && frame.starts_with(text.as_str())
                }
                _ => false,
            };
            Some(TranscriptLine { at: event.at, direction, text, marked })
        })
        .collect();
    // What decided is shown, whatever came behind it; where nothing came, what went before.
    let end = match lines.iter().rposition(|line| line.marked) {
        Some(at) => lines.len().min(at + TRANSCRIPT / 2),
        None => about.and_then(|(decided, _)| lines.iter().position(|line| line.at > *decided)).unwrap_or(lines.len()),
    };
    lines.truncate(end);
    lines.split_off(end.saturating_sub(TRANSCRIPT))
}
