//! Two players across from each other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use protocol::{Role, Timestamp};
use verdict::{Direction, Event, EventKind};

use crate::drivers::Confirmation;
use crate::player::{Command, Input, Outcome, Player, Session};
use crate::program::Program;
use crate::rig::Rig;

/// More turns than this are no conversation.
const MOST_TURNS: usize = 200_000;
/// One of three messages is late by up to this much: longer than the grace that optional items have.
const LATEST: u64 = 1_500;

/// One side: the player, and what is on its way to it.
struct End {
    /// The side that its device has; it plays the other.
    device: Role,
    player: Player,
    arriving: VecDeque<(Timestamp, Input)>,
    events: Vec<Event>,
    /// It wants the link ended, but the other side is not there yet.
    dropping: Option<bool>,
    /// It wants to connect, but is not let in yet.
    connecting: Option<Vec<String>>,
    /// The other side was through while this one was not: what it is answered from then on belongs to no step.
    left_alone: bool,
}

/// Both sides.
pub(super) struct Pair {
    now: Timestamp,
    station: End,
    csms: End,
    up: bool,
    random: u64,
}

impl Pair {
    /// The side that plays the station, and the side that plays the CSMS.
    pub(super) fn new(station: Program, csms: Program, rig: Arc<Rig>, seed: u64) -> Pair {
        let now = Timestamp(1_770_000_000_000_000);
        let version = station.version;
        let identity = rig.identities.first().cloned().unwrap_or_default();
        let session = |device, prefix: &str| Session::new(device, version, &identity, &rig, prefix, 0);
        let ourselves =
            |program, session, config| Player::across_from_ourselves(now, program, rig.clone(), session, seed, config);
        let station = ourselves(station, session(Role::Csms, "s"), None);
        let config = station.configuration();
        let csms = ourselves(csms, session(Role::Station, "c"), Some(config));
        let end = |device, player| End {
            device,
            player,
            arriving: VecDeque::new(),
            events: Vec::new(),
            dropping: None,
            connecting: None,
            left_alone: false,
        };
        let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Pair { now, station: end(Role::Csms, station), csms: end(Role::Station, csms), up: false, random }
    }

    /// Plays until both sides are past their steps, or nothing moves.
    pub(super) fn play(&mut self) {
        for _ in 0..MOST_TURNS {
            self.carry_out(Role::Station);
            self.carry_out(Role::Csms);
            self.end_link();
            self.connect();
            let (station, csms) = (self.station.player.is_past_its_steps(), self.csms.player.is_past_its_steps());
            self.station.left_alone |= csms && !station;
            self.csms.left_alone |= station && !csms;
            if (station && csms) || !self.move_on() {
                return;
            }
        }
    }

    /// What came of both sides, the one that failed first in front.
    pub(super) fn outcomes(self) -> Vec<(Role, Outcome, Vec<Event>)> {
        let now = self.now;
        let mut all: Vec<(Role, Outcome, Vec<Event>)> = [self.station, self.csms]
            .into_iter()
            .map(|mut end| {
                if !end.player.is_past_its_steps() {
                    end.player.abandon(now, verdict::Verdict::Error, "it never comes to its end");
                }
                let (mut outcome, _, rest) = end.player.into_parts();
                let misfit = outcome.diagnostics.iter().any(|shown| shown.code == "mismatch");
                if end.left_alone && misfit {
                    outcome = Outcome::plain(verdict::Verdict::Pass, "");
                }
                end.events.extend(rest);
                (end.device, outcome, end.events)
            })
            .collect();
        // A side that only waited for the other is not the one to look at.
        all.sort_by_key(|(_, outcome, _)| outcome.verdict != verdict::Verdict::Error || outcome.diagnostics.is_empty());
        all
    }

    fn end(&mut self, plays: Role) -> (&mut End, &mut End) {
        match plays {
            Role::Station => (&mut self.station, &mut self.csms),
            Role::Csms => (&mut self.csms, &mut self.station),
        }
    }

    fn carry_out(&mut self, plays: Role) {
        let delay = self.delay();
        let (now, up) = (self.now, self.up);
        let (own, other) = self.end(plays);
        for command in own.player.commands() {
            // What is done after the steps is for real devices; only calls of the other side are still answered.
            let over = own.player.is_past_its_steps();
            match command {
                Command::Send(text) if up && (!over || text.starts_with("[3") || text.starts_with("[4")) => {
                    other.deliver(now + delay, Input::Text(text.into_bytes()));
                }
                Command::Connect { offers, .. } => own.connecting = Some(offers),
                Command::Drop { cut } if !over => own.dropping = Some(cut),
                Command::Stimulate(stimulus) if !over => {
                    let action = stimulus.with.get("action").and_then(serde_json::Value::as_str);
                    let word = match action {
                        Some(action) if stimulus.verb == "send" => format!("send {action}"),
                        _ => stimulus.verb.clone(),
                    };
                    other.deliver(now, Input::Word(word));
                    own.deliver(now, Input::StimulusDone(Confirmation::Done));
                }
                Command::Look(_) if !over => own.deliver(now, Input::Observed(Some(true))),
                _ => {}
            }
        }
        own.events.extend(own.player.events());
    }

