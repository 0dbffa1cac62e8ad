//! The station that only looks on: it stays connected from one episode to the next, for that costs the device nothing,
//! and a handshake costs it more than a call.

use protocol::Role;

use super::links::Link;
use super::{BYSTANDER, Stage};
use crate::Seen;
use crate::act::Manner;

/// The link of a bystander that was answered when it was last asked.
pub struct Bystander {
    link: Box<Link>,
    /// What was seen when it was opened: whoever follows an episode has to know.
    opening: Vec<Seen>,
}

impl Stage {
    /// With the link of a bystander from the episode before.
    #[must_use]
    pub fn with_bystander(mut self, bystander: Option<Bystander>) -> Stage {
        self.kept = bystander;
        self
    }

    /// The link of the bystander, if it is still good for another episode.
    pub fn bystander(&mut self) -> Option<Bystander> {
        self.kept.take()
    }

    /// Lets the bystander look on, where the device is a CSMS and the rig has identities enough.
    pub(super) async fn has_bystander(&mut self) {
        if self.setting.device != Role::Csms || self.setting.identities.len() < 2 {
            return;
        }
        if let Some(Bystander { link, opening }) = self.kept.take() {
            self.links.insert(BYSTANDER, *link);
            self.seen.extend(opening.iter().cloned());
            self.look_around().await;
            if self.is_open(BYSTANDER) {
                self.opening = opening;
                return;
            }
            self.seen.clear();
        }
        self.open(BYSTANDER, self.setting.identities.len() - 1, &Manner::default()).await;
        self.opening = self.seen.clone();
    }

    /// Keeps the bystander's link for the next episode, if it is known to be good.
    pub(super) fn keep_bystander(&mut self) {
        let opening = std::mem::take(&mut self.opening);
        if self.setting.virtual_time || !self.is_open(BYSTANDER) || !self.is_heard {
            return;
        }
        self.kept = self.links.remove(&BYSTANDER).map(|link| Bystander { link: Box::new(link), opening });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine::rig::Rig;
    use link::dial::Listener;
    use link::handshake::{self, Headers};
    use link::{EventKind, Limits, Url};
    use protocol::frame::{self, Frame};
    use protocol::{Role, Version};
    use serde_json::json;

    use crate::generate::Allowed;
    use crate::play::{Frozen, Outcome, play};
    use crate::target::{How, Target};

    /// A CSMS that says who came, and hangs up on those of this name after so many answers.
    async fn csms(impatient: Option<(&'static str, usize)>) -> (Url, Arc<Mutex<Vec<String>>>) {
        let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", listener.address())).unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let who = came.clone();
        tokio::spawn(async move {
            while let Ok(stream) = listener.accept_tcp().await {
                let who = who.clone();
                tokio::spawn(async move {
                    let incoming = handshake::read_request(stream, &Limits::default()).await.unwrap();
                    let identity = incoming.request.identity.clone();
                    who.lock().unwrap().push(identity.clone());
                    let mut connection = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
                    let mut left = impatient.filter(|(name, _)| *name == identity).map_or(usize::MAX, |(_, left)| left);
                    loop {
                        let bytes = match connection.next().await.kind {
                            EventKind::Text(bytes) => bytes,
                            EventKind::Close { .. } | EventKind::Ended(_) => break,
                            _ => continue,
                        };
                        let Some(Frame::Call { id, .. }) = frame::read(Version::V16, &bytes).frame else { continue };
                        let now = "2026-01-01T00:00:00Z";
                        let payload = json!({ "status": "Accepted", "currentTime": now, "interval": 300 });
                        let _ = connection.send_text(&Frame::Result { id, payload }.to_text()).await;
                        left -= 1;
                        if left == 0 {
                            break;
                        }
                    }
                });
            }
        });
        (url, came)
    }

    /// Who came in three episodes without an act.
    fn who_came(impatient: Option<(&'static str, usize)>) -> (Vec<String>, Vec<Outcome>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (url, came) = csms(impatient).await;
            let mut rig = Rig::default_for(Some(Role::Csms));
            rig.identities = ["FIRST", "SECOND", "LOOKS-ON"].map(str::to_owned).to_vec();
            let mut target = Target::csms(&rig, Version::V16, url);
            let mut outcomes = Vec::new();
            for _ in 0..3 {
                outcomes.push(play(&mut target, &mut Frozen::new(&[]), &Allowed::default(), How::default()).await);
            }
            (came.lock().unwrap().clone(), outcomes)
        })
    }

    #[test]
    fn who_looks_on_stays_connected_from_one_episode_to_the_next() {
        let (came, outcomes) = who_came(None);
        assert_eq!(came, ["LOOKS-ON", "FIRST", "FIRST", "FIRST"]);
        assert!(outcomes.iter().all(|outcome| outcome.alive));
        // Its link and its boot are told of each time.
        let told = |outcome: &Outcome| outcome.seen.iter().filter(|seen| seen.link == super::BYSTANDER).count();
        assert_eq!(outcomes.iter().map(told).collect::<Vec<_>>(), vec![told(&outcomes[0]); 3]);
        let before = |outcome: &Outcome| outcome.seen.iter().filter(|seen| seen.at < outcome.began).count();
        assert_eq!(outcomes.iter().map(before).collect::<Vec<_>>(), [0, 3, 3]);
    }

    #[test]
    fn who_looks_on_comes_again_when_the_device_has_hung_up() {
        // It boots and is asked once at the end.
        let (came, outcomes) = who_came(Some(("LOOKS-ON", 2)));
        assert_eq!(came, ["LOOKS-ON", "FIRST", "LOOKS-ON", "FIRST", "LOOKS-ON", "FIRST"]);
        assert!(outcomes.iter().all(|outcome| outcome.alive));
    }
}
