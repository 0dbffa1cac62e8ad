//! Procedures that take more than one link: further stations, strangers, and whoever follows an address.

use std::net::IpAddr;

use protocol::frame::Frame;
use protocol::{Role, Version};
use serde_json::{Value, json};

use super::other::OtherStation;
use super::procedures::is_alive;
use super::{Conversation, Step, call};
use crate::canary::Canary;
use crate::pattern::shorten;
use crate::runner::Knock;

/// How often two stations call in turns.
const TURNS: usize = 12;
/// So often is looked whether somebody comes to the canary.
const LOOKS: u32 = 10;

pub(super) async fn addresses_in_texts(with: &mut Conversation<'_>) -> Step<()> {
    let host = with.stage.player.rig().value("canary_host").and_then(|host| host.to_json().as_str()?.parse().ok());
    let host = host.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    let canary = match Canary::listen_at(host).await {
        Ok(canary) => canary,
        Err(error) => return Err(with.give_up("no listener for strangers", &error.to_string())),
    };
    let shapes: [fn(&str) -> String; 6] = [
        |at| format!("http://{at}"),
        |at| format!("${{jndi:ldap://{at}}}"),
        |at| format!("x; curl http://{at}"),
        |at| format!("$(curl http://{at})"),
        |at| format!("`curl http://{at}`"),
        |at| format!("<!DOCTYPE x [<!ENTITY y SYSTEM \"http://{at}\">]><x>&y;</x>"),
    ];
    let mut hidden = Vec::new();
    for shape in shapes {
        for (place, message) in places(with.device(), with.version()) {
            let text = shape(&canary.token(hidden.len()));
            if text.len() > place.room {
                continue;
            }
            hidden.push(format!("{} {}: {text}", place.action, place.field));
            let sent = with.send(call(place.action, message(&text))).await?;
            // What is said to it is for other cases.
            with.answer_to(&sent, "R-037").await?;
        }
    }
    let grace = with.stage.player.rig().timeouts.grace;
    for _ in 0..LOOKS {
        if let Some(hit) = canary.take().first() {
            let place = hit.act.and_then(|at| hidden.get(at)).map_or("some text", String::as_str);
            let said = shorten(&String::from_utf8_lossy(&hit.bytes[..hit.bytes.len().min(80)]));
            with.warn(&format!("an address in a text was followed (R-242), in {place}, by who said {said:?}"));
            break;
        }
        let until = with.now() + grace / LOOKS;
        with.wait(until, |_, _| None::<()>).await?;
    }
    is_alive(with).await
}

/// A text of a message that nothing is to be fetched for.
struct Place {
    action: &'static str,
    field: &'static str,
    /// So many characters fit.
    room: usize,
}

type Made = fn(&str) -> Value;

fn places(device: Role, version: Version) -> Vec<(Place, Made)> {
    let place = |action, field, room| Place { action, field, room };
    let transfer: Made = |text| json!({ "vendorId": "org.plugfest.unheard-of", "data": text });
    let named: (Place, Made) = match (device, version) {
        (Role::Csms, Version::V16) => (
            place("StatusNotification", "info", 50),
            |text| json!({ "connectorId": 0, "errorCode": "NoError", "status": "Available", "info": text }),
        ),
        (Role::Csms, _) => (
            place("SecurityEventNotification", "techInfo", 255),
            |text| json!({ "type": "SettingSystemTime", "timestamp": "2024-01-31T12:00:00Z", "techInfo": text }),
        ),
        (Role::Station, Version::V16) => (place("GetConfiguration", "key", 50), |text| json!({ "key": [text] })),
        (Role::Station, _) => (
            place("GetVariables", "variable.name", 50),
            |text| json!({ "getVariableData": [{ "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": text } }] }),
        ),
    };
    vec![(place("DataTransfer", "data", 2000), transfer), named]
}

pub(super) async fn passwords_checked(with: &mut Conversation<'_>) -> Step<()> {
    let (own, of_another) = with.passwords();
    let mut tries =
        vec![("without a password", None), ("with a wrong password", Some("plugfest-wrong-password-0000".to_owned()))];
    if of_another.is_some() && of_another != own {
        tries.push(("with the password of another station", of_another));
    }
    for (how, password) in tries {
        // No answer lets nobody in, either.
        if let Some(Knock::Open(connection)) = with.knock(None, Some(password)).await? {
            if !with.is_closed_at_once(*connection).await? {
                let title = format!("a second link {how} was let in");
                return Err(with.failure(&title, "a refusal of the handshake", "HTTP 101", "R-083"));
            }
            with.warn(&format!("a link {how} is best refused before it is open, not closed afterwards (R-083)"));
        }
    }
    is_alive(with).await
}

