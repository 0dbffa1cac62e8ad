//! An interrupt: the plan ends, but what a CSMS would keep from it is undone, if that takes a moment only.

use protocol::{Role, Timestamp};
use verdict::Verdict;

use super::{Input, LinkState, Outcome, Phase, Player};

const WHY: &str = "interrupted";
/// So many times the rig's grace it may take.
const MOMENTS: u32 = 2;

/// A plan that is being ended.
#[derive(Clone, Debug)]
pub(super) struct Interrupt {
    pub(super) until: Timestamp,
    /// The call that was open then: its answer tells what has to be undone.
    call: Option<String>,
}

impl Player {
    /// Ends the plan, at once or soon; to be said again whenever something has happened. `true`: there is something to do.
    pub(crate) fn interrupt(&mut self, now: Timestamp) -> bool {
        let has_memory = self.program.device == Role::Csms && self.session.link == LinkState::Up;
        if !has_memory || self.running.is_some() || !matches!(self.phase, Phase::Segment | Phase::Chores(_)) {
            self.abandon(now, Verdict::Inconclusive, WHY);
            return true;
        }
        let call = self.open.as_ref().map(|open| open.id.clone());
        let until = now + self.rig.timeouts.grace * MOMENTS;
        let interrupt = self.interrupt.get_or_insert(Interrupt { until, call: call.clone() }).clone();
        if interrupt.until <= now {
            self.abandon(now, Verdict::Inconclusive, WHY);
            return true;
        }
        let is_answered = interrupt.call.is_none() || interrupt.call != call;
        if self.tidied || !is_answered {
            return false;
        }
        self.conclude(Outcome::plain(Verdict::Inconclusive, WHY));
        if self.session.ledger.is_empty() {
            self.finish(now);
        } else {
            self.tidy(now);
            self.handle(now, Input::Tick);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::sample;

    const STEPS: &str = "  - station -> csms: StartTransaction\n    fields: { connectorId: 1, idTag: PLUGFEST, meterStart: 0 }\n    \
                         reply: { transactionId: 7 }\n  - station -> csms: Heartbeat\n";

    #[test]
    fn a_transaction_that_begins_as_the_plan_is_interrupted_is_ended_before_it_is_over() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut player = sample::connected_to_csms(now, STEPS);
        let sent = sample::sent(&mut player);
        assert!(sent.contains("StartTransaction"));
        assert!(!player.interrupt(now), "the answer tells what has to be undone");
        answer(&mut player, now, &sent, r#"{"transactionId":7,"idTagInfo":{"status":"Accepted"}}"#);
        assert!(player.interrupt(now));
        let mut ended = false;
        while !player.is_finished() {
            let sent = sample::sent(&mut player);
            ended |= sent.contains(r#""transactionId":7"#);
            let answer_text =
                if sent.contains("Heartbeat") { r#"{"currentTime":"2026-01-01T00:00:00Z"}"# } else { "{}" };
            answer(&mut player, now, &sent, answer_text);
            player.interrupt(now);
        }
        assert!(ended);
        assert_eq!(player.into_parts().0.reason, WHY);
    }

    #[test]
    fn a_csms_that_is_silent_holds_nobody_up() {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let mut player = sample::connected_to_csms(now, STEPS);
        assert!(!player.interrupt(now));
        let until = player.wakeup(now).unwrap();
        assert!(until <= now + player.rig.timeouts.grace * MOMENTS);
        player.interrupt(until);
        assert!(player.is_finished());
    }

    fn answer(player: &mut Player, now: Timestamp, call: &str, payload: &str) {
        let id = call.split('"').nth(1).unwrap();
        player.handle(now, Input::Text(format!(r#"[3,"{id}",{payload}]"#).into_bytes()));
    }
}
