//! Links: ours to a CSMS, those of a station to us, and how they end.

use protocol::frame::Frame;
use protocol::{Role, Timestamp};
use script::ast::{Answer, ConnectionOptions, Ending, ForbiddenKind, Outcome as Wanted, PatternKind};
use serde_json::Value;
use verdict::{Diagnostic, Direction, EventKind, Verdict};

use super::chores::Chore;
use super::{Command, LinkState, Open, Outcome, Phase, Player, Tag};
use crate::leaf::{Leaf, LeafKind};
use crate::scope::{Tentative, plain_text};
use crate::tree::Node;

/// The statement that keeps a link open, of those whom it binds.
const KEEPS_LINK: &str = "R-081";

/// Whether a CSMS has to close the link that it has just let a station have.
fn has_to_close(leaf: &Leaf) -> bool {
    let LeafKind::OwnConnect(options) = &leaf.kind else { return false };
    options.outcome.as_ref().is_some_and(|outcome| outcome.value == Wanted::ClosedByCsms)
}

impl Player {
    /// Our station connects.
    pub(super) fn connect(&mut self, now: Timestamp, leaf: &Leaf, options: &ConnectionOptions) -> Node {
        if self.session.link == LinkState::Up {
            self.drop_link(now, None);
        }
        let word = |pattern: &Option<script::ast::Pattern>| {
            pattern.as_ref().and_then(|pattern| match &pattern.kind {
                PatternKind::Literal(Value::String(text)) => Some(text.clone()),
                _ => self.names(now).plain(leaf.scope, pattern, &Tentative::new()).map(|value| plain_text(&value)),
            })
        };
        let identity = match word(&options.identity).as_deref() {
            None | Some("rig") => None,
            Some("unknown") => Some("plugfest-unknown-station".to_owned()),
            Some(other) => Some(other.to_owned()),
        };
        let password = match word(&options.password).as_deref() {
            None | Some("rig") => None,
            Some("none") => Some(None),
            Some("wrong") => Some(Some("wrong-password-0000".to_owned())),
            Some(other) => Some(Some(other.to_owned())),
        };
        let offers = match &options.offers {
            Some(offers) => offers.value.clone(),
            None => vec![self.program.version.subprotocol().to_owned()],
        };
        self.commands.push(Command::Connect { identity, password, offers });
        self.connecting = Some(leaf.clone());
        Node::Done
    }

    pub(super) fn drop_link(&mut self, now: Timestamp, how: Option<Ending>) {
        if self.session.link == LinkState::Down {
            return;
        }
        let cut = how == Some(Ending::Cut);
        self.commands.push(Command::Drop { cut });
        self.session.ended_by_us = true;
        self.event(
            now,
            EventKind::Closed {
                by: Direction::ToDevice,
                code: (!cut).then_some(1000),
                reason: if cut { "cut" } else { "closed" }.to_owned(),
            },
        );
        self.link_gone();
    }

    pub(super) fn link_gone(&mut self) {
        self.session.link = LinkState::Down;
        if let Some(open) = self.open.take() {
            self.session.oracles.forgotten(&open.id);
        }
    }

    /// The next step may want a handshake of the station answered otherwise. It can come as soon as the link is down.
    pub(super) fn choose_answer(&mut self) {
        let mut first = Vec::new();
        if self.phase == Phase::Segment && self.outcome.is_none() && self.session.link == LinkState::Down {
            self.node.first_leaves(&mut first);
        }
        let wanted = first.iter().find_map(|leaf| match &leaf.kind {
            LeafKind::DeviceConnect(options) => options.answers.as_ref().map(|answers| answers.value.clone()),
            _ => None,
        });
        if wanted != self.answering {
            self.answering.clone_from(&wanted);
            self.commands.push(Command::Answer(wanted));
        }
    }

