//! The player: plays a plan against a device, as a state machine without I/O.
//!
//! What the device does comes in as [`Input`], what is to be done comes out as [`Command`], and time is an
//! argument. Playing a recorded sequence of inputs again gives the same verdict, which is how a saved trace is judged.

mod answers;
mod begin;
mod bound;
mod calls;
mod checks;
mod chores;
mod connections;
mod early;
mod failing;
mod guide;
mod interrupt;
mod procedure;
mod reactions;
mod registration;
pub(crate) mod rules;
#[cfg(test)]
mod sample;
mod session;
mod stimuli;
mod unasked;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use protocol::Timestamp;
use protocol::stimulus::Stimulus;
use script::Procedure;
use serde_json::Value;
use verdict::checks::Conversation;
use verdict::{Deed, Direction, Event, EventKind, Verdict};

use crate::drivers::Confirmation;
use crate::leaf::Leaf;
use crate::program::{Program, Purpose};
use crate::rig::Rig;
use crate::scope::Bindings;
use crate::tree::{Guard, Node, Turn};

pub use chores::Chore;
pub use failing::{Otherwise, Outcome};
pub(crate) use procedure::Heard;
pub(crate) use reactions::{boot, harmless};
pub(crate) use registration::{MOST_BOOTS, next_boot};
pub use session::{Debt, LinkState, Session};

/// Stands in the message ids of stations that are played beside the player's.
pub(crate) const BESIDE: &str = "beside-";

/// What happens to the player.
#[derive(Clone, Debug)]
pub enum Input {
    /// A handshake led to a link.
    Opened {
        /// The station's identity.
        identity: String,
        /// The subprotocols offered.
        offered: Vec<String>,
        /// The one agreed on.
        subprotocol: Option<String>,
    },
    /// A handshake did not.
    Refused {
        /// The HTTP status, where one was seen.
        status: Option<u16>,
        /// In words.
        reason: String,
    },
    /// A text message of the device.
    Text(Vec<u8>),
    /// A binary message of the device.
    Binary(Vec<u8>),
    /// A ping or a pong.
    Control(&'static str),
    /// The link ended, by the device.
    Closed {
        /// The close code, where there was a close frame.
        code: Option<u16>,
        /// In words.
        reason: String,
    },
    /// The device broke a rule of the wire.
    Wire {
        /// The rule.
        rule: String,
        /// Its short name.
        id: String,
        /// In words.
        text: String,
        /// Whether the rule is beyond doubt.
        certain: bool,
    },
    /// A stimulus was carried out, or not.
    StimulusDone(Confirmation),
    /// What was seen; `None`: cannot be told.
    Observed(Option<bool>),
    /// Somebody told a party of ours to do this: only where both sides are played by ourselves.
    Word(String),
    /// A running procedure did something.
    Deed(Deed),
    /// Time went by.
    Tick,
}

/// What the player wants done.
#[derive(Clone, Debug)]
pub enum Command {
    /// Our station connects.
    Connect {
        /// Another identity than the rig's.
        identity: Option<String>,
        /// Another password than the rig's; `Some(None)`: none.
        password: Option<Option<String>>,
        /// The subprotocols to offer, best first.
        offers: Vec<String>,
    },
    /// Send this text.
    Send(String),
    /// End the link: with a close frame or without.
    Drop {
        /// Without a close frame.
        cut: bool,
    },
    /// Whether connections of the station are let in.
    Admit(bool),
    /// What its next handshakes are answered: another subprotocol than the version's own, or none.
    Answer(Option<Option<String>>),
    /// Do this to the device.
    Stimulate(Stimulus),
    /// Look at the device.
    Look(Stimulus),
    /// Carry out this procedure, and tell its deeds.
    Procedure(Procedure),
    /// The plan is over; its outcome can be taken.
    Finished,
}

/// Where the player is in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// Waiting for a station under test to connect and settle.
    Arriving { until: Timestamp, quiet_at: Option<Timestamp> },
    /// Things of our own to do: setting configuration, probing, undoing.
    Chores(After),
    /// In a segment of the program.
    Segment,
    /// Waiting for the device to come to rest after it was tidied up.
    Settling { until: Timestamp },
    /// Done.
    Finished,
}

/// What follows when the chores are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Segments,
    Settle,
}

/// An unanswered call of ours.
#[derive(Clone, Debug)]
struct Open {
    id: String,
    action: String,
    request: Value,
    since: Timestamp,
    deadline: Timestamp,
    tag: Tag,
}

/// What an unanswered call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// A step of the case.
    Step,
    /// A step that says the device must not answer.
    Silence,
    /// A chore.
    Chore,
    /// Ends a wait for a reaction to raw text.
    Sentinel,
    /// A procedure.
    Procedure,
}

