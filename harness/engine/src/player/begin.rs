//! Beginning: arriving at a device, taking up segments, doing what is ours.

use std::time::Duration;

use protocol::{Role, Timestamp};
use verdict::EventKind;

use super::{After, Chore, Command, LinkState, Outcome, Phase, Player};
use crate::leaf::{Leaf, LeafKind};
use crate::program::{Purpose, Segment};
use crate::scope::Tentative;
use crate::tree::Node;

/// So often a station may come with versions that are not played.
const VAIN_OFFERS: u32 = 3;

/// So many times the usual grace a station that has said nothing yet may take for its first message.
const FIRST_WORD: u32 = 5;

impl Player {
    pub(super) fn start(&mut self, now: Timestamp) {
        for (key, value) in self.program.config.clone() {
            if let Some(value) = value {
                self.session.standin.configure(&key, &value);
            }
        }
        if self.program.device == Role::Csms {
            self.session.config = self.session.standin.configuration();
            self.begin_configuration();
            return;
        }
        let needs_session = matches!(self.segments.front(), Some(Segment { purpose: Purpose::Arrive(_), .. }));
        let there = self.session.link == LinkState::Up && self.session.accepted;
        if there {
            if needs_session {
                self.segments.pop_front();
            }
            self.begin_configuration();
            return;
        }
        if !self.session.admitting {
            self.session.admitting = true;
            self.commands.push(Command::Admit(true));
        }
        let patience = if needs_session || self.session.link == LinkState::Up {
            self.rig.timeouts.reconnect
        } else {
            // A case that begins with nothing takes the device as it finds it.
            self.rig.timeouts.grace
        };
        let quiet_at = (self.session.link == LinkState::Up).then(|| now + self.patience_with_the_silent());
        self.phase = Phase::Arriving { until: now + patience, quiet_at };
    }

    /// Waits until a station under test is connected, accepted, and has told what it tells after a boot.
    pub(super) fn arrive(&mut self, now: Timestamp, until: Timestamp, quiet_at: Option<Timestamp>) -> bool {
        let needs_session = matches!(self.segments.front(), Some(Segment { purpose: Purpose::Arrive(_), .. }));
        if self.session.link == LinkState::Up && quiet_at.is_some_and(|quiet| quiet <= now) {
            // A station that connects without booting was accepted before we came.
            self.session.accepted = true;
            if needs_session {
                self.segments.pop_front();
            }
            self.begin_configuration();
            return true;
        }
        if until > now {
            return false;
        }
        if needs_session {
            self.conclude(Outcome::shut_out(&self.never_connected()));
            self.finish(now);
        } else {
            self.begin_configuration();
        }
        true
    }

    /// A connector of the rig that was not free when the case began, with its status.
    pub(super) fn occupied(&self) -> Option<String> {
        let is_16 = self.program.version == protocol::Version::V16;
        self.rig.connectors.iter().find_map(|place| {
            let name = if is_16 { place.connector.to_string() } else { format!("{}.{}", place.evse, place.connector) };
            let status = self.found.get(&name).filter(|status| *status != "Available")?;
            Some(format!("connector {name} was {} before the case", crate::pattern::shorten(status)))
        })
    }

    /// Why there is no station, with those that came and were turned away.
    pub(super) fn never_connected(&self) -> String {
        match self.turned_away.as_slice() {
            [] => "the station never connected".to_owned(),
            reasons => format!("the station never connected: {}", reasons.join("; ")),
        }
    }

    /// Somebody came and was turned away. A station that comes again and again with versions that are not played need
    /// not be waited for.
    pub(super) fn turned_away(&mut self, now: Timestamp, reason: &str) {
        if self.turned_away.len() < 3 && !self.turned_away.iter().any(|known| known == reason) {
            self.turned_away.push(reason.to_owned());
        }
        if reason.contains("offers only") {
            self.vain_offers += 1;
        }
        if self.vain_offers >= VAIN_OFFERS && self.session.link == LinkState::Down {
            if let Phase::Arriving { until, .. } = &mut self.phase {
                *until = now;
            } else if self.phase == Phase::Segment && self.awaits_link() {
                self.conclude(Outcome::shut_out(&self.never_connected()));
            }
        }
    }

    fn awaits_link(&self) -> bool {
        matches!(self.node.first_leaf().map(|leaf| &leaf.kind), Some(LeafKind::DeviceConnect(_)))
    }

    /// One that comes and is silent may have been accepted before, or be slow to boot.
    fn patience_with_the_silent(&self) -> Duration {
        let grace = self.rig.timeouts.grace;
        if self.session.spoken_once() { grace } else { grace * FIRST_WORD }
    }

    /// A station has connected: wait for what it says first.
    pub(super) fn connected_while_arriving(&mut self, now: Timestamp) {
        let patience = self.patience_with_the_silent();
        if let Phase::Arriving { quiet_at, .. } = &mut self.phase {
            *quiet_at = Some(now + patience);
        }
    }