    pub(super) fn opened(
        &mut self,
        now: Timestamp,
        identity: String,
        offered: Vec<String>,
        subprotocol: Option<String>,
    ) {
        self.event(now, EventKind::Opened { identity, offered: offered.clone(), subprotocol: subprotocol.clone() });
        self.session.link = LinkState::Up;
        self.session.spoken = false;
        self.opened_at = Some(now);
        self.may_leave = false;
        self.session.oracles.opened();
        self.connected_while_arriving(now);
        self.redial_at = None;
        if self.relinking.take().is_some() {
            self.node.restart_clock(now);
            return;
        }
        if let Some(leaf) = self.connecting.take() {
            self.judge_link(&leaf, &offered, subprotocol.as_deref());
            self.mark(&leaf, now, now);
            if self.outcome.is_none() && has_to_close(&leaf) {
                // It closes the link at once; until then nothing else happens.
                let end = Node::Leaf(Box::new(leaf.becomes(LeafKind::DeviceDrop(None))));
                self.node = Node::Seq(vec![end, std::mem::replace(&mut self.node, Node::Done)]);
            }
            self.node.restart_clock(now);
            return;
        }
        if self.program.device != Role::Station || self.phase != Phase::Segment || self.outcome.is_some() {
            return;
        }
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        node.prepare(now, &super::guide::Guide(self));
        let mut passed = Vec::new();
        let taken =
            node.offer(&mut |leaf| matches!(leaf.kind, LeafKind::DeviceConnect(_)), &mut |_| false, &mut passed);
        if taken.is_some() {
            node.fill(Node::Done);
            node.restart_clock(now);
        }
        self.node = node;
        self.passed_over(passed);
        if let Some(leaf) = taken {
            self.step_event(now, &leaf, "matched");
            self.mark(&leaf, now, now);
        }
    }

    /// Until when a station may come to its first word on a new link, which may be a boot: R-114 only recommends against
    /// it, and who boots takes no call before it is accepted.
    pub(crate) fn boots_perhaps(&self, now: Timestamp) -> Option<Timestamp> {
        let is_new = self.program.device == Role::Station && self.session.link == LinkState::Up && !self.session.spoken;
        let until = self.opened_at? + self.rig.timeouts.grace;
        (is_new && until > now).then_some(until)
    }

    /// The answer of a CSMS to our handshake, held against what the case wants.
    fn judge_link(&mut self, leaf: &Leaf, offered: &[String], subprotocol: Option<&str>) {
        let LeafKind::OwnConnect(options) = &leaf.kind else { return };
        let wanted = options.outcome.as_ref().map_or(Wanted::Open, |outcome| outcome.value);
        let answers = match &options.answers {
            Some(answers) => answers.value.clone(),
            None => Some(self.program.version.subprotocol().to_owned()),
        };
        let fits = match wanted {
            Wanted::Open | Wanted::RefusedByStation => subprotocol == answers.as_deref(),
            // No common version: the handshake is completed without a subprotocol, and the link closed.
            Wanted::ClosedByCsms => options.answers.is_none() || subprotocol == answers.as_deref(),
            Wanted::RefusedByCsms => {
                let title = "the CSMS opened a link that it had to refuse".to_owned();
                let diagnostic =
                    leaf.blame(Diagnostic::error("not-refused", title.clone()), "to be refused by the CSMS");
                self.fail(leaf, title, diagnostic);
                return;
            }
        };
        if fits {
            return;
        }
        let show = |name: Option<&str>| name.map_or("none".to_owned(), |name| format!("\"{name}\""));
        let title = format!("the CSMS answered the subprotocol {}", show(subprotocol));
        let diagnostic = leaf
            .blame(
                Diagnostic::error("wrong-subprotocol", title.clone()),
                format!("expected {}\nactual   {}", show(answers.as_deref()), show(subprotocol)),
            )
            .note(format!("offered {}", offered.join(", ")));
        // A name that was on offer is still none that both sides have.
        let unspoken = answers.is_none() && subprotocol.is_some_and(|name| offered.iter().any(|other| other == name));
        let rule = if unspoken { "R-076" } else { "R-075" };
        let diagnostic = diagnostic.note(format!("breaks {rule}"));
        // Speaking another version than agreed on is the device's fault wherever it happens.
        let rules = vec![rule.to_owned()];
        self.conclude(Outcome { rules, diagnostics: vec![diagnostic], ..Outcome::plain(Verdict::Fail, &title) });
    }

