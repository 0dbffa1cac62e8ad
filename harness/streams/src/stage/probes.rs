//! Calls that every device answers: the sentinel behind an act, and the probes at the end of an episode.

use std::sync::Arc;
use std::time::Duration;

use protocol::frame::Frame;
use protocol::{Role, Version};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::links::Link;
use super::{BYSTANDER, FRESH, Stage};
use crate::act::Manner;
use crate::deserved::deserved;
use crate::seen::{Ending, Probe};
use crate::{Seen, What};

/// How often a CSMS is asked for a new link after the other one was closed, and how long is waited in between.
const NOTICED: u32 = 20;
const MOMENT: Duration = Duration::from_millis(50);

impl Stage {
    /// Sends the plain call that every device answers. `false` if it was not answered.
    pub(super) async fn sentinel(&mut self, number: usize, patience: Duration) -> bool {
        let (action, payload) = plain_call(self.setting.device, self.setting.version);
        self.own_call(number, action, payload, patience).await
    }

    /// Sends the plain call that every device answers, and says under which id.
    pub(super) async fn put_sentinel(&mut self, number: usize) -> String {
        let (action, payload) = plain_call(self.setting.device, self.setting.version);
        self.put_own_call(number, action, payload).await
    }

    /// A call of our own, which is no part of the sequence.
    pub(super) async fn own_call(&mut self, number: usize, action: &str, payload: Value, patience: Duration) -> bool {
        let id = self.put_own_call(number, action, payload).await;
        let own = std::mem::replace(&mut self.own, true);
        let answered = self.answered(number, &id, patience).await;
        self.own = own;
        answered
    }

    async fn put_own_call(&mut self, number: usize, action: &str, payload: Value) -> String {
        self.own_ids += 1;
        let id = format!("{}s{}", self.setting.prefix, self.own_ids);
        let frame = Frame::Call { id: id.clone(), action: action.to_owned(), payload };
        let bytes = frame.to_text().into_bytes();
        let deserved = Arc::new(deserved(self.setting.version, self.setting.device, &bytes));
        let own = std::mem::replace(&mut self.own, true);
        self.saw(number, What::Sent { bytes: bytes.clone().into(), deserved: deserved.clone() });
        let act = self.act;
        if let Some(link) = self.links.get_mut(&number) {
            link.expect(&deserved, act);
            link.put_text(&bytes, &[]).await;
        }
        self.own = own;
        id
    }

    /// Asks whether the device is still alive: on the links of the episode, for the bystander, on a new link. Then
    /// all links are closed.
    pub async fn end(&mut self) -> Vec<Seen> {
        self.own = true;
        self.happened = 0;
        let reply = self.setting.rig.timeouts.reply;
        let own: Vec<usize> = self.links.keys().copied().filter(|number| *number < BYSTANDER).collect();
        for number in own {
            let fit = self.links.get(&number).is_some_and(|link| link.is_open() && !link.muddled);
            if fit {
                self.probe(number, Probe::Same, reply).await;
            }
        }
        if let Some(beat) = self.beat.take() {
            // One call at a time: what was asked in passing is answered first.
            self.answered(BYSTANDER, &beat, reply).await;
        }
        if self.is_open(BYSTANDER) {
            self.probe(BYSTANDER, Probe::Bystander, reply).await;
        }
        if self.setting.fresh {
            let number = if self.setting.device == Role::Csms { FRESH } else { 0 };
            let began = Instant::now();
            self.open_fresh(number).await;
            if self.is_open(number) {
                self.probe(number, Probe::Fresh, reply).await;
            } else {
                let reason = "no new link came about".to_owned();
                let took = began.elapsed();
                self.saw(number, What::Probed { probe: Probe::Fresh, alive: false, reason, took });
                if self.setting.device == Role::Station {
                    self.wait_for_ever().await;
                }
            }
        }
        self.leave();
        std::mem::take(&mut self.seen)
    }

