//! A station: does it come, does it boot, does it answer, can it be plugged in.

use std::sync::Arc;
use std::time::Duration;

use link::dial::{Listen, Listener};
use link::handshake::{self, Headers, Incoming};
use link::{Limits, Stream};
use protocol::stimulus::Stimulus;
use protocol::{Role, Version};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::csms::clocks;
use super::line::Line;
use super::{Check, Report};
use crate::clock::Clock;
use crate::drivers::{Can, Confirmation, Drivers, Operator};
use crate::pattern::shorten;
use crate::player::harmless;
use crate::rig::Rig;
use crate::standin::StandIn;

/// What a boot brings comes within this of each other.
const QUIET: Duration = Duration::from_millis(500);

/// What shows a cable: the status, in 2.x also an event of a transaction or of a variable.
const EFFECTS: [&str; 3] = ["StatusNotification", "TransactionEvent", "NotifyEvent"];

pub(super) async fn examine(rig: &Rig, operator: Option<Arc<dyn Operator>>, report: Report<'_>) {
    let address = rig.listen.as_deref().unwrap_or_default();
    let mut listener = match Listener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            report(Check::problem(
                error.to_string(),
                "give an address of this machine that is free: `listen:`, --listen",
            ));
            return;
        }
    };
    report(Check::ok(format!("a station is awaited at ws://{}/", listener.address())));
    let Some((mut line, identity, version)) = arrive(&mut listener, rig, report).await else { return };
    boot(&mut line, rig, version, report).await;
    if alive(&mut line, rig, version, report).await {
        plugged(&mut line, rig, &identity, version, operator, report).await;
    }
    if let Some(skew) = line.skew {
        report(clocks(version, skew, rig.timeouts.clock));
    }
    line.flaws().for_each(&mut *report);
    line.end().await;
}

/// Waits for the station. What comes and does not fit is told, and the wait goes on.
async fn arrive(listener: &mut Listener, rig: &Rig, report: Report<'_>) -> Option<(Line, String, Version)> {
    let deadline = Instant::now() + rig.timeouts.reconnect;
    let mut came = false;
    loop {
        let stream = match tokio::time::timeout_at(deadline, listener.accept()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                report(Check::problem(error.to_string(), "see what the system has against it"));
                return None;
            }
            Err(_) if came => return None,
            Err(_) => {
                report(Check::problem(
                    format!("no station came within {} s", rig.timeouts.reconnect.as_secs_f64()),
                    format!("point the station at ws://{}/ and see that it can reach this machine", listener.address()),
                ));
                return None;
            }
        };
        match tokio::time::timeout(rig.timeouts.reply, admit(stream, rig)).await {
            Ok(Ok(arrived)) => {
                report(Check::ok(format!("{}: {} is connected", arrived.2, shorten(&arrived.1))));
                return Some(arrived);
            }
            Ok(Err(check)) => {
                // Once; a station that tries again and again has the same trouble each time.
                if !came {
                    report(check);
                }
            }
            Err(_) if came => {}
            Err(_) => report(Check::problem(
                "something connected and sent no handshake",
                "is it a station, and does it speak OCPP-J over plain ws://?",
            )),
        }
        came = true;
    }
}

async fn admit(stream: Stream, rig: &Rig) -> Result<(Line, String, Version), Check> {
    let incoming = handshake::read_request(stream, &Limits::default()).await.map_err(|error| {
        Check::problem(format!("the handshake failed: {error}"), "the station has to speak OCPP-J over plain ws://")
    })?;
    let request = incoming.request.clone();
    let identity = request.identity.clone();
    if !rig.identities.is_empty() && !rig.identities.contains(&identity) {
        let check = Check::problem(
            format!("a station with the identity \"{}\" came, which the rig does not name", shorten(&identity)),
            "name it in the rig: `identities:` (--identity)",
        );
        return refuse(incoming, 404, check).await;
    }
    if let Some(password) = &rig.password {
        let fits = request
            .basic
            .as_ref()
            .is_some_and(|basic| basic.user == identity.as_bytes() && basic.password == password.expose().as_bytes());
        if !fits {
            let check = Check::problem(
                format!("\"{}\" came with other credentials than the rig's", shorten(&identity)),
                "give the station this password, or the rig that of the station: `password:`, --password-env",
            );
            return refuse(incoming, 401, check).await;
        }
    }
    let versions = if rig.versions.is_empty() { vec![Version::V16] } else { rig.versions.clone() };
    let chosen = request
        .subprotocols
        .iter()
        .find_map(|name| versions.iter().copied().find(|version| version.subprotocol() == name));
    let Some(version) = chosen else {
        let offered = shorten(&request.subprotocols.join(", "));
        let check = Check::problem(
            format!("the station offers [{offered}], and the rig wants none of it"),
            "name the version in the rig: `ocpp:` (--ocpp)",
        );
        return refuse(incoming, 400, check).await;
    };
    let connection = incoming.accept(Some(version.subprotocol()), &Headers::new()).await.map_err(|error| {
        Check::problem(format!("the handshake failed: {error}"), "see in the log of the station why it went away")
    })?;
    let rig = rig.for_version(version);
    let standin = StandIn::across_from(Role::Station, version, &rig);
    Ok((Line::new(connection, version, standin, Clock::system()), identity, version))
}