    pub(super) fn refused(&mut self, now: Timestamp, status: Option<u16>, reason: &str) {
        let identity = self.session.identity.clone();
        self.event(now, EventKind::Refused { identity, status, reason: reason.to_owned() });
        let Some(leaf) = self.connecting.take() else {
            self.turned_away(now, reason);
            if self.program.device == Role::Csms && self.wants_link_again() {
                // It may need a moment to see that the old link is gone.
                self.redial_at = Some(now + self.rig.timeouts.grace);
            }
            return;
        };
        let LeafKind::OwnConnect(options) = &leaf.kind else { return };
        let wanted = options.outcome.as_ref().map_or(Wanted::Open, |outcome| outcome.value);
        match (wanted, status) {
            (Wanted::RefusedByCsms | Wanted::ClosedByCsms, Some(status)) => {
                if wanted == Wanted::RefusedByCsms && !options.http.is_empty() && !options.http.contains(&status) {
                    let title = format!("refused with HTTP status {status}");
                    let wanted: Vec<String> = options.http.iter().map(ToString::to_string).collect();
                    let diagnostic = leaf.blame(
                        Diagnostic::error("wrong-status", title.clone()),
                        format!("expected {}\nactual   {status}", wanted.join(" or ")),
                    );
                    self.fail(&leaf, title, diagnostic);
                }
                self.mark(&leaf, now, now);
            }
            // Who is let in is for the CSMS to say: the rig may name a station that it does not know.
            (_, Some(status @ (300..=399 | 401 | 403 | 404 | 429 | 503))) => {
                let title = format!("the CSMS does not let \"{}\" in: {reason}", self.session.identity);
                let diagnostic = leaf
                    .blame(Diagnostic::error("refused", title.clone()), "tried to connect here")
                    .note(format!("HTTP status {status}; are URL, identity and password those that the CSMS knows?"));
                self.conclude(Outcome { diagnostics: vec![diagnostic], ..Outcome::shut_out(&title) });
            }
            (_, Some(status)) => {
                let title = format!("the CSMS refused the link with HTTP status {status}");
                let diagnostic = leaf.blame(Diagnostic::error("refused", title.clone()), reason.to_owned());
                self.fail(&leaf, title, diagnostic);
            }
            (_, None) => {
                let title = format!("no link: {reason}");
                let diagnostic = leaf.blame(Diagnostic::error("unreachable", title.clone()), "tried to connect here");
                self.conclude(Outcome {
                    diagnostics: vec![diagnostic],
                    ..Outcome::plain(Verdict::Inconclusive, &title)
                });
            }
        }
    }

