//! Plays an input and watches the device.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::time::Duration;

use protocol::catalogue::Catalogue;
use protocol::frame::{self, Frame, Reading};
use protocol::generate;
use protocol::stimulus::Stimulus;
use protocol::{Role, Timestamp};
use serde_json::{Map, Value, json};
use verdict::oracles::Oracles;
use verdict::{Verdict, safe_line};

use super::step::{Step, fill};
use super::{BEGIN, InProcessDevice, Said, Wire};
use crate::deserved::{Answer, Deserved, deserved};
use crate::oracles::validity;

/// So much of the conversation is remembered: what was given to the device may come back from it.
const REMEMBERED: usize = 400;
/// So much of it is shown.
const SHOWN: usize = 40;
/// How many lines of an input are done.
const MOST_LINES: usize = 1_000;
/// How many messages of a device are read for one input.
const MOST_MESSAGES: usize = 20_000;
/// Refusals that may come before anything else is looked at: a device that is not registered yet, or not any more
/// and one that does not have the function.
const ALWAYS_RIGHT: &[&str] = &["SecurityError", "NotSupported", "NotImplemented"];
/// How often a device is woken while time passes for one line.
const MOST_WAKEUPS: usize = 64;
/// What is answered within this time finds everybody still waiting.
const PROMPT: Duration = Duration::from_secs(1);
/// How long a call may stay without its answer, in virtual time.
const ANSWER_TIME: Duration = Duration::from_secs(60);

/// What came of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Messages sent to the device.
    pub sent: usize,
    /// Messages that came from it.
    pub received: usize,
}

/// A rule that the device broke.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The statement of the specification.
    pub statement: String,
    /// The name of the oracle.
    pub oracle: String,
    /// What was seen.
    pub sentence: String,
    /// The conversation up to there, cut to its end; `>` went to the device, `<` came from it.
    pub said: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}): {}", self.statement, self.oracle, self.sentence)?;
        self.said.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

/// Plays an input against a device that was switched on at [`BEGIN`].
///
/// # Errors
///
/// The first rule that the device broke.
pub fn play<D: InProcessDevice>(device: &mut D, data: &[u8]) -> Result<Played, Box<Violation>> {
    let mut play = Play::new(device);
    play.link_up();
    for line in data.split(|&byte| byte == b'\n').take(MOST_LINES) {
        play.step(Step::read(line, D::ROLE, D::VERSION));
        play.judge()?;
        if play.played.received > MOST_MESSAGES {
            return Ok(play.played);
        }
    }
    play.restore();
    play.look_for_life();
    play.judge()?;
    Ok(play.played)
}

struct Play<'d, D> {
    device: &'d mut D,
    now: Timestamp,
    wire: Wire,
    is_up: bool,
    oracles: Oracles,
    /// Calls of the device that are open.
    theirs: VecDeque<Theirs>,
    /// The call of ours that waits for its answer.
    ours: Option<Ours>,
    used_ids: HashSet<String>,
    transaction: Option<Value>,
    standing: Standing,
    /// The next line leaves the calls of the device open.
    hold: bool,
    /// This line does.
    is_holding: bool,
    power_was_cut: bool,
    said: VecDeque<(char, Vec<u8>)>,
    found: Option<(String, String, String)>,
    played: Played,
}

struct Ours {
    id: String,
    deserved: Deserved,
}

struct Theirs {
    id: String,
    action: String,
    since: Timestamp,
}

/// Whether a station has been told that it may speak; to a CSMS that is all one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It has to answer.
    Registered,
    /// It may have been told, or not.
    Unclear,
    /// It may be silent (16-BOOT-08).
    Silent,
}

impl<'d, D: InProcessDevice> Play<'d, D> {
    fn new(device: &'d mut D) -> Self {
        Play {
            device,
            now: BEGIN,
            wire: Wire::default(),
            is_up: false,
            oracles: Oracles::new(D::ROLE, D::VERSION),
            theirs: VecDeque::new(),
            ours: None,
            used_ids: HashSet::new(),
            transaction: None,
            standing: if D::ROLE == Role::Csms { Standing::Registered } else { Standing::Silent },
            hold: false,
            is_holding: false,
            power_was_cut: false,
            said: VecDeque::new(),
            found: None,
            played: Played::default(),
        }
    }