/// Something done to the device that is not confirmed yet.
#[derive(Clone, Debug)]
struct Acting {
    leaf: Option<Leaf>,
    verb: String,
    since: Timestamp,
    is_look: bool,
    /// The message that was asked for is here and waits for our answer, as its driver may do, too.
    has_come: bool,
    /// A call that a CSMS was asked for has come, whatever its driver will say.
    is_made: bool,
    /// What is forbidden while it lasts, though it may be the last item that this was said of.
    guards: Vec<Guard>,
}

/// Plays one plan.
pub struct Player {
    program: Program,
    rig: Arc<Rig>,
    session: Session,
    bindings: Bindings,
    seed: u64,
    strict: bool,
    phase: Phase,
    purpose: Purpose,
    segments: VecDeque<crate::program::Segment>,
    node: Node,
    welcome: Vec<Leaf>,
    /// What came before the answer that tells what it is.
    early: Vec<early::Early>,
    near_misses: Vec<failing::NearMiss>,
    /// The device lost the link under the probe and was given another chance.
    probed_again: bool,
    /// The last stimulus, if so far only its driver says that it was done.
    only_confirmed: Option<String>,
    doubt: Option<Box<unasked::Doubt>>,
    /// Our station waits until then before it goes on.
    pause: Option<Timestamp>,
    /// When the link that is up was opened.
    opened_at: Option<Timestamp>,
    /// When we last gave a transaction its id.
    named: Option<Timestamp>,
    /// Boots that a CSMS has not accepted.
    boots: u32,
    /// The statuses that connectors of a station under test had when the case began.
    found: BTreeMap<String, String>,
    /// Why stations that came were turned away.
    turned_away: Vec<String>,
    /// Handshakes that offered no version that is played.
    vain_offers: u32,
    open: Option<Open>,
    acting: Option<Acting>,
    connecting: Option<Leaf>,
    /// The device ended the link as it may, and until then another has to come about.
    relinking: Option<Timestamp>,
    /// When our station tries once more to connect.
    redial_at: Option<Timestamp>,
    /// What the next handshakes of the station are answered, where it is not the version's own subprotocol.
    answering: Option<Option<String>>,
    reaction: Option<reactions::Waiting>,
    running: Option<procedure::Running>,
    chores: VecDeque<Chore>,
    chore: Option<Chore>,
    wait: Option<Timestamp>,
    outcome: Option<Outcome>,
    warnings: Vec<String>,
    notes: Vec<String>,
    /// The device may end the link: it was told to reboot, or its power was cut.
    may_leave: bool,
    tidied: bool,
    events: Vec<Event>,
    /// What crossed in this plan, for the named checks.
    conversation: Conversation,
    commands: Vec<Command>,
    /// Where both sides are played by ourselves: what we were told to do by the other reading, and have not done.
    words: Option<VecDeque<String>>,
    frames: usize,
    /// When the plan began.
    began: Option<Timestamp>,
    /// When it is given up, whatever it is about.
    latest: Option<Timestamp>,
    /// It is being ended before its time.
    interrupt: Option<interrupt::Interrupt>,
}

impl Player {
    /// Begins a plan on a session.
    pub fn new(now: Timestamp, program: Program, rig: Arc<Rig>, session: Session, seed: u64, strict: bool) -> Player {
        let mut player = Player::idle(program, rig, session, seed, strict);
        player.bound(now);
        player.start(now);
        player.advance(now);
        player
    }

    /// Begins a plan towards a party that is played by ourselves, too: nothing is presumed of it, every segment is
    /// played, and what the other reading makes a device do is done when it says so. `config` is the configuration of
    /// the station, where the plan does not make it.
    pub(crate) fn across_from_ourselves(
        now: Timestamp,
        program: Program,
        rig: Arc<Rig>,
        mut session: Session,
        seed: u64,
        config: Option<HashMap<String, Option<String>>>,
    ) -> Player {
        let configured = config.is_some();
        session.config = config.unwrap_or_default();
        let mut player = Player::idle(program, rig, session, seed, false);
        player.words = Some(VecDeque::new());
        if configured {
            player.phase = Phase::Segment;
            player.next_segment(now);
        } else {
            player.start(now);
        }
        player.advance(now);
        player
    }

    /// Whether the steps are over, passed or failed.
    pub(crate) fn is_past_its_steps(&self) -> bool {
        self.tidied || self.outcome.is_some() || self.phase == Phase::Finished
    }