    /// The device, or the network, ended the link.
    pub(super) fn closed(&mut self, now: Timestamp, code: Option<u16>, reason: &str) {
        self.event(now, EventKind::Closed { by: Direction::FromDevice, code, reason: reason.to_owned() });
        let open = self.open.clone();
        // Who was told to reboot, or lost its power, owes no answer.
        let owes_answers = !self.may_leave && code.is_some();
        self.session.ended_by_us = false;
        self.link_gone();
        let how = match code {
            Some(code) => {
                format!("close code {code}{}", if reason.is_empty() { String::new() } else { format!(", {reason}") })
            }
            None => reason.to_owned(),
        };
        if self.running.is_some() {
            if code.is_none() && !self.may_leave {
                self.session.oracles.harmed(now, &format!("the device ended the link ({how})"));
            }
            return;
        }
        match &self.phase {
            Phase::Segment if self.outcome.is_none() => {}
            Phase::Chores(_) | Phase::Settling { .. } => {
                let is_probed = matches!(self.chore, Some(Chore::Probe));
                if !self.may_leave && (self.program.device == Role::Csms || is_probed) {
                    self.lost(now, &how);
                }
                if let Some(open) = &open
                    && open.tag == Tag::Chore
                    && !(is_probed && self.probes_again(now))
                {
                    self.chore_unanswered(now, "the link was lost");
                }
                return;
            }
            _ => return,
        }
        if self.reaction_closed(now, code, &how) {
            return;
        }
        let mut node = std::mem::replace(&mut self.node, Node::Done);
        node.prepare(now, &super::guide::Guide(self));
        let mut passed = Vec::new();
        let taken = node.offer(&mut |leaf| matches!(leaf.kind, LeafKind::DeviceDrop(_)), &mut |_| false, &mut passed);
        let mut first = Vec::new();
        node.first_leaves(&mut first);
        let expects_link = first.iter().any(|leaf| matches!(leaf.kind, LeafKind::DeviceConnect(_)));
        let ends_anyway = first
            .iter()
            .any(|leaf| matches!(leaf.kind, LeafKind::OwnConnect(_) | LeafKind::OwnDrop(_) | LeafKind::GoOffline(_)));
        if taken.is_some() {
            node.fill(Node::Done);
        }
        let device = self.program.device;
        let mut guards = Vec::new();
        node.guards(&mut guards);
        guards.extend(self.acting.iter().flat_map(|acting| &acting.guards));
        let forbidden = guards
            .iter()
            .find(|guard| {
                guard
                    .events
                    .iter()
                    .any(|event| matches!(&event.kind, ForbiddenKind::Drops(party) if party.role(device) == device))
            })
            .map(|guard| guard.place.clone());
        self.node = node;
        self.passed_over(passed);
        if let Some(leaf) = taken {
            self.step_event(now, &leaf, "matched");
            self.mark(&leaf, now, now);
            self.never_answered(open, owes_answers, &how);
            return;
        }
        // What nothing forbids is judged below, whatever else the case is about.
        let forbidden = forbidden.map(|place| (self.broken_or(&place, KEEPS_LINK), place));
        if let Some((rules, place)) = forbidden.filter(|(rules, _)| !rules.is_empty()) {
            let title = "the device ended the link where it must not".to_owned();
            let diagnostic = place.blame(Diagnostic::error("forbidden", title.clone()), how);
            self.fail_over(rules, title, diagnostic);
            return;
        }
        // A station that has to connect anew may first end what is open; one that reboots, too.
        if expects_link || self.may_leave || self.wants_drop() {
            self.never_answered(open, owes_answers, &how);
            return;
        }
        self.lost(now, &how);
        if ends_anyway && open.is_none() {
            return;
        }
        let leaf = first.into_iter().next().or_else(|| self.node.first_leaf().cloned());
        let title = format!("the device ended the link ({how})");
        let mut diagnostic = Diagnostic::error("link-lost", title.clone());
        let mut rules = self.binding(KEEPS_LINK);
        if let Some(open) = open {
            diagnostic = diagnostic.note(format!(
                "after we sent {} {}",
                open.action,
                crate::pattern::shorten(&open.request.to_string())
            ));
        }
        if let Some(leaf) = leaf {
            diagnostic = leaf.blame(diagnostic, "this was expected next");
            // A link that ends where an answer is due breaks what wants the answer.
            if let LeafKind::AnswerOfDevice(asked) = &leaf.kind {
                let call = &asked.step.call;
                match (&call.answer, &call.invalid) {
                    (Answer::Nothing(_), _) => {}
                    (Answer::Error(..), _) | (_, Some(_)) => rules.extend(self.broken_or(&leaf, "R-038")),
                    _ => rules.extend(self.broken_or(&leaf, "R-037")),
                }
            }
        }
        if rules.is_empty() {
            // Anybody else may end a link and make another: the rest of the steps could not be played on this one.
            diagnostic.severity = verdict::Severity::Warning;
            self.conclude(Outcome { diagnostics: vec![diagnostic], ..Outcome::plain(Verdict::Inconclusive, &title) });
            return;
        }
        let diagnostic = diagnostic.note(format!("breaks {}", rules.join(", ")));
        self.conclude(Outcome { rules, diagnostics: vec![diagnostic], ..Outcome::plain(Verdict::Fail, &title) });
    }

