//! A CSMS: can it be reached, does it take our stations, does it know the tags, can it be told to call.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use link::dial::{Dial, TcpDialer};
use link::handshake::{self, BasicCredentials, ClientRequest};
use link::{Limits, Url};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};

use super::line::Line;
use super::{Check, Grade, Report};
use crate::clock::Clock;
use crate::drivers::{Can, Confirmation, Drivers, Operator};
use crate::pattern::shorten;
use crate::player::harmless;
use crate::rig::{Rig, Token};
use crate::standin::StandIn;

/// What the CSMS sends by itself comes before this.
const QUIET: Duration = Duration::from_millis(200);

pub(super) async fn examine(rig: &Rig, operator: Option<Arc<dyn Operator>>, report: Report<'_>) {
    let versions = if rig.versions.is_empty() { vec![Version::V16] } else { rig.versions.clone() };
    for version in versions {
        let rig = rig.for_version(version);
        let Some(mut line) = open(&rig, version, report).await else { continue };
        if boot(&mut line, &rig, version, report).await {
            tags(&mut line, &rig, version, report).await;
            asked(&mut line, &rig, version, operator.clone(), report).await;
        }
        line.flaws().for_each(&mut *report);
        line.end().await;
    }
}

async fn open(rig: &Rig, version: Version, report: Report<'_>) -> Option<Line> {
    let identity = rig.identities.first().cloned().unwrap_or_else(|| "PLUGFEST-1".to_owned());
    let opened = tokio::time::timeout(rig.timeouts.reply, connect(rig, version, &identity)).await;
    let late = || {
        Err(Check::problem(
            format!("{version}: no handshake within {} s", rig.timeouts.reply.as_secs_f64()),
            "is there a CSMS behind this address, and does it speak OCPP-J there?",
        ))
    };
    match opened.unwrap_or_else(|_| late()) {
        Ok((line, found)) => {
            report(Check::ok(found));
            Some(line)
        }
        Err(check) => {
            report(check);
            None
        }
    }
}

async fn connect(rig: &Rig, version: Version, identity: &str) -> Result<(Line, String), Check> {
    let url = Url::parse(rig.url.as_deref().unwrap_or_default())
        .map_err(|error| Check::problem(format!("the url: {error}"), "give --url ws://HOST:PORT/PATH"))?
        .with_identity(identity);
    let stream = TcpDialer.dial(&url).await.map_err(|error| {
        Check::problem(format!("{version}: {error}"), "start the CSMS, or correct `url:` (--url) and firewalls between")
    })?;
    let basic = rig.password.as_ref().map(|password| BasicCredentials::new(identity, password.expose()));
    let wanted = version.subprotocol();
    let request = ClientRequest::to(&url).offering(&[wanted]).authorized(basic);
    let outcome = handshake::connect(stream, &request, &Limits::default()).await.map_err(|error| {
        Check::problem(
            format!("{version}: the handshake failed: {error}"),
            "what listens there does not speak WebSocket on this path",
        )
    })?;
    let status = outcome.answer.status;
    let Some(connection) = outcome.connection else {
        let mend = match status {
            401 | 403 => "correct the password of this identity: `password:` in the rig, or --password-env",
            404 => "register the identity at the CSMS, or name one that it knows: `identities:` (--identity)",
            _ => "see in the log of the CSMS why it refuses this station",
        };
        return Err(Check::problem(format!("{version}: {identity} is refused with HTTP status {status}"), mend));
    };
    let agreed = outcome.answer.subprotocol.as_deref();
    if agreed != Some(wanted) {
        let agreed = agreed.map_or("none".to_owned(), |name| format!("\"{}\"", shorten(name)));
        return Err(Check::problem(
            format!("{version}: we offered \"{wanted}\", and the CSMS agreed to {agreed}"),
            format!("switch {version} on at the CSMS, or play the version it speaks: `ocpp:` (--ocpp)"),
        ));
    }
    let line = Line::new(connection, version, StandIn::across_from(Role::Csms, version, rig), Clock::system());
    Ok((line, format!("{version}: {identity} is connected as \"{wanted}\"")))
}