    /// Something was heard from an arriving station: wait for quiet again.
    pub(super) fn heard_while_arriving(&mut self, now: Timestamp) {
        let grace = self.rig.timeouts.grace;
        if let Phase::Arriving { quiet_at, .. } = &mut self.phase {
            *quiet_at = Some(now + grace);
        }
    }

    fn begin_configuration(&mut self) {
        self.found = self.session.statuses.clone();
        let settings = self.program.configure.clone();
        if self.program.device == Role::Csms {
            for setting in settings {
                let value = self.names(Timestamp::default()).plain(setting.scope, &setting.value, &Tentative::new());
                if let Some(value) = value {
                    self.session.standin.configure(&setting.key, &crate::scope::plain_text(&value));
                }
            }
            self.session.config = self.session.standin.configuration();
            self.phase = Phase::Chores(After::Segments);
            return;
        }
        for setting in settings {
            self.chores.push_back(Chore::Configure(Box::new(setting)));
        }
        for key in self.program.config.keys() {
            if !self.session.config.contains_key(key) {
                self.chores.push_back(Chore::ReadKey(key.clone()));
            }
        }
        self.phase = Phase::Chores(After::Segments);
    }

    /// Takes up the next segment; after the last the plan has passed.
    pub(super) fn next_segment(&mut self, now: Timestamp) {
        self.near_misses.clear();
        match self.segments.pop_front() {
            Some(segment) => {
                self.event(now, EventKind::Note { text: format!("{:?}", segment.purpose) });
                self.purpose = segment.purpose;
                self.node = segment.node;
                self.phase = Phase::Segment;
            }
            None => self.tidy(now),
        }
    }

    /// Does a leaf of ours. The hole it left is filled with what follows from it.
    pub(super) fn begin(&mut self, now: Timestamp, leaf: Leaf) {
        self.step_event(now, &leaf, "begun");
        if let Some(words) = &mut self.words
            && super::guide::word_for(&leaf).is_some()
        {
            words.pop_front();
        }
        let follows = match leaf.kind.clone() {
            LeafKind::End => {
                self.node = Node::Done;
                self.next_segment(now);
                return;
            }
            LeafKind::OwnCall(step) => self.send_call(now, &leaf, &step),
            LeafKind::AskForCall(step) => self.ask_for_call(now, &leaf, &step),
            LeafKind::OwnAnswer(pending) => {
                if let Some(acting) = &mut self.acting {
                    acting.has_come = false;
                }
                self.send_answer(now, &leaf, &pending.step, &pending.id, &pending.request)
            }
            LeafKind::OwnAct(act) => {
                self.own_act(now, &leaf, &act);
                Node::Done
            }
            LeafKind::Stimulus(act) => {
                self.stimulate(now, &leaf, &act);
                Node::Done
            }
            LeafKind::Look(act) => {
                self.look(now, &leaf, &act);
                Node::Done
            }
            LeafKind::OwnConnect(options) => self.connect(now, &leaf, &options),
            LeafKind::OwnDrop(how) => {
                self.drop_link(now, how);
                self.mark(&leaf, now, now);
                Node::Done
            }
            LeafKind::GoOffline(how) => {
                self.session.admitting = false;
                self.commands.push(Command::Admit(false));
                self.drop_link(now, how);
                Node::Done
            }
            LeafKind::GoOnline => {
                self.session.admitting = true;
                self.commands.push(Command::Admit(true));
                Node::Done
            }
            LeafKind::OwnText(text) => self.send_text(now, &leaf, &text),
            LeafKind::Check(check) => {
                self.check(now, &leaf, &check);
                Node::Done
            }
            LeafKind::Procedure(procedure) => {
                self.begin_procedure(&leaf, procedure);
                Node::Done
            }
            LeafKind::Mark(name) => {
                let home = self.program.scopes.home(leaf.scope, &name.value);
                self.bindings.bind(home, serde_json::Value::String(now.to_string()));
                Node::Done
            }
            LeafKind::Tolerated => {
                if let Some(text) = &leaf.warn {
                    self.warn(format!("{text} ({}:{})", leaf.source.path, leaf.line()));
                }
                Node::Done
            }
            LeafKind::Place
            | LeafKind::DeviceCall(_)
            | LeafKind::AnswerOfDevice(_)
            | LeafKind::DeviceConnect(_)
            | LeafKind::DeviceDrop(_)
            | LeafKind::Reaction(_) => Node::Done,
        };
        self.node.fill(follows);
    }

    pub(super) fn step_event(&mut self, now: Timestamp, leaf: &Leaf, what: &str) {
        let kind = EventKind::Step { line: leaf.line(), path: leaf.source.path.clone(), what: what.to_owned() };
        self.event(now, kind);
    }
}