    /// The device ended the link as a case allows: what follows needs another.
    pub(super) fn link_again(&mut self, now: Timestamp) {
        let needs_one = self.node.first_leaf().is_some_and(|leaf| {
            !matches!(
                leaf.kind,
                LeafKind::End
                    | LeafKind::OwnConnect(_)
                    | LeafKind::DeviceConnect(_)
                    | LeafKind::OwnDrop(_)
                    | LeafKind::DeviceDrop(_)
                    | LeafKind::GoOffline(_)
            )
        });
        if self.outcome.is_some() || self.session.link == LinkState::Up || !needs_one {
            return;
        }
        self.relinking = Some(now + self.rig.timeouts.reconnect);
        if self.program.device == Role::Csms {
            self.dial();
        }
    }

    /// Our station dials as it did before.
    pub(super) fn dial(&mut self) {
        self.redial_at = None;
        let offers = vec![self.program.version.subprotocol().to_owned()];
        self.commands.push(Command::Connect { identity: None, password: None, offers });
    }

    fn wants_link_again(&self) -> bool {
        self.session.link == LinkState::Down
            && (self.relinking.is_some() || matches!(self.chore, Some(Chore::AwaitStation(_))))
    }

    /// No other link has come about; `true` if one was waited for.
    pub(super) fn no_link_again(&mut self, now: Timestamp) -> bool {
        if self.relinking.take_if(|until| *until <= now).is_none() {
            return false;
        }
        self.redial_at = None;
        let title = "the device ended the link, and no other came about".to_owned();
        self.session.oracles.harmed(now, &title);
        let mut diagnostic = Diagnostic::error("link-lost", title.clone());
        if let Some(leaf) = self.node.first_leaf() {
            diagnostic = leaf.blame(diagnostic, "this was expected next");
        }
        for reason in std::mem::take(&mut self.turned_away) {
            diagnostic = diagnostic.note(reason);
        }
        let rules = [self.binding("R-070"), self.binding(KEEPS_LINK)].concat();
        self.fail_over(rules, title, diagnostic);
        true
    }

    /// A call of ours was open when the link ended as it may: its answer is waited for no longer. An answer before a
    /// close frame would have come; without one it may be lost.
    fn never_answered(&mut self, open: Option<Open>, owes_it: bool, how: &str) {
        let Some(open) = open else { return };
        let Some(leaf) = self.drop_answer_leaf(&open.id) else { return };
        if open.tag == Tag::Silence {
            return;
        }
        let title = format!("{} was not answered before the link ended ({how})", open.action);
        let sent = Frame::Call { id: open.id, action: open.action, payload: open.request };
        let diagnostic = leaf
            .blame(Diagnostic::error("unanswered", title.clone()), "no answer came before the end of the link")
            .note(format!("sent     {}", crate::pattern::shorten(&sent.to_text())));
        if owes_it {
            self.fail(&leaf, title, diagnostic);
        } else {
            self.conclude(Outcome { diagnostics: vec![diagnostic], ..Outcome::plain(Verdict::Inconclusive, &title) });
        }
    }

    /// Whether the step that is under way is the CSMS closing a link without a common version.
    fn wants_drop(&self) -> bool {
        self.connecting.is_some()
    }

    pub(super) fn lost(&mut self, now: Timestamp, how: &str) {
        let after = self
            .events
            .iter()
            .rev()
            .find_map(|event| match &event.kind {
                EventKind::Text { direction: Direction::ToDevice, text, .. } => Some(text.clone()),
                _ => None,
            })
            .unwrap_or_default();
        self.session.oracles.lost(now, how, &after);
    }
}