async fn refuse<T>(incoming: Incoming<Stream>, status: u16, check: Check) -> Result<T, Check> {
    // Whether the station hears it does not matter.
    let _ = incoming.refuse(status, &Headers::new(), b"").await;
    Err(check)
}

async fn boot(line: &mut Line, rig: &Rig, version: Version, report: Report<'_>) {
    report(match line.await_call(&["BootNotification"], rig.timeouts.step).await {
        Ok(()) => Check::ok(format!("{version}: the station boots")),
        // It may have booted long ago and only connected again (16-COLD).
        Err(why) => Check::warning(
            format!("{version}: no BootNotification: {why}"),
            "a station that only connects again need not send one; restart it if it should",
        ),
    });
}

async fn alive(line: &mut Line, rig: &Rig, version: Version, report: Report<'_>) -> bool {
    let (action, request) = harmless(Role::Station, version);
    match line.call(action, request, rig.timeouts.reply).await {
        Ok(_) => {
            report(Check::ok(format!("{version}: the station answers {action}")));
            true
        }
        Err(why) => {
            report(Check::problem(
                format!("{version}: {action}: {why}"),
                "a station that is accepted has to answer it; see its log",
            ));
            false
        }
    }
}

/// One stimulus, and the message that proves it.
async fn plugged(
    line: &mut Line,
    rig: &Rig,
    identity: &str,
    version: Version,
    operator: Option<Arc<dyn Operator>>,
    report: Report<'_>,
) {
    let rig = rig.for_version(version);
    let drivers = Drivers::from_rig(&rig, version, operator);
    let can = |verb| drivers.can(Role::Station, verb);
    match (can("plug in"), can("unplug")) {
        (Can::Yes, Can::Yes) => {}
        (Can::Never, _) | (_, Can::Never) => {
            report(Check::ok(format!("{version}: the rig says that nothing can be plugged in")));
            return;
        }
        _ => {
            report(Check::warning(
                format!("{version}: nothing plugs a cable in"),
                "bind a driver (`drivers:`, --driver-url) or ask a person (`prompt`); without one, cases that need it are \
                 Inconclusive",
            ));
            return;
        }
    }
    let at = rig.connectors.first().map(|connector| connector.to_json());
    let with: Map<String, Value> = at.map(|at| ("at".to_owned(), at)).into_iter().collect();
    let stimulus = |verb: &str| Stimulus { party: Role::Station, verb: verb.to_owned(), with: with.clone() };
    let mend = "correct the binding under `drivers:` (--driver-url), and see in the log of the station what came of it";
    // What a boot brings is not taken for the effect.
    line.rest(QUIET, rig.timeouts.step).await;
    let done = line.meanwhile(Box::pin(drivers.stimulate(identity, &stimulus("plug in")))).await;
    let check = match done {
        Err(why) => Check::problem(format!("{version}: while a cable was plugged in: {why}"), mend),
        Ok(Confirmation::Done | Confirmation::CannotCarry(_)) => {
            match line.await_call(&EFFECTS, rig.timeouts.step).await {
                Ok(()) => Check::ok(format!("{version}: the driver plugs in, and the station says so")),
                Err(why) => Check::problem(
                    format!("{version}: the driver confirmed that a cable is plugged in, but it does not show: {why}"),
                    mend,
                ),
            }
        }
        Ok(Confirmation::NotBound(verb)) => Check::warning(format!("{version}: the driver has no way to {verb}"), mend),
        Ok(Confirmation::Undrivable(why) | Confirmation::Failed(why)) => {
            Check::problem(format!("{version}: the driver failed to plug in: {}", shorten(&why)), mend)
        }
    };
    report(check);
    let undone = line.meanwhile(Box::pin(drivers.stimulate(identity, &stimulus("unplug")))).await;
    if !matches!(undone, Ok(Confirmation::Done | Confirmation::CannotCarry(_))) {
        report(Check::warning(format!("{version}: the cable could not be unplugged again"), mend));
    }
}
