//! Sequences: moves of the model, repeated, swapped, delayed, cut (L5); several links, identities and clocks (L6).

use protocol::catalogue::Catalogue;
use protocol::generate::{one_in, pick};
use protocol::{Role, Version};
use serde_json::{Map, json};

use super::Maker;
use super::payload::Side;
use crate::Act;
use crate::act::{Hole, Manner, Part, Text};
use crate::model::Move;

impl Maker<'_, '_> {
    /// A move of the model, or something done again or at another time.
    pub(super) fn sequence_act(&mut self) -> Act {
        match self.choices.choose(18) {
            0..=6 => self.move_act(),
            7 => self.again(true),
            8 => self.again(false),
            9 => self.swapped(),
            10 if self.may_end_link() => self.cut_after(),
            11 if self.view.device == Role::Station => match self.choices.choose(2) {
                0 if self.may_end_link() => self.offline(),
                _ => self.not_accepted(),
            },
            11 | 12 => self.stimulus_act(0).unwrap_or(Act::Pass { ms: 50 }),
            13 if self.view.longest_pass_ms > 0 => self.pause(),
            14 | 15 if self.view.device == Role::Station => self.eventful_act(),
            14 => self.unanswered(),
            _ => {
                if self.memory.agenda.is_empty() {
                    self.plan_session();
                }
                self.memory.agenda.pop_front().unwrap_or(Act::Pass { ms: 50 })
            }
        }
    }

    /// Whether a link may end now: more seldom, where it is gone for a while.
    fn may_end_link(&mut self) -> bool {
        !self.view.has_slow_returns() || one_in(4, self.choices)
    }

    /// A move: a legal one three times out of four, as far as there are any.
    fn move_act(&mut self) -> Act {
        let link = self.link();
        let moves = self.view.model.moves(link);
        let wants_legal = !one_in(4, self.choices);
        let fitting: Vec<_> = moves.iter().filter(|each| each.forbidden_by.is_none() == wants_legal).collect();
        let chosen = pick(&fitting, self.choices).copied().or_else(|| moves.first());
        chosen.and_then(|chosen| self.made_of(chosen, link)).unwrap_or_else(|| self.legal_act())
    }

    /// The message of a move.
    pub(super) fn made_of(&mut self, chosen: &Move, link: usize) -> Option<Act> {
        let message = Catalogue::of(self.view.version).message(chosen.action)?;
        let payload = self.with_fields(message, Side::Request, &chosen.settled);
        Some(Act::Send { link, text: self.call(message, &payload) })
    }

    /// An earlier message once more, with the same id or another.
    fn again(&mut self, same_id: bool) -> Act {
        let Some(act) = self.earlier() else { return self.move_act() };
        if same_id { act } else { self.renumbered(act) }
    }

    pub(super) fn earlier(&mut self) -> Option<Act> {
        let count = self.memory.done.len();
        let back = self.choices.choose(count as u64) as usize;
        self.memory.done.get(count.checked_sub(back + 1)?).cloned()
    }

    /// The same message with a new id.
    fn renumbered(&mut self, act: Act) -> Act {
        let Some(text) = act.text() else { return act };
        let new = self.memory.next_id();
        let mut is_done = false;
        let parts = text.0.iter().map(|part| match part {
            Part::Hole(Hole::Id(_)) if !is_done => {
                is_done = true;
                Part::Hole(Hole::Id(new))
            }
            other => other.clone(),
        });
        let text: Text = parts.collect();
        act.with_text(text)
    }

    /// Two moves in the other order, or one of them much later.
    fn swapped(&mut self) -> Act {
        let first = self.move_act();
        if one_in(2, self.choices) {
            let wait = 1 + self.choices.choose(4) as usize;
            self.memory.held = Some((wait, first));
            return self.legal_act();
        }
        let second = self.move_act();
        self.memory.queue.push_back(first);
        second
    }

    /// The link ends right behind a message, in the middle of one, or is closed.
    fn cut_after(&mut self) -> Act {
        let link = self.link();
        let act = self.move_act();
        match self.choices.choose(3) {
            0 => self.memory.queue.push_back(Act::Cut { link }),
            1 => self.memory.queue.push_back(Act::Close { link, code: Some(1001) }),
            _ => {
                if let Some(text) = act.text() {
                    let first = text.0.first().cloned().into_iter().collect();
                    self.memory.queue.push_back(Act::Cut { link });
                    let (fin, opcode) = (false, 1);
                    return Act::Frame { link, fin, rsv: 0, opcode, masked: true, claims: None, payload: first };
                }
            }
        }
        act
    }

    /// The station goes on without us, and then has a lot to tell.
    fn offline(&mut self) -> Act {
        self.plan_session();
        let steps = std::mem::take(&mut self.memory.agenda);
        let beside_the_link = |step: &Act| matches!(step, Act::Stimulate { .. } | Act::Pass { .. });
        self.memory.queue.extend(steps.into_iter().filter(beside_the_link));
        // Some of it before we are back, some of it after.
        let at = self.choices.choose(self.memory.queue.len() as u64 + 1) as usize;
        let back = Act::Connect { link: 0, identity: 0, manner: Manner::default() };
        self.memory.queue.insert(self.memory.queue.len() - at, back);
        if self.view.longest_pass_ms > 0 {
            // Long enough to be told from the moment that the link is back.
            let before = self.memory.queue.len() - 1 - at;
            self.memory.queue.insert(before, Act::Pass { ms: 40_000 });
            self.memory.queue.push_front(Act::Pass { ms: 3_000 });
        }
        Act::Cut { link: 0 }
    }