    /// Opens a new link of the first station. A CSMS may refuse a second one while another is open: then that one
    /// is closed, and it is asked again, until it has noticed. It may also still be reading what came on one that is gone.
    pub(super) async fn open_fresh(&mut self, number: usize) {
        let is_rival = |link: &Link| link.number < BYSTANDER && link.identity == 0 && link.is_open();
        let rivals: Vec<usize> = self.links.values().filter(|link| is_rival(link)).map(|link| link.number).collect();
        for attempt in 0..=NOTICED {
            // Only the last refusal is one of a device that takes nobody any more.
            self.own = self.setting.device == Role::Station || attempt == NOTICED;
            let before = self.seen.len();
            self.open(number, 0, &Manner::default()).await;
            self.own = true;
            if self.is_open(number) || !self.is_turned_away(number) {
                return;
            }
            if attempt < NOTICED && self.was_hung_up(number) {
                self.seen.truncate(before);
            }
            if attempt == 0 {
                for rival in &rivals {
                    self.close(*rival, Some(1000)).await;
                }
                self.forgotten.retain(|(identity, _)| *identity != 0);
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// Whether a CSMS has just refused a link: with its answer to the handshake, or by a close before its first word.
    pub(super) fn is_turned_away(&self, number: usize) -> bool {
        let last = self.seen.last().map(|seen| &seen.what);
        let refused = matches!(last, Some(What::Refused { status: Some(_), .. }));
        self.setting.device == Role::Csms && (refused || self.was_hung_up(number))
    }

    /// Whether the device closed this link, as it should, and had not said a word on it.
    fn was_hung_up(&self, number: usize) -> bool {
        let of_link = self.seen.iter().rev().filter(|seen| seen.link == number);
        let mut since = of_link.take_while(|seen| !matches!(seen.what, What::Opened { .. })).map(|seen| &seen.what);
        let closed = |what: &What| matches!(what, What::Ended { how: Ending::Closed(_), by_us: false });
        since.clone().any(closed) && !since.any(|what| matches!(what, What::Received { .. }))
    }

    async fn probe(&mut self, number: usize, probe: Probe, patience: Duration) {
        let began = Instant::now();
        let alive = self.sentinel(number, patience).await;
        let reason = match (alive, self.is_open(number)) {
            (true, _) => String::new(),
            (false, true) => format!("no answer within {} s", patience.as_secs()),
            (false, false) => "the link ended".to_owned(),
        };
        if number == self.lasting() {
            self.is_heard = alive;
        }
        self.saw(number, What::Probed { probe, alive, reason, took: began.elapsed() });
    }

    /// Closes what is open; nobody waits for it.
    fn leave(&mut self) {
        self.setting.habits = self.habits();
        self.keep();
        // A device that waits for the rest of a message would not hear of a close.
        let fit = std::mem::take(&mut self.links).into_values().filter(|link| !link.muddled);
        let forgotten = std::mem::take(&mut self.forgotten).into_iter().map(|(_, connection)| connection);
        for mut connection in fit.filter_map(|link| link.connection).chain(forgotten) {
            tokio::spawn(async move {
                if connection.close(Some(1000), "").await.is_ok() {
                    let _ = tokio::time::timeout(Duration::from_secs(2), connection.drain()).await;
                }
            });
        }
    }
}

/// What every device answers, in whatever way.
pub(super) fn plain_call(device: Role, version: Version) -> (&'static str, Value) {
    match (device, version) {
        (Role::Csms, _) => ("Heartbeat", Value::Object(Map::new())),
        (Role::Station, Version::V16) => ("GetConfiguration", json!({ "key": ["HeartbeatInterval"] })),
        (Role::Station, _) => (
            "GetVariables",
            json!({ "getVariableData": [{
                "component": { "name": "OCPPCommCtrlr" },
                "variable": { "name": "HeartbeatInterval" },
            }] }),
        ),
    }
}