/// What the CSMS says of each tag of the rig, its status and whether it belongs to a group, asked by this station; nothing if it cannot be asked.
pub(crate) async fn statuses(rig: &Rig, version: Version, identity: &str) -> Option<BTreeMap<String, (String, bool)>> {
    let opened = tokio::time::timeout(rig.timeouts.reply, connect(rig, version, identity)).await;
    let (mut line, _) = opened.ok()?.ok()?;
    let mut statuses = BTreeMap::new();
    if accepted(&mut line, rig).await {
        for (name, token) in &rig.tags {
            match status(&mut line, rig, version, token).await {
                Ok(said) => statuses.insert(name.clone(), said),
                Err(_) => break,
            };
        }
    }
    line.end().await;
    (statuses.len() == rig.tags.len()).then_some(statuses)
}

/// Boots until the CSMS accepts the station, a few times at most.
async fn accepted(line: &mut Line, rig: &Rig) -> bool {
    for _ in 0..3 {
        let request = line.request("BootNotification", &Map::new());
        let Ok(answer) = line.call("BootNotification", request, rig.timeouts.reply).await else { return false };
        let interval = match answer.get("status").and_then(Value::as_str) {
            Some("Accepted") => return true,
            _ => Duration::from_secs(answer.get("interval").and_then(Value::as_u64).unwrap_or(0).max(1)),
        };
        if interval > rig.timeouts.step {
            return false;
        }
        line.rest_for(interval).await;
    }
    false
}

/// A boot; `false` if nothing more can be asked.
async fn boot(line: &mut Line, rig: &Rig, version: Version, report: Report<'_>) -> bool {
    let request = line.request("BootNotification", &Map::new());
    let answer = match line.call("BootNotification", request, rig.timeouts.reply).await {
        Ok(answer) => answer,
        Err(why) => {
            report(Check::problem(
                format!("{version}: no boot: {why}"),
                "the CSMS has to answer a BootNotification of this station; see its log",
            ));
            return false;
        }
    };
    let status = answer.get("status").and_then(Value::as_str).unwrap_or("nothing");
    let accepted = status == "Accepted";
    report(if accepted {
        Check::ok(format!("{version}: the boot is accepted"))
    } else {
        Check::problem(
            format!("{version}: the boot is answered {}", shorten(status)),
            "register the identity at the CSMS, so that it accepts the station",
        )
    });
    report(match line.skew {
        None => Check::warning(
            format!("{version}: the answer tells no time that can be read"),
            "currentTime is an RFC 3339 time with an offset, such as 2025-01-01T00:00:00Z",
        ),
        Some(skew) => clocks(version, skew, rig.timeouts.clock),
    });
    accepted
}

/// How far two clocks are apart.
pub(super) fn clocks(version: Version, skew: f64, tolerance: Duration) -> Check {
    // Less than a tenth of a second has no sign.
    let skew = if skew.abs() < 0.05 { 0.0 } else { skew };
    let found = format!("{version}: the clock of the device differs by {skew:+.1} s from ours");
    if skew.abs() <= tolerance.as_secs_f64() {
        return Check::ok(found);
    }
    Check::warning(found, "set both clocks by NTP, or allow it: `timeouts: { clock: … }` in the rig")
}

/// Each tag of the rig, by what its name promises.
async fn tags(line: &mut Line, rig: &Rig, version: Version, report: Report<'_>) {
    for (name, token) in &rig.tags {
        let status = match status(line, rig, version, token).await {
            Ok((status, _)) => status,
            Err(why) => {
                report(Check::problem(
                    format!("{version}: tag {name}: {why}"),
                    "the CSMS has to answer an Authorize of an accepted station; see its log",
                ));
                return;
            }
        };
        report(tag(version, name, token, &status));
    }
}