pub(super) async fn two_stations(with: &mut Conversation<'_>) -> Step<()> {
    const UNKNOWN: &str = "PlugfestNoSuchAction";
    let mut other = with.another_station().await?;
    let (ours, theirs) = (with.stage.player.session().identity.clone(), other.identity().to_owned());
    let mut tells = false;
    for turn in 0..TURNS {
        let message = if turn % 3 == 2 { call(UNKNOWN, json!({})) } else { with.harmless() };
        let sent = with.send(message).await?;
        let answer = match with.answer_to(&sent, "R-037").await {
            Ok(answer) => answer,
            Err(failure) => return Err(gone_astray(with, &mut other, &sent.id).await?.unwrap_or(failure)),
        };
        tells = tells || warn_of(with, &answer, &theirs, &ours);
        let (action, payload) = if turn % 3 == 1 { (UNKNOWN, json!({})) } else { ("Heartbeat", json!({})) };
        match with.call_as(&mut other, action, payload).await? {
            Some(answer) => tells = tells || warn_of(with, &answer, &ours, &theirs),
            None => {
                let expected = format!("an answer to {action} of {theirs}");
                return Err(with.failure("another station was not answered", &expected, "nothing came", "R-037"));
            }
        }
    }
    Ok(())
}

/// The answer to a call of ours, on the link of another station.
async fn gone_astray(
    with: &mut Conversation<'_>,
    other: &mut OtherStation,
    id: &str,
) -> Step<Option<Box<verdict::Failure>>> {
    let found = with.came_to(other, id).await?;
    Ok(found.map(|text| {
        let title = format!("an answer for our station came to {}", other.identity());
        with.failure(&title, "the answer on the link of its call", &shorten(&text), "R-022")
    }))
}

/// Whether what is said to one station names another, which earns a warning.
fn warn_of(with: &mut Conversation<'_>, answer: &Frame, of: &str, to: &str) -> bool {
    let text = answer.to_text();
    let tells = text.contains(of) && !to.contains(of);
    if tells {
        with.warn(&format!("what {to} is told names {of} (R-241): {}", shorten(&text)));
    }
    tells
}

pub(super) async fn transaction_of_another(with: &mut Conversation<'_>) -> Step<()> {
    let rig = with.stage.player.rig();
    let tag = rig.tags.get("valid").map_or("PLUGFEST".to_owned(), |tag| tag.id_token.clone());
    let mut connectors = rig.connectors.iter().map(|connector| connector.connector);
    let (connector, second) = (connectors.next().unwrap_or(1), connectors.next());
    let mut other = with.another_station().await?;
    let (id, status) = start(with, connector, &tag, 100).await?;
    // Where a token may charge once at a time, another start of it tells whether its transaction still runs.
    let watched = match second {
        Some(second) if status == "Accepted" && charges_elsewhere(with, second, &tag, 1000).await? == Some(false) => {
            Some(second)
        }
        _ => None,
    };
    let stop = |id: Value, now: String| json!({ "transactionId": id, "meterStop": 200, "timestamp": now });
    // What a stranger is told is the CSMS's own business.
    let now = with.now().to_string();
    with.call_as(&mut other, "StopTransaction", stop(id.clone(), now)).await?;
    still_runs(with, watched, &tag, 2000, "another station had sent its end").await?;
    let now = with.now().to_string();
    with.call(call("StopTransaction", stop(json!(UNHEARD_OF), now)), ALWAYS).await?;
    still_runs(with, watched, &tag, 3000, "the end of an unknown transaction had been sent").await?;
    let now = with.now().to_string();
    with.call(call("StopTransaction", stop(id, now)), ALWAYS).await?;
    Ok(())
}

const ALWAYS: &str = "16-TX-05";
/// The id of a transaction that nobody has started.
const UNHEARD_OF: i64 = 2_147_483_645;

/// Where the CSMS has refused to start this token elsewhere while it charges, it still does.
async fn still_runs(with: &mut Conversation<'_>, watched: Option<i64>, tag: &str, meter: i64, since: &str) -> Step<()> {
    let Some(connector) = watched else { return Ok(()) };
    if charges_elsewhere(with, connector, tag, meter).await? == Some(true) {
        let title = format!("a transaction was over after {since}");
        return Err(with.failure(&title, "idTagInfo.status ConcurrentTx, as before", "Accepted", "16-TX-03"));
    }
    Ok(())
}

/// Starts a transaction: its id, and what the CSMS thinks of the token.
async fn start(with: &mut Conversation<'_>, connector: i64, tag: &str, meter: i64) -> Step<(Value, String)> {
    let start = json!({
        "connectorId": connector, "idTag": tag, "meterStart": meter, "timestamp": with.now().to_string(),
    });
    let started = with.call(call("StartTransaction", start), ALWAYS).await?;
    let payload = started.payload();
    let status = payload.and_then(|payload| payload.pointer("/idTagInfo/status")).and_then(Value::as_str);
    match (payload.and_then(|payload| payload.get("transactionId")), status) {
        (Some(id), Some(status)) => Ok((id.clone(), status.to_owned())),
        _ => Err(with.give_up("no transaction began", &shorten(&started.to_text()))),
    }
}

/// Whether a token that charges may start elsewhere, too; nothing if that is not told.
async fn charges_elsewhere(with: &mut Conversation<'_>, connector: i64, tag: &str, meter: i64) -> Step<Option<bool>> {
    let (id, status) = start(with, connector, tag, meter).await?;
    let stop = json!({ "transactionId": id, "meterStop": meter + 1, "timestamp": with.now().to_string() });
    with.call(call("StopTransaction", stop), ALWAYS).await?;
    Ok(match status.as_str() {
        "Accepted" => Some(true),
        "ConcurrentTx" => Some(false),
        _ => None,
    })
}
