//! Messages of the device, and its answers to our calls.

use protocol::Timestamp;
use protocol::catalogue::{Catalogue, Type};
use protocol::frame::Frame;
use script::ast::Answer;
use serde_json::Value;
use verdict::oracles::Answered;
use verdict::{Diagnostic, Direction, EventKind, Verdict};

use super::session::Debt;
use super::{Outcome, Phase, Player, Tag};
use crate::leaf::{Asked, Leaf, LeafKind};
use crate::pattern::{self, Mismatch, shorten};
use crate::rig::Claim;
use crate::scope::Tentative;
use crate::tree::Node;

/// What a device has to have to take this message: the profile in 1.6; in 2.x the functional blocks that a device may
/// do without have a name, and the others are its core.
fn feature<'m>(version: protocol::Version, action: &str, profile: &'m str) -> &'m str {
    if version == protocol::Version::V16 {
        return profile;
    }
    match (profile, action) {
        (_, "ClearCache") => "AuthorizationCache",
        ("N", "GetLog" | "LogStatusNotification" | "CustomerInformation" | "NotifyCustomerInformation") => "Core",
        ("D", _) => "LocalAuthListManagement",
        ("H", _) => "Reservation",
        ("I", _) => "Cost",
        ("K", _) => "SmartCharging",
        ("L", _) => "FirmwareManagement",
        ("M", _) => "CertificateManagement",
        ("N", _) => "Monitoring",
        ("O", _) => "DisplayMessage",
        ("P", _) => "DataTransfer",
        ("Q" | "R" | "S", _) => "EnergyTransfer",
        _ => "Core",
    }
}

/// The token that a request to a CSMS is about, in one case (16-AUTH-07).
fn token_of(request: &Value) -> Option<String> {
    let token = request.get("idTag").or_else(|| request.pointer("/idToken/idToken"))?;
    token.as_str().map(str::to_lowercase)
}

/// What a CSMS says of the token in a request.
fn token_status(result: &Value) -> Option<&str> {
    result.pointer("/idTagInfo/status").or_else(|| result.pointer("/idTokenInfo/status"))?.as_str()
}

/// More messages than this in one plan is a flood.
const MOST_FRAMES: usize = 20_000;