    /// Whether the end of the link would be no surprise now.
    pub(crate) fn lets_the_link_end(&self) -> bool {
        let mut first = Vec::new();
        self.node.first_leaves(&mut first);
        self.may_leave
            || self.is_past_its_steps()
            || first.iter().any(|leaf| {
                matches!(leaf.kind, crate::leaf::LeafKind::DeviceDrop(_) | crate::leaf::LeafKind::DeviceConnect(_))
            })
    }

    /// The configuration of the station as far as it is known here.
    pub(crate) fn configuration(&self) -> HashMap<String, Option<String>> {
        self.session.config.clone()
    }

    /// Whether connections of the station are let in.
    pub(crate) fn admits(&self) -> bool {
        self.session.admitting
    }

    fn idle(program: Program, rig: Arc<Rig>, session: Session, seed: u64, strict: bool) -> Player {
        let segments = VecDeque::from(program.segments.clone());
        let conversation = Conversation::new(program.version, program.device);
        Player {
            program,
            rig,
            session,
            bindings: Bindings::default(),
            seed,
            strict,
            phase: Phase::Segment,
            purpose: Purpose::Steps,
            segments,
            node: Node::Done,
            welcome: Vec::new(),
            early: Vec::new(),
            near_misses: Vec::new(),
            probed_again: false,
            only_confirmed: None,
            doubt: None,
            pause: None,
            opened_at: None,
            named: None,
            boots: 0,
            found: BTreeMap::new(),
            turned_away: Vec::new(),
            vain_offers: 0,
            open: None,
            acting: None,
            connecting: None,
            relinking: None,
            redial_at: None,
            answering: None,
            reaction: None,
            running: None,
            chores: VecDeque::new(),
            chore: None,
            wait: None,
            outcome: None,
            warnings: Vec::new(),
            notes: Vec::new(),
            may_leave: false,
            tidied: false,
            events: Vec::new(),
            conversation,
            commands: Vec::new(),
            frames: 0,
            began: None,
            latest: None,
            interrupt: None,
            words: None,
        }
    }

