//! How often a station boots that nobody has accepted.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::{Timestamp, Version};

use super::{Found, Oracles};
use crate::Verdict;

/// So many boots that nobody asked for are a flood …
const FLOOD: usize = 10;
/// … if they come within this time: a station that waits for half a second floods nobody.
const WITHIN: Duration = Duration::from_secs(4);

/// The last boots of a station that is not accepted.
#[derive(Clone, Debug, Default)]
pub(super) struct Boots(VecDeque<Timestamp>);

impl Oracles {
    /// A boot that nobody asked for, of a station that was told to wait.
    pub(super) fn boots_again(&mut self, now: Timestamp, text: &str) {
        let boots = &mut self.boots.0;
        boots.push_back(now);
        if boots.len() < FLOOD {
            return;
        }
        let first = boots.pop_front().unwrap_or(now);
        let took = now.since(first);
        if took > WITHIN {
            return;
        }
        let statement = if self.version == Version::V16 { "16-BOOT-05" } else { "B03.FR.05" };
        self.report(
            now,
            text,
            Found {
                oracle: "boots-without-flood",
                statement,
                path: "BootNotification, again".to_owned(),
                verdict: Verdict::Fail,
                sentence: format!("{FLOOD} boots came within {:.1} s", took.as_secs_f64()),
            },
        );
    }

    /// It is accepted.
    pub(super) fn boots_no_more(&mut self) {
        self.boots.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use protocol::Role;
    use serde_json::json;

    use super::*;

    fn told(pause: Duration) -> Vec<String> {
        let mut oracles = Oracles::new(Role::Station, Version::V16);
        oracles.opened();
        let mut now = Timestamp(0);
        for number in 0..12 {
            let text = format!(
                r#"[2,"{number}","BootNotification",{{"chargePointVendor":"Plugfest","chargePointModel":"Reference"}}]"#
            );
            oracles.received(now, text.as_bytes());
            let time = "2026-01-01T00:00:00Z";
            let answer = json!({ "status": "Pending", "interval": 0, "currentTime": time });
            oracles.sent_answer(&number.to_string(), Some(&answer));
            now = now + pause;
        }
        oracles.take().into_iter().map(|found| found.statement).collect()
    }

    #[test]
    fn boots_twenty_times_a_second_are_a_flood_and_every_half_second_are_none() {
        assert_eq!(told(Duration::from_millis(50)), ["16-BOOT-05"]);
        assert!(told(Duration::from_millis(500)).is_empty());
    }
}