impl Player {
    pub(super) fn text(&mut self, now: Timestamp, bytes: &[u8]) {
        self.frames += 1;
        if self.frames > MOST_FRAMES {
            self.abandon(now, Verdict::Fail, "the device floods: more than 20000 messages in one case");
            return;
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let base64 = std::str::from_utf8(bytes).is_err().then(|| crate::base64(bytes));
        self.event(now, EventKind::Text { direction: Direction::FromDevice, text: text.clone(), base64 });
        let reading = self.session.oracles.received(now, bytes);
        match &reading.frame {
            Some(Frame::Call { id, action, payload }) if self.say_again(now, id, action, payload) => {}
            Some(Frame::Call { id, action, payload }) => {
                self.device_call(now, id, action, payload, false, &text);
            }
            Some(Frame::Send { id, action, payload }) => {
                self.device_call(now, id, action, payload, true, &text);
            }
            Some(answer @ (Frame::Result { .. } | Frame::Error { .. })) => {
                match self.session.oracles.answer(now, bytes, answer) {
                    Answered::Call => self.device_answer(now, answer, &text),
                    Answered::RawText if self.answer_for_procedure(answer) => {}
                    Answered::RawText => self.reacted(now, answer, &text),
                    Answered::Nothing => {}
                }
            }
            Some(Frame::ResultError { .. }) => {}
            None => {
                // What can be told to be a call is answered; the oracle has already said what is wrong with it.
                if let (Some(2), Some(id)) = (reading.message_type, &reading.id) {
                    let code = if self.program.version == protocol::Version::V16 {
                        "FormationViolation"
                    } else {
                        "RpcFrameworkError"
                    };
                    self.send_error(now, &id.clone(), code, "");
                }
            }
        }
    }

    /// A call that was answered before, and whose answer may have gone with the link, is answered the same again; to the
    /// case it has come once.
    fn say_again(&mut self, now: Timestamp, id: &str, action: &str, payload: &Value) -> bool {
        let Some(result) = self.session.oracles.take_said_again() else { return false };
        self.note(format!("{action} came again: the link went before our answer had shown to be heard"));
        self.result_frame(now, id, action, payload, &result);
        self.event(now, EventKind::Background { action: action.to_owned() });
        true
    }

    pub(super) fn binary(&mut self, now: Timestamp, bytes: &[u8]) {
        self.frames += 1;
        let head = &bytes[..bytes.len().min(64 * 1024)];
        self.event(
            now,
            EventKind::Binary { direction: Direction::FromDevice, base64: crate::base64(head), length: bytes.len() },
        );
        self.session.oracles.wire(
            now,
            "R-002",
            "binary-message",
            "the device sent a binary message; OCPP travels as text",
            false,
        );
    }

    /// An answer to an open call of ours.
    fn device_answer(&mut self, now: Timestamp, answer: &Frame, text: &str) {
        self.session.spoken = true;
        let Some(open) = self.open.take_if(|open| open.id == answer.id()) else { return };
        self.session.slowest = self.session.slowest.max(Some(now.since(open.since)));
        self.learn_from_answer(&open.action, &open.request, answer);
        if let Frame::Result { payload, .. } = answer {
            self.session.standin.exchanged(now, &open.action, &open.request, payload);
        }
        match open.tag {
            Tag::Chore => {
                self.chore_answered(now, answer);
                return;
            }
            Tag::Sentinel => {
                self.sentinel_answered(now);
                return;
            }
            Tag::Procedure => {
                self.answer_for_procedure(answer);
                return;
            }
            Tag::Step | Tag::Silence => {}
        }
        if self.phase != Phase::Segment || self.outcome.is_some() {
            return;
        }
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        let mut passed = Vec::new();
        let taken = node.offer(
            &mut |leaf| matches!(&leaf.kind, LeafKind::AnswerOfDevice(asked) if asked.id == answer.id()),
            &mut |_| false,
            &mut passed,
        );
        self.node = node;
        self.passed_over(passed);
        let Some(leaf) = taken else { return };
        let LeafKind::AnswerOfDevice(asked) = leaf.kind.clone() else { return };
        self.step_event(now, &leaf, "answered");
        let follows = self.judge_answer(now, &leaf, &asked, answer, text);
        self.mark(&leaf, now, now);
        self.node.fill(follows);
        self.node.restart_clock(now);
        self.take_early(now);
    }

    /// Holds an answer against what the case says; what follows is returned.
    fn judge_answer(&mut self, now: Timestamp, leaf: &Leaf, asked: &Asked, answer: &Frame, text: &str) -> Node {
        let call = &asked.step.call;
        if let Some(again) = self.boot_later(now, leaf, asked, answer) {
            return again;
        }
        match &call.answer {
            Answer::Replies(branches) => {
                let mut nearest: Option<Mismatch> = None;
                for (at, branch) in branches.iter().enumerate() {
                    let holds = asked.step.when.get(at).is_none_or(|conditions| {
                        conditions.iter().all(|condition| {
                            crate::tree::Guide::holds(&super::guide::Guide(self), condition) != crate::tree::Truth::No
                        })
                    });
                    if !holds {
                        continue;
                    }
                    match self.fits_answer(now, leaf, asked, &branch.answer, answer) {
                        Ok(binds) => {
                            self.bindings.commit(binds);
                            if let Some(warn) = &branch.warn {
                                self.warn(format!("{} ({}:{})", warn.value, leaf.source.path, leaf.line()));
                            }
                            return asked.step.then.get(at).cloned().unwrap_or(Node::Done);
                        }
                        Err(mismatch) => {
                            nearest.get_or_insert(mismatch);
                        }
                    }
                }
                let title = format!("the answer to {} is none of those allowed", call.action.value);
                if let Some(mismatch) = nearest {
                    self.misfit_answer(now, leaf, asked, title, &mismatch, answer, text);
                }
                Node::Done
            }
            wanted => {
                match self.fits_answer(now, leaf, asked, wanted, answer) {
                    Ok(binds) => self.bindings.commit(binds),
                    Err(mismatch) => {
                        let title = format!("the answer to {} does not fit", call.action.value);
                        self.misfit_answer(now, leaf, asked, title, &mismatch, answer, text);
                    }
                }
                Node::Done
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything a diagnostic of an answer shows")]
    fn misfit_answer(
        &mut self,
        now: Timestamp,
        leaf: &Leaf,
        asked: &Asked,
        title: String,
        mismatch: &Mismatch,
        answer: &Frame,
        text: &str,
    ) {
        // A device that does not claim the profile of an action may decline it.
        if let Frame::Error { code, .. } = answer
            && matches!(code.as_str(), "NotImplemented" | "NotSupported")
            && let Some(message) = Catalogue::of(self.program.version).message(&asked.step.call.action.value)
            && let feature = feature(self.program.version, &message.action, &message.profile)
            && !self.claims(feature)
        {
            let reason = format!("the device declines {} and does not claim {feature}", message.action);
            self.conclude(Outcome::plain(Verdict::NotApplicable, &reason));
            return;
        }
        if let Some(token) = self.charges_elsewhere(&asked.request, answer) {
            let reason = format!(
                "the CSMS says that the token \"{}\" charges elsewhere, perhaps since a run that was cut off",
                shorten(&token)
            );
            self.conclude(Outcome::plain(Verdict::Inconclusive, &reason));
            return;
        }
        let sent = Frame::Call {
            id: asked.id.clone(),
            action: asked.step.call.action.value.clone(),
            payload: asked.request.clone(),
        };
        let frame = format!("{text}\nsent     {}", shorten(&sent.to_text()));
        let refusable = match &asked.step.call.answer {
            Answer::Replies(branches) => branches.iter().any(|branch| matches!(branch.answer, Answer::Error(..))),
            Answer::Error(..) | Answer::Nothing(_) => true,
            Answer::AnyResult | Answer::Reply(_) => false,
        };
        let rules = match (answer, &asked.step.call.answer) {
            (Frame::Error { .. }, _) if !refusable => [self.broken(leaf, ""), self.binding("R-037")].concat(),
            (Frame::Result { .. }, Answer::Error(..)) => self.broken_or(leaf, "R-038"),
            _ => self.broken(leaf, &mismatch.path),
        };
        self.misfit_over(now, leaf, rules, title, mismatch, &frame);
    }

    /// The token of a call, if the answer is that it charges elsewhere, and this CSMS was never seen to let it charge:
    /// who knows since when it does.
    fn charges_elsewhere(&self, request: &Value, answer: &Frame) -> Option<String> {
        let token = token_of(request)?;
        let is_elsewhere = answer.payload().and_then(token_status) == Some("ConcurrentTx");
        (is_elsewhere && !self.session.charged.contains(&token)).then_some(token)
    }

    /// Whether anybody claims a feature for the device: what nobody claims may be declined.
    fn claims(&self, feature: &str) -> bool {
        if feature == "Core" {
            return true;
        }
        match self.rig.capabilities.claim(feature) {
            Claim::Claimed => true,
            Claim::Denied => false,
            // Where the rig says nothing a station of 1.6 may.
            Claim::Unknown if self.program.device == protocol::Role::Csms => false,
            Claim::Unknown => {
                let told = self.session.config.get("SupportedFeatureProfiles").and_then(Option::as_deref);
                told.is_some_and(|told| told.split(',').any(|name| name.trim().eq_ignore_ascii_case(feature)))
            }
        }
    }

    fn fits_answer(
        &self,
        now: Timestamp,
        leaf: &Leaf,
        asked: &Asked,
        wanted: &Answer,
        answer: &Frame,
    ) -> Result<Tentative, Mismatch> {
        let mut binds = Tentative::new();
        let misfit = |span, expected: String, actual: String| Mismatch { path: String::new(), span, expected, actual };
        match (wanted, answer) {
            (Answer::AnyResult, Frame::Result { .. }) => Ok(binds),
            (Answer::Reply(pattern), Frame::Result { payload, .. }) => {
                let ty = Catalogue::of(self.program.version)
                    .message(&asked.step.call.action.value)
                    .and_then(|message| message.response.clone())
                    .map(Type::Object);
                pattern::matches(&self.context(now), leaf.scope, pattern, ty.as_ref(), Some(payload), &mut binds)?;
                Ok(binds)
            }
            (Answer::AnyResult | Answer::Reply(_), Frame::Error { code, description, .. }) => {
                let span = match wanted {
                    Answer::Reply(pattern) => pattern.span,
                    _ => leaf.span,
                };
                Err(misfit(span, "a result".to_owned(), format!("the error {code} ({})", shorten(description))))
            }
            (Answer::Error(codes, span), Frame::Error { code, .. }) => {
                if codes.is_empty() || codes.iter().any(|wanted| wanted.value == *code) {
                    return Ok(binds);
                }
                let wanted: Vec<&str> = codes.iter().map(|code| code.value.as_str()).collect();
                Err(misfit(*span, format!("the error {}", wanted.join(" or ")), format!("the error {code}")))
            }
            (Answer::Error(codes, span), Frame::Result { payload, .. }) => {
                let wanted: Vec<&str> = codes.iter().map(|code| code.value.as_str()).collect();
                let wanted = if wanted.is_empty() {
                    "an error".to_owned()
                } else {
                    format!("the error {}", wanted.join(" or "))
                };
                Err(misfit(*span, wanted, format!("the result {}", shorten(&payload.to_string()))))
            }
            (Answer::Nothing(span), other) => Err(misfit(*span, "no answer".to_owned(), shorten(&other.to_text()))),
            (_, other) => Err(misfit(leaf.span, "an answer".to_owned(), shorten(&other.to_text()))),
        }
    }

    /// Gives up what has waited long enough; `true` if anything was.
    pub(super) fn expire(&mut self, now: Timestamp) -> bool {
        if self.no_link_again(now) {
            return true;
        }
        if self.redial_at.take_if(|moment| *moment <= now).is_some() {
            self.dial();
            return true;
        }
        if self.doubt_is_over(now) || self.pause.take_if(|pause| *pause <= now).is_some() {
            return true;
        }
        if let Some(reaction) = &self.reaction
            && reaction.next() <= now
            && self.open.is_none()
        {
            return self.reaction_due(now);
        }
        let Some(open) = self.open.take_if(|open| open.deadline <= now) else {
            return false;
        };
        match open.tag {
            Tag::Silence => {
                self.session.oracles.forgotten(&open.id);
                self.drop_answer_leaf(&open.id);
                return true;
            }
            Tag::Step | Tag::Chore | Tag::Sentinel | Tag::Procedure => {}
        }
        let asked = Frame::Call { id: open.id.clone(), action: open.action.clone(), payload: open.request.clone() };
        self.session.oracles.expired(now, &open.id, &asked.to_text());
        let title = format!("{} was not answered", open.action);
        let waited = now.since(open.since).as_secs_f64();
        match open.tag {
            Tag::Step => {
                if let Some(leaf) = self.drop_answer_leaf(&open.id) {
                    let diagnostic = leaf
                        .blame(
                            Diagnostic::error("unanswered", title.clone()),
                            format!("no answer within {waited:.0} s"),
                        )
                        .note(format!("sent     {}", shorten(&asked.to_text())));
                    self.fail(&leaf, title, diagnostic);
                }
            }
            Tag::Chore => self.chore_unanswered(now, &title),
            Tag::Sentinel => self.sentinel_unanswered(now),
            Tag::Procedure => self.procedure_unanswered(&open.id),
            Tag::Silence => {}
        }
        true
    }

    pub(super) fn drop_answer_leaf(&mut self, id: &str) -> Option<Leaf> {
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        let mut passed = Vec::new();
        let leaf = node.offer(
            &mut |leaf| matches!(&leaf.kind, LeafKind::AnswerOfDevice(asked) if asked.id == id),
            &mut |_| false,
            &mut passed,
        );
        if leaf.is_some() {
            node.fill(Node::Done);
        }
        self.node = node;
        leaf
    }

    /// What a call of the device tells about it.
    pub(super) fn learn_from_call(&mut self, action: &str, payload: &Value) {
        let text = |key: &str| payload.get(key).and_then(Value::as_str).map(str::to_owned);
        match action {
            "StatusNotification" => {
                let connector = match payload.get("evseId") {
                    Some(evse) => format!("{evse}.{}", payload.get("connectorId").unwrap_or(&Value::Null)),
                    None => payload.get("connectorId").map(ToString::to_string).unwrap_or_default(),
                };
                if let Some(status) = text("status").or_else(|| text("connectorStatus")) {
                    // What was still to come of the case before is over.
                    if status == "Available" {
                        self.found.remove(&connector);
                    }
                    self.session.statuses.insert(connector, status);
                }
            }
            "TransactionEvent" => {
                let Some(id) = payload.pointer("/transactionInfo/transactionId").cloned() else { return };
                if text("eventType").as_deref() == Some("Ended") {
                    self.session.paid(|debt| *debt == Debt::Transaction(id.clone()));
                } else {
                    self.session.owe(Debt::Transaction(id));
                }
            }
            _ => {}
        }
    }

    /// What our own answer means for the device.
    pub(super) fn learn_from_our_answer(&mut self, action: &str, request: &Value, result: &Value) {
        if self.program.device == protocol::Role::Csms {
            return;
        }
        match action {
            "BootNotification" => {
                self.session.accepted = result.get("status").and_then(Value::as_str) == Some("Accepted");
                self.may_leave = false;
            }
            "StartTransaction" => {
                if let Some(id) = result.get("transactionId").cloned() {
                    self.session.owe(Debt::Transaction(id));
                }
            }
            "StopTransaction" => {
                if let Some(id) = request.get("transactionId").cloned() {
                    self.session.paid(|debt| *debt == Debt::Transaction(id.clone()));
                }
            }
            "Authorize" => self.session.owe(Debt::Cache),
            _ => {}
        }
    }

    /// From here on until its result comes a token may charge.
    pub(super) fn note_start(&mut self, action: &str, request: &Value) {
        if matches!(action, "StartTransaction" | "TransactionEvent")
            && let Some(token) = token_of(request)
        {
            self.session.starting.insert(token);
        }
    }

    /// What the answer of the device to a call of ours tells about it.
    fn learn_from_answer(&mut self, action: &str, request: &Value, answer: &Frame) {
        let Frame::Result { payload, .. } = answer else { return };
        let status = payload.get("status").and_then(Value::as_str).unwrap_or("");
        if self.program.device == protocol::Role::Csms {
            if matches!(action, "StartTransaction" | "TransactionEvent")
                && let Some(token) = token_of(request)
            {
                self.session.starting.remove(&token);
                if token_status(payload) == Some("Accepted") {
                    self.session.charged.insert(token);
                }
            }
            match action {
                "BootNotification" => self.session.accepted = status == "Accepted",
                "StartTransaction" => {
                    if let Some(id) = payload.get("transactionId").cloned() {
                        self.session.owe(Debt::Transaction(id));
                    }
                }
                "StopTransaction" => {
                    if let Some(id) = request.get("transactionId").cloned() {
                        self.session.paid(|debt| *debt == Debt::Transaction(id.clone()));
                    }
                }
                "TransactionEvent" => {
                    let Some(id) = request.pointer("/transactionInfo/transactionId").cloned() else { return };
                    if request.get("eventType").and_then(Value::as_str) == Some("Ended") {
                        self.session.paid(|debt| *debt == Debt::Transaction(id.clone()));
                    } else {
                        self.session.owe(Debt::Transaction(id));
                    }
                }
                _ => {}
            }
            return;
        }
        match (action, status) {
            ("ChangeAvailability", "Accepted" | "Scheduled") => {
                let inoperative =
                    request.get("type").or_else(|| request.get("operationalStatus")).and_then(Value::as_str)
                        == Some("Inoperative");
                let mut back = request.clone();
                let key = if request.get("type").is_some() { "type" } else { "operationalStatus" };
                back[key] = Value::from("Operative");
                if inoperative {
                    self.session.owe(Debt::Availability(back));
                } else {
                    self.session.paid(|debt| *debt == Debt::Availability(back.clone()));
                }
            }
            ("ChangeConfiguration", "Accepted" | "RebootRequired") => {
                let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
                let key = text("key");
                if let Some(Some(old)) = self.session.config.get(&key).cloned()
                    // What is set to what it was, as when it is undone, changes nothing.
                    && old != text("value")
                    && !self.session.ledger.iter().any(|debt| matches!(debt, Debt::Configuration(k, _) if *k == key))
                {
                    self.session.owe(Debt::Configuration(key.clone(), old));
                }
                if status == "Accepted" {
                    self.session.config.insert(key, Some(text("value")));
                }
            }
            ("SendLocalList", "Accepted") => {
                let list = request.get("localAuthorizationList").and_then(Value::as_array);
                let is_full = request.get("updateType").and_then(Value::as_str) == Some("Full");
                if is_full && list.is_none_or(Vec::is_empty) {
                    self.session.paid(|debt| *debt == Debt::LocalList);
                } else {
                    self.session.owe(Debt::LocalList);
                }
            }
            ("ReserveNow", "Accepted") => {
                if let Some(id) = request.get("reservationId").cloned() {
                    self.session.owe(Debt::Reservation(id));
                }
            }
            ("Reset", "Accepted" | "Scheduled") => self.may_leave = true,
            ("GetConfiguration", _) => {
                for entry in payload.get("configurationKey").and_then(Value::as_array).into_iter().flatten() {
                    if let Some(key) = entry.get("key").and_then(Value::as_str) {
                        let value = entry.get("value").and_then(Value::as_str).map(str::to_owned);
                        self.session.config.insert(key.to_owned(), value);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::Version;
    use serde_json::json;

    use super::*;
    use crate::player::Input;
    use crate::player::sample::{self, opened};

    const STOP: &str = r#"{"transactionId":7,"meterStop":9,"timestamp":"2026-01-01T00:00:00Z","reason":"HardReset"}"#;
    const STATUS: &str = r#"{"connectorId":1,"errorCode":"NoError","status":"Available"}"#;

    fn call(id: &str, action: &str, payload: &str) -> Input {
        Input::Text(format!("[2,\"{id}\",\"{action}\",{payload}]").into_bytes())
    }

    fn drops() -> Input {
        Input::Closed { code: Some(1000), reason: String::new() }
    }

    /// The verdict of a case in which a station stops, drops its link, comes back, and reports a status.
    fn after(heard: &[Input]) -> (Verdict, String) {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let steps = "  - station connects:\n  - station -> csms: StopTransaction\n  - station drops:\n  \
                     - station connects:\n  - station -> csms: StatusNotification\n";
        let mut player = sample::playing(now, steps);
        let now = now + std::time::Duration::from_secs(60);
        player.handle(now, Input::Tick);
        for input in heard {
            player.handle(now, input.clone());
        }
        assert!(player.outcome.is_some() || player.phase != Phase::Segment, "the steps are over");
        let (outcome, ..) = player.into_parts();
        (outcome.verdict, outcome.reason)
    }

    #[test]
    fn a_stop_whose_answer_may_have_gone_with_the_link_comes_once_to_the_case() {
        let again = [
            opened(),
            call("1", "StopTransaction", STOP),
            drops(),
            opened(),
            call("2", "StopTransaction", STOP),
            call("3", "StatusNotification", STATUS),
        ];
        assert_eq!(after(&again), (Verdict::Pass, String::new()));
        let other = STOP.replace("HardReset", "Local");
        let different = [
            opened(),
            call("1", "StopTransaction", STOP),
            drops(),
            opened(),
            call("2", "StopTransaction", &other),
            call("3", "StatusNotification", STATUS),
        ];
        assert_eq!(after(&different).0, Verdict::Fail);
    }

    #[test]
    fn what_is_set_back_is_not_owed_again() {
        let mut player = sample::playing(Timestamp::default(), "  - station connects:\n");
        let mut learns = |action: &str, request: Value| {
            let result = Frame::Result { id: "1".to_owned(), payload: json!({ "status": "Accepted" }) };
            player.learn_from_answer(action, &request, &result);
            player.session.ledger.clone()
        };
        let set = |value: &str| json!({ "key": "ConnectionTimeOut", "value": value });
        assert_eq!(learns("ChangeConfiguration", set("60")), [], "what it was is not known");
        let owed = learns("ChangeConfiguration", set("10"));
        assert_eq!(owed, [Debt::Configuration("ConnectionTimeOut".to_owned(), "60".to_owned())]);
        let list = json!([{ "idTag": "A", "idTagInfo": { "status": "Accepted" } }]);
        let full = json!({ "listVersion": 1, "updateType": "Full", "localAuthorizationList": list });
        assert_eq!(learns("SendLocalList", full).len(), 2);
        assert_eq!(learns("SendLocalList", json!({ "listVersion": 1, "updateType": "Full" })), owed);
    }

    #[test]
    fn what_is_set_to_what_it_was_owes_nothing() {
        let mut player = sample::playing(Timestamp::default(), "  - station connects:\n");
        player.session.config.insert("ConnectionTimeOut".to_owned(), Some("60".to_owned()));
        let set = json!({ "key": "ConnectionTimeOut", "value": "60" });
        let result = Frame::Result { id: "1".to_owned(), payload: json!({ "status": "Accepted" }) };
        player.learn_from_answer("ChangeConfiguration", &set, &result);
        assert_eq!(player.session.ledger, []);
    }

    fn refused(action: &str, fields: &str, code: &str) -> Outcome {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let steps = format!("  - station -> csms: {action}\n    fields: {{ {fields} }}\n");
        let mut player = sample::connected_to_csms(now, &steps);
        let sent = sample::sent(&mut player);
        let id = sent.split('"').nth(1).unwrap();
        player.handle(now, Input::Text(format!(r#"[4,"{id}","{code}","",{{}}]"#).into_bytes()));
        player.into_parts().0
    }

    #[test]
    fn a_csms_may_decline_a_profile_that_nobody_claims_for_it() {
        let refused = |code| refused("FirmwareStatusNotification", "status: Idle", code);
        assert_eq!(refused("NotSupported").verdict, Verdict::NotApplicable);
        assert_eq!(refused("InternalError").verdict, Verdict::Fail);
    }

    #[test]
    fn a_token_that_charges_elsewhere_accuses_nobody_unless_it_was_seen_to_charge_here() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let start = "  - station -> csms: StartTransaction\n    fields: { connectorId: 1, idTag: PLUGFEST, meterStart: 0 }\n    \
                     reply: { idTagInfo: { status: Accepted } }\n";
        for (statuses, verdict) in
            [(vec!["ConcurrentTx"], Verdict::Inconclusive), (vec!["Accepted", "ConcurrentTx"], Verdict::Fail)]
        {
            let mut player = sample::connected_to_csms(now, &start.repeat(statuses.len()));
            for status in statuses {
                let sent = sample::sent(&mut player);
                let id = sent.split('"').nth(1).unwrap();
                let result = format!(r#"[3,"{id}",{{"transactionId":7,"idTagInfo":{{"status":"{status}"}}}}]"#);
                player.handle(now, Input::Text(result.into_bytes()));
            }
            assert_eq!(player.into_parts().0.verdict, verdict);
        }
    }

    #[test]
    fn nobody_may_decline_core() {
        let fields = "connectorId: 0, errorCode: NoError, status: Available";
        let outcome = refused("StatusNotification", fields, "NotSupported");
        assert_eq!((outcome.verdict, outcome.rules), (Verdict::Fail, vec!["R-037".to_owned()]));
    }

    #[test]
    fn what_a_device_of_2_x_may_do_without_has_a_name_and_the_rest_is_its_core() {
        let feature_of = |version: Version, action: &str| {
            let message = Catalogue::of(version).message(action).map(|message| message.profile.clone());
            feature(version, action, message.as_deref().unwrap_or_default()).to_owned()
        };
        for (action, name) in [
            ("ReserveNow", "Reservation"),
            ("SetChargingProfile", "SmartCharging"),
            ("SendLocalList", "LocalAuthListManagement"),
            ("ClearCache", "AuthorizationCache"),
            ("GetVariables", "Core"),
            ("TriggerMessage", "Core"),
            ("TransactionEvent", "Core"),
        ] {
            assert_eq!(feature_of(Version::V201, action), name, "{action}");
        }
        assert_eq!(feature_of(Version::V16, "ReserveNow"), "Reservation");
        assert_eq!(feature_of(Version::V16, "Reset"), "Core");
    }
}
