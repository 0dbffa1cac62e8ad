//! Episodes told by hand, for the tests of the oracles.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use protocol::frame::{self, Frame};
use protocol::{Role, Timestamp, Version};
use serde_json::Value;

use super::{About, Oracle, Suspicion};
use crate::act::{Fill, Text};
use crate::deserved::{Deserved, deserved};
use crate::seen::{Ending, OurCall, Probe, Proof};
use crate::{Act, Seen, What};

pub(super) fn about(device: Role, version: Version) -> About<'static> {
    About { device, version, state: "idle", last_sent: "", has_password: true, can: &|_| false }
}

/// What was seen, in order.
pub(super) struct Told {
    pub(super) device: Role,
    pub(super) version: Version,
    pub(super) seen: Vec<Seen>,
    pub(super) now: Timestamp,
    pub(super) own: bool,
    calls: HashMap<String, Arc<OurCall>>,
    act: usize,
}

impl Told {
    pub(super) fn new(device: Role, version: Version) -> Told {
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        Told { device, version, seen: Vec::new(), now, own: false, calls: HashMap::new(), act: 0 }
    }

    pub(super) fn what(&mut self, link: usize, what: What) -> &mut Told {
        self.now = self.now + Duration::from_millis(1);
        self.seen.push(Seen { at: self.now, act: self.act, own: self.own, link, what });
        self
    }

    pub(super) fn after(&mut self, seconds: u64) -> &mut Told {
        self.now = self.now + Duration::from_secs(seconds);
        self
    }

    pub(super) fn opened(&mut self, link: usize) -> &mut Told {
        let identity = if link == 1000 { "BYSTANDER" } else { "PLUGFEST-1" };
        self.opened_as(link, identity, Proof::Right)
    }

    pub(super) fn opened_as(&mut self, link: usize, identity: &str, proof: Proof) -> &mut Told {
        let subprotocol = Some(self.version.subprotocol().to_owned());
        self.what(link, What::Opened { identity: identity.to_owned(), subprotocol, proof, resumed: false })
    }

    /// A link whose station has booted.
    pub(super) fn booted(&mut self, link: usize) -> &mut Told {
        self.opened(link);
        self.boot(link)
    }

