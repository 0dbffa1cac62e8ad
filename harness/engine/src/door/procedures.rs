//! The procedures themselves. What each demands is said where its name is, in [`script::Procedure`].

use std::time::Duration;

use protocol::Version;
use script::Procedure;
use serde_json::{Value, json};

use super::{Conversation, Damage, Reaction, Step, beside, binary, call, close, damaged, ping, pong, raw, result};

pub(super) async fn carry_out(procedure: Procedure, with: &mut Conversation<'_>) -> Step<()> {
    match procedure {
        Procedure::CallInFragments => call_in_fragments(with).await,
        Procedure::AnswerInFragments => answer_in_fragments(with).await,
        Procedure::PingsAnswered => pings_answered(with).await,
        Procedure::LinkClosed => link_closed(with).await,
        Procedure::TextNotUtf8 => text_not_utf8(with).await,
        Procedure::BinaryMessages => binary_messages(with).await,
        Procedure::DamagedFrames => damaged_frames(with).await,
        Procedure::LinkReplaced => link_replaced(with).await,
        Procedure::AnswerInUnknownWords => answer_in_unknown_words(with).await,
        Procedure::ManyCalls => many_calls(with).await,
        Procedure::OneCallAtATime => one_call_at_a_time(with).await,
        Procedure::AddressesInTexts => beside::addresses_in_texts(with).await,
        Procedure::PasswordsChecked => beside::passwords_checked(with).await,
        Procedure::TwoStations => beside::two_stations(with).await,
        Procedure::TransactionOfAnother => beside::transaction_of_another(with).await,
    }
}

async fn call_in_fragments(with: &mut Conversation<'_>) -> Step<()> {
    let whole = with.harmless();
    let sent = with.send_in_pieces(whole, thirds, &[ping("first"), ping("last")]).await?;
    // Of several pings only the last need be answered (RFC 6455 5.5.3).
    with.expect(pong("last"), "R-097").await?;
    with.result_of(&sent, "R-093").await?;

    let accented = call("DataTransfer", json!({ "vendorId": "org.plugfest", "data": "Straße" }));
    let sent = with.send_in_pieces(accented, inside_the_first_character, &[]).await?;
    // Whether the vendor is known, or the message at all, is not the question.
    with.answer_to(&sent, "R-093").await?;
    Ok(())
}

async fn answer_in_fragments(with: &mut Conversation<'_>) -> Step<()> {
    // A station whose first answer got lost still waits for it when the second heartbeat is due.
    for last in ["last of one", "last of two"] {
        with.listen_for("Heartbeat");
        let trigger = call("TriggerMessage", json!({ "requestedMessage": "Heartbeat" }));
        let sent = with.send(trigger).await?;
        // Whether it has to have the message is for the cases of the message to say.
        let answer = with.answer_to(&sent, "R-037").await?;
        if answer.payload().and_then(|payload| payload.get("status")) != Some(&json!("Accepted")) {
            return Err(with.give_up("the station does not let itself be triggered", &answer.to_text()));
        }
        let heartbeat = with.called("Heartbeat", "R-093").await?;
        let time = json!({ "currentTime": with.now().to_string() });
        with.send_in_pieces(result(&heartbeat, time), thirds, &[ping("first"), ping(last)]).await?;
        with.expect(pong(last), "R-097").await?;
    }
    Ok(())
}

async fn pings_answered(with: &mut Conversation<'_>) -> Step<()> {
    let payloads: [&[u8]; 4] = [b"", b"plugfest", b"\x00\xff\xfe\x80", &[b'p'; 125]];
    for payload in payloads {
        with.send(ping(payload)).await?;
        with.expect(pong(payload), "R-097").await?;
    }
    with.send(pong("unasked")).await?;
    let harmless = with.harmless();
    with.call(harmless, "R-037").await?;
    Ok(())
}

async fn link_closed(with: &mut Conversation<'_>) -> Step<()> {
    with.send(close(1000)).await?;
    with.expect(close(1000), "R-070").await?;
    with.link_again("R-070").await?;
    let harmless = with.harmless();
    with.call(harmless, "R-037").await?;
    Ok(())
}