    /// Several links, identities or clocks.
    pub(super) fn links_act(&mut self) -> Act {
        if self.view.device == Role::Station {
            return match self.choices.choose(3) {
                0 => self.reconnects(0),
                1 => self.burst(0),
                _ => self.clock(),
            };
        }
        match self.choices.choose(8) {
            0 | 1 => self.second_socket(),
            2 | 3 => self.foreign_transaction(),
            4 => self.interleave(),
            5 => self.reconnects(self.any_link()),
            6 => self.burst(self.any_link()),
            _ => self.clock(),
        }
    }

    /// Two calls of the CSMS, of which the first is not answered.
    fn unanswered(&mut self) -> Act {
        let calls: Vec<Act> = (0..2).filter_map(|_| self.stimulus_act(0)).collect();
        self.memory.queue.extend(calls);
        Act::Answer { link: 0, action: None, text: None, times: 1 }
    }

    fn any_link(&self) -> usize {
        self.view.links.iter().find(|(_, link)| link.open).map_or(0, |(number, _)| *number)
    }

    /// The same station on two sockets: which of them is it?
    fn second_socket(&mut self) -> Act {
        let (old, new) = (0, 2 + self.choices.choose(2) as usize);
        let text = self.legal_text();
        let manner = Manner { unbooted: one_in(2, self.choices), ..Manner::default() };
        let connect = Act::Connect { link: new, identity: 0, manner };
        self.memory.queue.push_back(Act::Send { link: new, text });
        let order = self.choices.choose(4);
        let (ended, left) = if order.is_multiple_of(2) { (old, new) } else { (new, old) };
        self.memory.queue.push_back(if order < 2 {
            Act::Close { link: ended, code: Some(1000) }
        } else {
            Act::Cut { link: ended }
        });
        let text = self.legal_text();
        self.memory.queue.push_back(Act::Send { link: left, text });
        if let Some(stimulus) = self.stimulus_act(left) {
            self.memory.queue.push_back(stimulus);
        }
        if left == new {
            let end = Act::Close { link: new, code: Some(1000) };
            self.memory.queue.push_back(end);
        }
        connect
    }

    /// Another station talks about a transaction of the first.
    fn foreign_transaction(&mut self) -> Act {
        if self.view.identities < 2 {
            return self.second_socket();
        }
        let action = match (self.view.version, self.choices.choose(3)) {
            (Version::V16, 0 | 1) => "StopTransaction",
            (Version::V16, _) => "MeterValues",
            _ => "TransactionEvent",
        };
        let Some(message) = Catalogue::of(self.view.version).message(action) else { return self.legal_act() };
        let mut fields = Map::new();
        let known = self.view.known.get("transactionId", 0).cloned();
        match self.view.version {
            Version::V16 => {
                fields.insert("transactionId".to_owned(), known.unwrap_or(json!(1)));
            }
            _ => {
                fields.insert("eventType".to_owned(), json!("Ended"));
                fields.insert("triggerReason".to_owned(), json!("StopAuthorized"));
                if let Some(known) = known {
                    fields.insert("transactionInfo".to_owned(), json!({ "transactionId": known }));
                }
            }
        }
        let payload = self.with_fields(message, Side::Request, &fields);
        Act::Send { link: 1, text: self.call(message, &payload) }
    }

    fn interleave(&mut self) -> Act {
        for at in 0..1 + self.choices.choose(4) as usize {
            let text = self.legal_text();
            let link = (at + 1) % self.view.identities.clamp(1, 2);
            self.memory.queue.push_back(Act::Send { link, text });
        }
        let text = self.legal_text();
        Act::Send { link: 0, text }
    }

    fn reconnects(&mut self, link: usize) -> Act {
        let identity = self.view.links.get(&link).map_or(0, |link| link.identity);
        for _ in 0..self.choices.choose(4) {
            let manner = Manner { unbooted: one_in(2, self.choices), ..Manner::default() };
            self.memory.queue.push_back(Act::Connect { link, identity, manner });
            let is_cut = one_in(2, self.choices);
            self.memory.queue.push_back(if is_cut { Act::Cut { link } } else { Act::Close { link, code: Some(1000) } });
        }
        let manner = Manner { unbooted: one_in(2, self.choices), ..Manner::default() };
        self.memory.queue.push_back(Act::Connect { link, identity, manner });
        let text = self.legal_text();
        self.memory.queue.push_back(Act::Send { link, text });
        Act::Cut { link }
    }

    /// Many messages at once, without waiting for answers.
    fn burst(&mut self, link: usize) -> Act {
        let count = pick(&[2, 3, 10, 50], self.choices).copied().unwrap_or(2);
        let message = self.plainest();
        let mut bytes = Vec::new();
        for _ in 0..count {
            let id = format!("b{}-{}", self.view.acts, self.memory.next_id());
            bytes.extend(self.encoded(1, format!("[2,\"{id}\",\"{}\",{{}}]", message.action).as_bytes()));
        }
        self.memory.queue.push_back(Act::Cut { link });
        Act::Bytes { link, bytes: Text::bytes(bytes) }
    }

    /// From now on our clock goes wrong, or right again.
    fn clock(&mut self) -> Act {
        let offsets = [0, 3600, -3600, 7 * 86_400, -7 * 86_400, 60, 50 * 365 * 86_400, -55 * 365 * 86_400];
        self.memory.clock = pick(&offsets, self.choices).copied().unwrap_or(0);
        let text = self.legal_text();
        Act::Send { link: self.link(), text }
    }
}