    pub(super) fn boot(&mut self, link: usize) -> &mut Told {
        let payload = match self.version {
            Version::V16 => r#"{"chargePointVendor":"v","chargePointModel":"m"}"#,
            _ => r#"{"reason":"PowerUp","chargingStation":{"vendorName":"v","model":"m"}}"#,
        };
        let id = format!("boot-{link}-{}", self.seen.len());
        let call = format!(r#"[2,"{id}","BootNotification",{payload}]"#);
        let answer =
            format!(r#"[3,"{id}",{{"status":"Accepted","currentTime":"2026-01-01T00:00:00Z","interval":300}}]"#);
        match self.device {
            Role::Csms => self.call(link, &id, &call).answer(link, &answer),
            Role::Station => self.received(link, &call).answered(link, "BootNotification", &answer),
        }
    }

    /// We send this; an answer with this id is recognised.
    pub(super) fn call(&mut self, link: usize, id: &str, text: &str) -> &mut Told {
        self.send(link, Some(id), text.as_bytes())
    }

    pub(super) fn send(&mut self, link: usize, id: Option<&str>, bytes: &[u8]) -> &mut Told {
        let deserved = Arc::new(deserved(self.version, self.device, bytes));
        if let Some(id) = id {
            let call = OurCall {
                id: id.to_owned(),
                action: deserved.action.clone(),
                request: deserved.request.clone(),
                deserved: deserved.clone(),
                act: self.act,
            };
            self.calls.insert(id.to_owned(), Arc::new(call));
        }
        self.what(link, What::Sent { bytes: bytes.into(), deserved });
        if !self.own {
            self.act += 1;
        }
        self
    }

    pub(super) fn junk(&mut self, link: usize) -> &mut Told {
        let deserved = Deserved { refuse: false, may_end_link: true, ..deserved(self.version, self.device, b"\x81") };
        self.what(link, What::Sent { bytes: Arc::from(&b"\x81"[..]), deserved: Arc::new(deserved) })
    }

    /// The device answers; the call is recognised by its id.
    pub(super) fn answer(&mut self, link: usize, text: &str) -> &mut Told {
        let reading = frame::read(self.version, text.as_bytes());
        let call = reading.id.as_ref().and_then(|id| self.calls.get(id)).cloned();
        self.receive(link, text, call)
    }

    pub(super) fn received(&mut self, link: usize, text: &str) -> &mut Told {
        self.receive(link, text, None)
    }

    fn receive(&mut self, link: usize, text: &str, answers: Option<Arc<OurCall>>) -> &mut Told {
        let reading = Arc::new(frame::read(self.version, text.as_bytes()));
        let took = answers.as_ref().map(|_| Duration::from_millis(1));
        self.what(link, What::Received { bytes: text.as_bytes().into(), reading, answers, took })
    }

    /// We answer a call of the device in our own way.
    pub(super) fn answered(&mut self, link: usize, action: &str, text: &str) -> &mut Told {
        let request = self.request(action);
        let bytes = Some(Arc::from(text.as_bytes()));
        self.what(link, What::Answered { action: action.to_owned(), request, bytes, plain: true })
    }

    pub(super) fn withheld(&mut self, link: usize, action: &str) -> &mut Told {
        let request = self.request(action);
        self.what(link, What::Answered { action: action.to_owned(), request, bytes: None, plain: false })
    }

    fn request(&self, action: &str) -> Value {
        let last = self.seen.iter().rev().find_map(|seen| match &seen.what {
            What::Received { reading, .. } => match &reading.frame {
                Some(Frame::Call { action: found, payload, .. }) if found == action => Some(payload.clone()),
                _ => None,
            },
            _ => None,
        });
        last.unwrap_or_default()
    }

    pub(super) fn ended(&mut self, link: usize, how: Ending) -> &mut Told {
        self.what(link, What::Ended { how, by_us: false })
    }

    pub(super) fn probed(&mut self, link: usize, probe: Probe, alive: bool) -> &mut Told {
        self.what(link, What::Probed { probe, alive, reason: "no answer".to_owned(), took: Duration::from_millis(1) })
    }

    /// What an oracle makes of it.
    pub(super) fn judge(&self, oracle: &mut dyn Oracle) -> Vec<Suspicion> {
        let mut suspicions = Vec::new();
        self.judge_from(0, oracle, &mut suspicions);
        suspicions
    }

    /// What an oracle makes of what came after the first so many.
    pub(super) fn judge_from(&self, from: usize, oracle: &mut dyn Oracle, suspicions: &mut Vec<Suspicion>) {
        let mut last = String::new();
        for (at, seen) in self.seen.iter().enumerate() {
            if let What::Sent { bytes, .. } = &seen.what {
                last = String::from_utf8_lossy(bytes).into_owned();
            }
            let about = About { last_sent: &last, ..about(self.device, self.version) };
            if at >= from {
                oracle.saw(seen, &about, suspicions);
            }
        }
    }

    /// Lets an oracle watch, does what it wants, and has the device answer it; the id of the call stands for `ID`.
    pub(super) fn ask(&mut self, oracle: &mut dyn Oracle, answers: &mut dyn FnMut(&str) -> String) -> Vec<Suspicion> {
        let mut suspicions = Vec::new();
        self.judge_from(0, oracle, &mut suspicions);
        let mut asked = 0;
        while let Some(act) = oracle.wants() {
            asked += 1;
            assert!(asked < 10, "it wants more and more");
            let from = self.seen.len();
            self.own = true;
            let (Act::Send { link, text } | Act::Fragments { link, text, .. }) = &act else { continue };
            let id = format!("own-{asked}");
            let bytes = text.render(&Ids(id.clone()));
            self.send(*link, Some(&id), &bytes);
            let answer = answers(&String::from_utf8_lossy(&bytes)).replace("ID", &id);
            self.answer(*link, &answer);
            self.own = false;
            self.judge_from(from, oracle, &mut suspicions);
        }
        suspicions
    }
}

struct Ids(String);

impl Fill for Ids {
    fn id(&self, _: u32) -> String {
        self.0.clone()
    }

    fn asked(&self) -> Option<String> {
        None
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn known(&self, _: &str, _: usize) -> Option<Value> {
        None
    }
}

#[test]
fn a_text_is_rendered_with_its_id() {
    assert_eq!(Text::from("x").render(&Ids(String::new())), b"x");
}