async fn text_not_utf8(with: &mut Conversation<'_>) -> Step<()> {
    let broken = |id: &str| {
        let mut bytes = format!("[2,\"{id}\",\"DataTransfer\",{{\"vendorId\":\"org.plugfest").into_bytes();
        bytes.extend_from_slice(b"\xc3\x28\"}]");
        bytes
    };
    let sent = with.send(raw(broken)).await?;
    match with.reaction_to(&sent).await? {
        Reaction::Closed(Some(1007)) => {}
        Reaction::Closed(Some(code)) => with.warn(&format!("text that is not UTF-8 earns close code 1007, not {code}")),
        Reaction::Closed(None) => with.warn("text that is not UTF-8 earns close code 1007, not a close without code"),
        Reaction::Dropped(how) => with.warn(&format!("a link is best failed with close code 1007: {how}")),
        Reaction::Answered => {
            with.warn("text that is not UTF-8 was answered; its link is to be failed with close code 1007")
        }
        Reaction::Ignored => with.warn("a link on which text is not UTF-8 is to be failed with close code 1007"),
    }
    is_alive(with).await
}

async fn binary_messages(with: &mut Conversation<'_>) -> Step<()> {
    let no_text = |_: &str| b"\x00\xff\xfe\x80plugfest\xc3".to_vec();
    let a_call =
        |id: &str| format!("[2,\"{id}\",\"DataTransfer\",{{\"vendorId\":\"org.plugfest.unheard-of\"}}]").into_bytes();
    for message in [binary(no_text), binary(a_call)] {
        let sent = with.send(message).await?;
        match with.reaction_to(&sent).await? {
            Reaction::Answered => with.warn("a binary message was answered as if it were text (R-002)"),
            Reaction::Dropped(how) => with.warn(&format!("a link is best failed with close code 1003: {how}")),
            Reaction::Closed(_) | Reaction::Ignored => {}
        }
        is_alive(with).await?;
    }
    Ok(())
}

async fn damaged_frames(with: &mut Conversation<'_>) -> Step<()> {
    for damage in [Damage::ReservedBit, Damage::ReservedOpcode, Damage::Continuation] {
        let sent = with.send(damaged(damage)).await?;
        let name = damage.name();
        match with.reaction_to(&sent).await? {
            Reaction::Closed(Some(_)) => {}
            Reaction::Closed(None) => with.warn(&format!("a {name} earns close code 1002, not a close without code")),
            Reaction::Dropped(how) => with.warn(&format!("a {name} is best answered with close code 1002: {how}")),
            Reaction::Answered => with.warn(&format!("a {name} was answered; its link is to be failed with 1002")),
            Reaction::Ignored => with.warn(&format!("a link with a {name} is to be failed with close code 1002")),
        }
        is_alive(with).await?;
    }
    let sent = with.send(damaged(Damage::Huge)).await?;
    match with.reaction_soon(&sent).await? {
        Some(Reaction::Dropped(how)) => {
            with.warn(&format!("a {} is best answered with close code 1009: {how}", Damage::Huge.name()));
        }
        Some(_) => {}
        // It may wait for the rest, and then hears nothing else on this link.
        None => with.cut().await,
    }
    is_alive(with).await
}

/// The device answers a call, on this link or on a new one.
pub(super) async fn is_alive(with: &mut Conversation<'_>) -> Step<()> {
    outlives(with, "R-070", "R-037").await
}

/// The same, where these statements are broken if no link comes about, or no answer.
async fn outlives(with: &mut Conversation<'_>, links: &str, answers: &str) -> Step<()> {
    if !with.is_linked() {
        with.link_again(links).await?;
    }
    let harmless = with.harmless();
    with.call(harmless, answers).await?;
    Ok(())
}

async fn link_replaced(with: &mut Conversation<'_>) -> Step<()> {
    for _ in 0..2 {
        if !with.replace_link().await? {
            if with.is_linked() {
                with.send(close(1000)).await?;
                with.expect(close(1000), "R-070").await?;
            }
            with.link_again("R-070").await?;
        }
        let harmless = with.harmless();
        with.call(harmless, "R-037").await?;
    }
    Ok(())
}