    fn step(&mut self, step: Step<'_>) {
        self.is_holding = std::mem::take(&mut self.hold);
        if !step.leaves_calls_open() && !self.is_holding {
            self.answer_all();
        }
        match step {
            Step::Send(line) => self.send(line),
            Step::Answer => self.answer_oldest(),
            Step::Hold => self.hold = true,
            Step::Wait(duration) => self.pass(self.now + duration),
            Step::Cut => self.link_down(),
            Step::Connect => self.link_up(),
            Step::Stimulate(stimulus) => self.stimulate(&stimulus),
            Step::Nothing => {}
        }
    }

    /// Opens the link, if the device wants one soon.
    fn link_up(&mut self) {
        for _ in 0..4 {
            if self.is_up {
                return;
            }
            if self.device.connect(self.now, &mut self.wire) {
                return self.opened();
            }
            let Some(next) = self.device.next_wakeup() else { return };
            self.tick(next);
        }
    }

    fn opened(&mut self) {
        self.is_up = true;
        self.oracles.opened();
        self.used_ids.clear();
        self.read();
    }

    fn link_down(&mut self) {
        if std::mem::take(&mut self.is_up) {
            self.theirs.clear();
            self.ours = None;
            // What it wanted to send on this link is lost with it.
            self.wire.0.clear();
            self.device.disconnect(self.now, &mut self.wire);
            self.read();
        }
    }

    fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.device.tick(self.now, &mut self.wire);
        self.read();
    }

    /// Lets time pass up to a moment.
    fn pass(&mut self, until: Timestamp) {
        for _ in 0..MOST_WAKEUPS {
            let Some(next) = self.device.next_wakeup().filter(|next| *next <= until) else { break };
            self.tick(next);
            self.serve();
        }
        self.tick(until);
        self.serve();
    }

    /// A station that dials while time passes is let in, and its calls are answered.
    fn serve(&mut self) {
        if !self.is_up && self.device.connect(self.now, &mut self.wire) {
            self.opened();
        }
        if !self.is_holding {
            self.answer_all();
        }
    }

    fn stimulate(&mut self, stimulus: &Stimulus) {
        match stimulus.verb.as_str() {
            "cut power" => self.power_was_cut = true,
            "restore power" => self.power_was_cut = false,
            // We would have to know it.
            "set password" => return,
            _ => {}
        }
        self.device.stimulate(self.now, stimulus, &mut self.wire);
        self.read();
    }

    fn restore(&mut self) {
        if self.power_was_cut {
            let verb = "restore power".to_owned();
            self.stimulate(&Stimulus { party: D::ROLE, verb, with: Map::new() });
        }
    }

    fn send(&mut self, line: &[u8]) {
        self.link_up();
        if !self.is_up {
            return;
        }
        // What is due by now comes before the message and has nothing to do with it.
        self.tick(self.now);
        let oldest = self.theirs.front().map(|call| call.id.as_str());
        let text = fill(line, oldest, self.transaction.as_ref());
        let deserved = deserved(D::VERSION, D::ROLE, &text);
        match (&deserved.answer, &deserved.id) {
            (Answer::Never, _) => self.note_answer(&text),
            (_, Some(id)) if deserved.action == "?" => self.note_damaged_answer(id, &text),
            _ => {}
        }
        let id = deserved.id.clone().unwrap_or_default();
        // The id of what could not be read tells no call from another.
        let is_fresh = self.used_ids.insert(id.clone()) && id != "-1";
        if deserved.answer == Answer::Must && is_fresh && self.standing == Standing::Registered {
            self.oracles.sent_call(&id, &deserved.action, &deserved.request);
            self.ours = Some(Ours { id, deserved });
        } else if deserved.answer != Answer::Never {
            self.oracles.sent_text(&id, &String::from_utf8_lossy(&text));
        }
        self.deliver(&text);
        self.await_answer();
    }

    fn deliver(&mut self, text: &[u8]) {
        self.played.sent += 1;
        self.note('>', text);
        self.device.receive(self.now, text, &mut self.wire);
        self.read();
    }

    /// A device may take its time, and may want its own calls answered first.
    fn await_answer(&mut self) {
        let until = self.now + ANSWER_TIME;
        for _ in 0..MOST_WAKEUPS {
            if self.ours.is_none() {
                return;
            }
            if !self.theirs.is_empty() {
                self.answer_all();
                continue;
            }
            let Some(next) = self.device.next_wakeup().filter(|next| *next <= until) else { break };
            self.tick(next);
        }
        if let Some(ours) = self.ours.take() {
            let sentence = format!("{} with the id \"{}\" was not answered", ours.deserved.action, ours.id);
            self.find("R-037", "answer-in-time", sentence);
        }
    }

    /// What the device wants done, and what follows from it.
    fn read(&mut self) {
        while !self.wire.0.is_empty() {
            for said in std::mem::take(&mut self.wire.0) {
                match said {
                    Said::Text(text) if self.is_up => self.heard(text),
                    Said::Text(_) => {}
                    Said::End if self.is_up => {
                        self.ended();
                        self.is_up = false;
                        self.theirs.clear();
                        self.device.disconnect(self.now, &mut self.wire);
                    }
                    Said::End => {}
                }
            }
            if self.played.received > MOST_MESSAGES {
                self.wire.0.clear();
            }
        }
    }

    fn ended(&mut self) {
        if let Some(ours) = self.ours.take()
            && !ours.deserved.may_end_link
        {
            let sentence = format!("the link ended instead of an answer to {}", ours.deserved.action);
            self.find("R-037", "connection-stays-open", sentence);
        }
    }

    fn heard(&mut self, text: Vec<u8>) {
        self.played.received += 1;
        let reading = self.oracles.received(self.now, &text);
        match &reading.frame {
            Some(Frame::Call { id, action, payload }) => {
                self.learn(payload);
                if action == "BootNotification" && D::ROLE == Role::Station {
                    // Until that is answered it may be silent, also to what it was just asked.
                    self.standing = Standing::Unclear;
                    self.ours = None;
                }
                self.theirs.push_back(Theirs { id: id.clone(), action: action.clone(), since: self.now });
            }
            Some(answer @ (Frame::Result { .. } | Frame::Error { .. })) => {
                self.oracles.answer(self.now, &text, answer);
                self.answered(answer);
            }
            _ => {}
        }
        for violation in self.oracles.take() {
            let echo = violation.oracle == "text-rule" && self.is_ours(&violation.path, &reading);
            if violation.verdict == Verdict::Fail && !echo {
                self.find(&violation.statement, &violation.oracle, violation.sentence);
            }
        }
        self.said.push_back(('<', text));
        self.shorten();
    }

    /// Whether what stands at the place of a violation is what we gave the device.
    fn is_ours(&self, path: &str, reading: &Reading) -> bool {
        let Some(wanted) = validity::at_place(path, reading) else { return false };
        self.said.iter().filter(|(way, _)| *way == '>').any(|(_, text)| {
            let given = frame::read(D::VERSION, text).frame;
            given.as_ref().and_then(Frame::payload).is_some_and(|payload| validity::contains(payload, wanted, 0))
        })
    }

    fn answered(&mut self, answer: &Frame) {
        if let Frame::Result { payload, .. } = answer {
            self.learn(payload);
        }
        let Some(ours) = self.ours.take_if(|ours| ours.id == answer.id()) else { return };
        let (deserved, action) = (&ours.deserved, &ours.deserved.action);
        let sentence = match answer {
            Frame::Result { .. } if deserved.refuse => {
                format!("{action} was carried out although it had to be refused ({})", deserved.flaw())
            }
            Frame::Error { code, .. }
                if deserved.prescribed
                    && !ALWAYS_RIGHT.contains(&code.as_str())
                    && !deserved.codes.contains(&code.as_str()) =>
            {
                let codes = deserved.codes.join(" or ");
                format!("{action} was refused with {code} instead of {codes} ({})", deserved.flaw())
            }
            _ => return,
        };
        self.find("R-038", "refusal", sentence);
    }

    /// Values that later lines may refer to.
    fn learn(&mut self, payload: &Value) {
        let id = payload.get("transactionId").or_else(|| payload.get("transactionInfo")?.get("transactionId"));
        if let Some(id) = id {
            self.transaction = Some(id.clone());
        }
    }

    fn answer_all(&mut self) {
        // A device that calls again as soon as it is answered must not keep us for ever.
        for _ in 0..MOST_WAKEUPS {
            if self.theirs.is_empty() || !self.is_up {
                return;
            }
            self.answer_oldest();
        }
    }

    fn answer_oldest(&mut self) {
        let Some(Theirs { id, action, .. }) = self.theirs.front() else { return };
        let (id, message) = (id.clone(), Catalogue::of(D::VERSION).message(action));
        let answer = match message.and_then(|message| message.response()) {
            Some(response) => {
                let payload = generate::minimal_at(D::VERSION, response, self.now);
                Frame::Result { id, payload }
            }
            None => {
                Frame::Error { id, code: "NotImplemented".to_owned(), description: String::new(), details: json!({}) }
            }
        };
        let text = answer.to_text();
        self.note_answer(text.as_bytes());
        self.deliver(text.as_bytes());
    }

    /// We answer a call of the device.
    fn note_answer(&mut self, text: &[u8]) {
        let Some(frame) = frame::read(D::VERSION, text).frame else { return };
        let Some(at) = self.theirs.iter().position(|call| call.id == frame.id()) else { return };
        let Some(call) = self.theirs.remove(at) else { return };
        let result = frame.payload();
        self.oracles.sent_answer(&call.id, result);
        if call.action == "BootNotification" && D::ROLE == Role::Station {
            let status = result.and_then(|result| result.get("status")).and_then(Value::as_str);
            self.standing = match status {
                // It may have given up waiting.
                _ if self.now.since(call.since) > PROMPT => Standing::Unclear,
                Some("Accepted" | "Pending") => Standing::Registered,
                _ => Standing::Silent,
            };
        }
    }

    /// What was meant to answer a call of the device, but is damaged: the device may take it, or drop it.
    fn note_damaged_answer(&mut self, id: &str, text: &[u8]) {
        let Some(at) = self.theirs.iter().position(|call| call.id == id) else { return };
        if !matches!(frame::read(D::VERSION, text).message_type, Some(3 | 4)) {
            return;
        }
        let Some(call) = self.theirs.remove(at) else { return };
        self.oracles.sent_damaged_answer(&call.id);
        if call.action == "BootNotification" && D::ROLE == Role::Station {
            self.standing = Standing::Unclear;
        }
    }

    /// Whether the device still answers, on this link or on a new one.
    fn look_for_life(&mut self) {
        self.is_holding = false;
        for round in 0..MOST_WAKEUPS {
            self.answer_all();
            self.link_up();
            self.answer_all();
            match self.standing {
                Standing::Registered if self.is_up => return self.probe(round),
                Standing::Unclear if self.is_up => {
                    let before = self.played.received;
                    self.probe(round);
                    if self.played.received > before {
                        return;
                    }
                }
                _ => {}
            }
            // A station that may not speak yet, or is on its way back: it says when that is over.
            let Some(next) = self.device.next_wakeup() else { break };
            self.tick(next);
        }
        if self.device.next_wakeup().is_none() {
            let sentence = if self.is_up { "the device does not boot again" } else { "the device does not come back" };
            self.find("R-081", "alive-afterwards", sentence.to_owned());
        }
    }

    fn probe(&mut self, round: usize) {
        let (action, payload) = match (D::ROLE, D::VERSION) {
            (Role::Csms, _) => ("Heartbeat", json!({})),
            (Role::Station, protocol::Version::V16) => ("GetConfiguration", json!({ "key": ["HeartbeatInterval"] })),
            (Role::Station, _) => {
                let variable =
                    json!({ "component": { "name": "OCPPCommCtrlr" }, "variable": { "name": "HeartbeatInterval" } });
                ("GetVariables", json!({ "getVariableData": [variable] }))
            }
        };
        let id = format!("alive-{round}");
        let call = Frame::Call { id, action: action.to_owned(), payload };
        self.send(call.to_text().as_bytes());
    }

    fn note(&mut self, way: char, text: &[u8]) {
        self.said.push_back((way, text.to_vec()));
        self.shorten();
    }

    fn shorten(&mut self) {
        if self.said.len() > REMEMBERED {
            self.said.pop_front();
        }
    }

    fn find(&mut self, statement: &str, oracle: &str, sentence: String) {
        self.found.get_or_insert_with(|| (statement.to_owned(), oracle.to_owned(), sentence));
    }

    fn judge(&mut self) -> Result<(), Box<Violation>> {
        let Some((statement, oracle, sentence)) = self.found.take() else { return Ok(()) };
        let line = |(way, text): &(char, Vec<u8>)| format!("{way} {}", safe_line(&String::from_utf8_lossy(text), 400));
        let said = self.said.iter().skip(self.said.len().saturating_sub(SHOWN)).map(line).collect();
        Err(Box::new(Violation { statement, oracle, sentence, said }))
    }
}