/// The status of a tag at the CSMS, and whether it belongs to a group.
async fn status(line: &mut Line, rig: &Rig, version: Version, token: &Token) -> Result<(String, bool), String> {
    let (key, value) = match version {
        Version::V16 => ("idTag", Value::from(token.id_token.clone())),
        Version::V201 | Version::V21 => ("idToken", json!({ "idToken": token.id_token, "type": token.kind() })),
    };
    let request = line.request("Authorize", &Map::from_iter([(key.to_owned(), value)]));
    let answer = line.call("Authorize", request, rig.timeouts.reply).await?;
    let (info, group) =
        if version == Version::V16 { ("idTagInfo", "parentIdTag") } else { ("idTokenInfo", "groupIdToken") };
    let info = answer.get(info);
    let status = info.and_then(|info| info.get("status")).and_then(Value::as_str);
    Ok((status.unwrap_or("nothing").to_owned(), info.is_some_and(|info| info.get(group).is_some())))
}

fn tag(version: Version, name: &str, token: &Token, status: &str) -> Check {
    let found = format!("{version}: tag {name} ({}) is {}", token.id_token, shorten(status));
    let wanted: &[&str] = match name {
        "blocked" => &["Blocked"],
        "expired" => &["Expired"],
        "invalid" | "unknown" => &["Invalid", "Unknown"],
        _ => &["Accepted"],
    };
    if wanted.contains(&status) {
        return Check::ok(found);
    }
    let mend = format!(
        "register it at the CSMS as {}, or name another in the rig: `tags: {{ {name}: … }}` (--tag {name}=…)",
        wanted.join(" or ")
    );
    // What is refused for another reason is refused all the same.
    let refused = status != "Accepted" && wanted != ["Accepted"];
    Check { grade: if refused { Grade::Warning } else { Grade::Problem }, found, mend: Some(mend) }
}

/// One call that the CSMS is asked for.
async fn asked(line: &mut Line, rig: &Rig, version: Version, operator: Option<Arc<dyn Operator>>, report: Report<'_>) {
    let drivers = Drivers::from_rig(rig, version, operator);
    let (action, request) = harmless(Role::Station, version);
    match drivers.can_send(action) {
        Can::Yes => {}
        Can::No => {
            report(Check::warning(
                format!("{version}: nothing makes the CSMS send a call"),
                "bind a driver (`drivers:`, --driver-url); without one, cases that begin at the CSMS are Inconclusive",
            ));
            return;
        }
        Can::Never => {
            report(Check::ok(format!("{version}: the rig says that the CSMS cannot be made to send {action}")));
            return;
        }
    }
    line.rest(QUIET, rig.timeouts.step).await;
    let identity = rig.identities.first().cloned().unwrap_or_else(|| "PLUGFEST-1".to_owned());
    let with = Map::from_iter([("action".to_owned(), Value::from(action)), ("fields".to_owned(), request)]);
    let stimulus = Stimulus { party: Role::Csms, verb: "send".to_owned(), with };
    let mend = "correct the binding under `drivers:` (--driver-url), and see in the log of the CSMS what came of it";
    let confirmed = line.meanwhile(Box::pin(drivers.stimulate(&identity, &stimulus))).await;
    report(match confirmed {
        Err(why) => Check::problem(format!("{version}: while the CSMS was asked for {action}: {why}"), mend),
        Ok(Confirmation::Done | Confirmation::CannotCarry(_)) => {
            match line.await_call(&[action], rig.timeouts.step).await {
                Ok(()) => Check::ok(format!("{version}: the driver makes the CSMS send {action}")),
                Err(why) => Check::problem(
                    format!("{version}: the driver confirmed {action}, but it did not arrive: {why}"),
                    mend,
                ),
            }
        }
        Ok(Confirmation::NotBound(_)) => {
            Check::warning(format!("{version}: the driver has no way to send {action}"), mend)
        }
        Ok(Confirmation::Undrivable(why)) => {
            Check::warning(format!("{version}: the CSMS cannot be made to send {action}: {}", shorten(&why)), mend)
        }
        Ok(Confirmation::Failed(why)) => {
            Check::problem(format!("{version}: the driver failed with {action}: {}", shorten(&why)), mend)
        }
    });
}