async fn answer_in_unknown_words(with: &mut Conversation<'_>) -> Step<()> {
    const ACTION: &str = "ClearCache";
    with.listen_for(ACTION);
    with.ask_for(ACTION, json!({}));
    let Some(asked) = with.called_in_time(ACTION).await? else {
        return Err(with.give_up("the CSMS does not make the call that it is asked for", "no ClearCache"));
    };
    with.send(result(&asked, json!({ "status": "Perhaps" }))).await?;
    // A bad result is dropped, and no more.
    outlives(with, "R-015", "R-015").await
}

async fn many_calls(with: &mut Conversation<'_>) -> Step<()> {
    const TENS: usize = 6;
    const FELT: Duration = Duration::from_millis(50);
    let mut tens = Vec::new();
    for _ in 0..TENS {
        let mut took = Vec::new();
        for _ in 0..10 {
            let harmless = with.harmless();
            let before = with.now();
            with.call(harmless, "R-037").await?;
            took.push(with.now().since(before));
        }
        tens.push(took);
    }
    let slowest_at_first = tens[0].iter().max().copied().unwrap_or_default();
    let quickest: Vec<Duration> = tens.iter().filter_map(|ten| ten.iter().min().copied()).collect();
    let rises = quickest[2..].windows(2).all(|pair| pair[0] < pair[1]);
    let quickest_at_last = quickest.last().copied().unwrap_or_default();
    // A device that is busy for a while does not get slower from ten to ten, and not so much.
    if rises && quickest_at_last > slowest_at_first * 4 + FELT {
        with.warn(&format!(
            "answers take longer and longer (R-243): the first ten up to {slowest_at_first:?}, the last ten at least \
             {quickest_at_last:?}"
        ));
    }
    Ok(())
}

async fn one_call_at_a_time(with: &mut Conversation<'_>) -> Step<()> {
    let (action, asked, told): (_, _, fn(&Value) -> Value) = match with.version() {
        Version::V16 => ("GetConfiguration", json!({ "key": ["HeartbeatInterval"] }), keys_told),
        _ => {
            let variable = json!({
                "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": "OfflineThreshold" },
            });
            ("GetVariables", json!({ "getVariableData": [variable] }), variables_told)
        }
    };
    for _ in 0..2 {
        with.listen_for(action);
    }
    with.ask_for(action, asked.clone());
    let Some(first) = with.called_in_time(action).await? else {
        return Err(with.give_up("the CSMS does not make the call that it is asked for", &format!("no {action}")));
    };
    with.ask_for(action, asked);
    // The oracle of one outstanding call tells if it does not wait.
    let hasty = with.called_soon(action).await?;
    with.send(result(&first, told(&first.payload))).await?;
    let second = match hasty {
        Some(second) => Some(second),
        None => with.called_soon(action).await?,
    };
    if let Some(second) = second {
        with.send(result(&second, told(&second.payload))).await?;
    }
    Ok(())
}

/// An answer to GetConfiguration that has a number for everything.
fn keys_told(request: &Value) -> Value {
    let wanted = request.get("key").and_then(Value::as_array);
    let told = wanted.into_iter().flatten().map(|key| json!({ "key": key, "readonly": false, "value": "60" }));
    json!({ "configurationKey": told.collect::<Vec<_>>() })
}

/// An answer to GetVariables that has a number for everything.
fn variables_told(request: &Value) -> Value {
    let wanted = request.get("getVariableData").and_then(Value::as_array);
    let results = wanted.into_iter().flatten().map(|wanted| {
        let mut told = wanted.as_object().cloned().unwrap_or_default();
        told.insert("attributeStatus".to_owned(), "Accepted".into());
        told.insert("attributeValue".to_owned(), "60".into());
        Value::Object(told)
    });
    json!({ "getVariableResult": results.collect::<Vec<_>>() })
}

fn thirds(bytes: &[u8]) -> Vec<usize> {
    vec![bytes.len() / 3, bytes.len() * 2 / 3]
}

/// Before the second byte of the first character that has one.
fn inside_the_first_character(bytes: &[u8]) -> Vec<usize> {
    bytes.iter().position(|byte| !byte.is_ascii()).map(|at| at + 1).into_iter().collect()
}