    /// Takes in what happened.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        if self.phase == Phase::Finished {
            return;
        }
        match input {
            Input::Text(bytes) => self.text(now, &bytes),
            Input::Binary(bytes) => self.binary(now, &bytes),
            Input::Control(name) => {
                self.event(now, EventKind::Control { direction: Direction::FromDevice, name: name.to_owned() });
            }
            Input::Opened { identity, offered, subprotocol } => self.opened(now, identity, offered, subprotocol),
            Input::Refused { status, reason } => self.refused(now, status, &reason),
            Input::Closed { code, reason } => self.closed(now, code, &reason),
            Input::Wire { rule, id, text, certain } => {
                let (rule_seen, id_seen, seen) = (rule.clone(), id.clone(), text.clone());
                self.event(now, EventKind::WireFinding { rule: rule_seen, id: id_seen, text: seen, certain });
                self.session.oracles.wire(now, &rule, &id, &text, certain);
            }
            Input::StimulusDone(confirmation) => self.confirmed(now, confirmation),
            Input::Observed(seen) => self.observed(now, seen),
            Input::Word(verb) => {
                if let Some(words) = &mut self.words {
                    words.push_back(verb);
                }
            }
            Input::Deed(deed) => self.deed(now, deed),
            Input::Tick => self.event(now, EventKind::Tick),
        }
        self.advance(now);
    }

    /// What is to be done since the last time this was asked, in order.
    pub fn commands(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.commands)
    }

    /// What happened since the last time this was asked, for the trace.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether the plan is over.
    pub fn is_finished(&self) -> bool {
        self.phase == Phase::Finished
    }

    /// Gives up: an interrupt, or a device that floods.
    pub fn abandon(&mut self, now: Timestamp, verdict: Verdict, reason: &str) {
        self.conclude(Outcome::plain(verdict, reason));
        self.finish(now);
    }

    /// The outcome and the session, for the next plan on it.
    pub fn into_parts(mut self) -> (Outcome, Session, Vec<Event>) {
        let mut outcome = self.outcome.take().unwrap_or_else(|| {
            if self.warnings.is_empty() {
                Outcome::plain(Verdict::Pass, "")
            } else {
                Outcome::plain(Verdict::Warn, &self.warnings.join("; "))
            }
        });
        outcome.warnings = std::mem::take(&mut self.warnings);
        outcome.notes = std::mem::take(&mut self.notes);
        outcome.violations = self.session.oracles.take();
        (outcome, self.session, self.events)
    }

    /// The next moment at which [`Input::Tick`] is due.
    pub fn wakeup(&mut self, now: Timestamp) -> Option<Timestamp> {
        let mut next: Option<Timestamp> = None;
        let mut at = |moment: Timestamp| next = Some(next.map_or(moment, |other| other.min(moment)));
        match &self.phase {
            Phase::Finished => return None,
            Phase::Arriving { until, quiet_at } => at(quiet_at.map_or(*until, |quiet| quiet.min(*until))),
            Phase::Settling { until } => at(*until),
            Phase::Chores(_) | Phase::Segment => {}
        }
        if let Some(latest) = self.latest {
            at(latest);
        }
        if let Some(interrupt) = &self.interrupt {
            at(interrupt.until);
        }
        if let Some(open) = &self.open {
            at(open.deadline);
        }
        if let Some(wait) = self.wait {
            at(wait);
        }
        if let Some(doubt) = &self.doubt {
            at(doubt.until);
        }
        if let Some(pause) = self.pause {
            at(pause);
        }
        if let Some(reaction) = &self.reaction {
            at(reaction.next());
        }
        for moment in [self.relinking, self.redial_at].into_iter().flatten() {
            at(moment);
        }
        if self.phase == Phase::Segment && !self.is_busy() {
            let mut deadline = None;
            let node = std::mem::replace(&mut self.node, Node::Done);
            let overdue = node.overdue(now, &guide::Guide(self), &mut deadline).is_some();
            self.node = node;
            if overdue {
                at(now);
            } else if let Some(deadline) = deadline {
                at(deadline);
            }
        }
        next
    }

    /// Does everything that is due.
    fn advance(&mut self, now: Timestamp) {
        self.go_on(now);
        self.choose_answer();
    }

    fn go_on(&mut self, now: Timestamp) {
        // Each round makes progress or ends the loop; the bound only guards against a mistake of ours.
        for _ in 0..100_000 {
            if self.phase == Phase::Finished {
                return;
            }
            if self.is_out_of_bounds(now) {
                return;
            }
            if self.expire(now) {
                continue;
            }
            let progressed = match self.phase.clone() {
                Phase::Arriving { until, quiet_at } => self.arrive(now, until, quiet_at),
                Phase::Chores(after) => self.work(now, after),
                Phase::Segment => self.play(now),
                Phase::Settling { until } => self.settle(now, until),
                Phase::Finished => false,
            };
            if !progressed {
                return;
            }
        }
        self.abandon(now, Verdict::Error, "the player does not come to rest");
    }

    /// One step of the current segment; `false`: nothing can be done now.
    fn play(&mut self, now: Timestamp) -> bool {
        if self.outcome.is_some() {
            self.tidy(now);
            return true;
        }
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        node.prepare(now, &guide::Guide(self));
        self.wait = None;
        if self.is_busy() {
            self.node = node;
            return false;
        }
        let mut passed = Vec::new();
        let turn = node.turn(now, &guide::Guide(self), &mut passed);
        self.node = node;
        self.passed_over(passed);
        match turn {
            Turn::Again => true,
            Turn::Ours(leaf) => {
                self.begin(now, *leaf);
                true
            }
            Turn::Wait(until) => {
                self.wait = Some(until);
                self.check_deadlines(now)
            }
            Turn::Device => self.check_deadlines(now),
        }
    }

    fn check_deadlines(&mut self, now: Timestamp) -> bool {
        let mut next = None;
        let node = std::mem::replace(&mut self.node, Node::Done);
        let late = node.overdue(now, &guide::Guide(self), &mut next).map(|overdue| overdue.leaf.clone());
        self.node = node;
        match late {
            Some(leaf) => {
                self.missing(now, &leaf);
                true
            }
            None => false,
        }
    }

    /// Whether something of ours is under way that has to end before our next item.
    fn is_busy(&self) -> bool {
        self.open.is_some()
            || self.acting.as_ref().is_some_and(|acting| !acting.has_come)
            || self.connecting.is_some()
            || self.relinking.is_some()
            || self.reaction.is_some()
            || self.running.is_some()
            || self.pause.is_some()
    }

    fn passed_over(&mut self, passed: Vec<Leaf>) {
        for leaf in passed {
            if let Some(text) = &leaf.warn {
                self.warn(format!("{text} ({}:{})", leaf.source.path, leaf.line()));
            }
            if self.welcome.len() < 1000 {
                self.welcome.push(leaf);
            }
        }
    }

    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    fn note(&mut self, text: String) {
        if self.notes.len() < 50 && !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn event(&mut self, now: Timestamp, kind: EventKind) {
        if let EventKind::Text { direction, text, .. } = &kind {
            self.conversation.heard(now, *direction, text);
        }
        self.events.push(Event { at: now, kind });
    }
}