    /// Ends the link once the side that did not ask for it is ready: where both cut it, neither is first.
    fn end_link(&mut self) {
        let now = self.now;
        if !self.up {
            self.station.dropping = None;
            self.csms.dropping = None;
            return;
        }
        for plays in [Role::Station, Role::Csms] {
            let (own, other) = self.end(plays);
            let Some(cut) = own.dropping else { continue };
            let both = other.dropping.is_some();
            let is_ready = other.player.lets_the_link_end() && other.arriving.is_empty();
            if !(both || is_ready) {
                continue;
            }
            own.dropping = None;
            other.dropping = None;
            own.forget_the_link();
            other.forget_the_link();
            if !both {
                let code = (!cut).then_some(1000);
                other.deliver(now, Input::Closed { code, reason: "self-play".to_owned() });
            }
            self.up = false;
            return;
        }
    }

    fn connect(&mut self) {
        if self.up || self.station.connecting.is_none() || !self.csms.player.admits() {
            return;
        }
        // What is left of the old link arrives before the new one.
        if !self.csms.arriving.is_empty() {
            return;
        }
        let Some(offers) = self.station.connecting.take() else { return };
        self.up = true;
        let subprotocol = offers.first().cloned();
        let identity = "PLUGFEST-1".to_owned();
        let opened = Input::Opened { identity, offered: offers, subprotocol };
        let now = self.now;
        self.csms.deliver(now, opened.clone());
        self.station.deliver(now, opened);
    }

    /// Goes on to the next thing that happens; `false` if nothing does.
    fn move_on(&mut self) -> bool {
        let now = self.now;
        let mut next: Option<(Timestamp, Role, bool)> = None;
        for plays in [Role::Station, Role::Csms] {
            let (own, _) = self.end(plays);
            let arrival = own.arriving.front().map(|(at, _)| (*at, plays, true));
            let wakeup = (!own.player.is_past_its_steps())
                .then(|| own.player.wakeup(now))
                .flatten()
                .filter(|at| *at < Timestamp(i64::MAX))
                .map(|at| (at, plays, false));
            for candidate in [arrival, wakeup].into_iter().flatten() {
                // What arrives goes before what runs out at the same moment.
                if next
                    .is_none_or(|(at, _, arrives)| candidate.0 < at || (candidate.0 == at && candidate.2 && !arrives))
                {
                    next = Some(candidate);
                }
            }
        }
        let Some((at, plays, arrives)) = next else { return false };
        self.now = self.now.max(at);
        let now = self.now;
        let (own, _) = self.end(plays);
        let input = if arrives { own.arriving.pop_front().map(|(_, input)| input) } else { Some(Input::Tick) };
        if let Some(input) = input {
            own.player.handle(now, input);
        }
        true
    }

    fn delay(&mut self) -> Duration {
        // xorshift64*: repeatable, and good enough for who comes first.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let drawn = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        let late = drawn.is_multiple_of(3);
        Duration::from_millis(if late { drawn / 3 % LATEST } else { drawn % 5 })
    }
}

impl End {
    /// Puts something on its way; nothing overtakes on one link.
    fn deliver(&mut self, at: Timestamp, input: Input) {
        let at = self.arriving.back().map_or(at, |(last, _)| at.max(*last));
        self.arriving.push_back((at, input));
    }

    fn forget_the_link(&mut self) {
        self.arriving.retain(|(_, input)| !matches!(input, Input::Text(_)));
    }
}

/// The conversation as both readings saw it, for a person.
pub fn transcript(events: &[(Role, Event)]) -> String {
    events
        .iter()
        .filter_map(|(device, event)| {
            let what = match &event.kind {
                EventKind::Text { direction: Direction::ToDevice, text, .. } => format!("sends {text}"),
                EventKind::Step { line, path, what } => format!("{path}:{line} {what}"),
                EventKind::Closed { by: Direction::FromDevice, reason, .. } => format!("lost the link: {reason}"),
                EventKind::Closed { reason, .. } => format!("ends the link: {reason}"),
                EventKind::Opened { .. } => "link open".to_owned(),
                EventKind::Note { text } => text.clone(),
                _ => return None,
            };
            Some(format!("{} {:<7} {what}", event.at, device.other().name()))
        })
        .collect::<Vec<_>>()
        .join("\n")
}
