//! Links that outlive an episode: of the station that only looks on, and of a station under test. A handshake costs a
//! device more than a call, and a station may take seconds to come again.

use protocol::Role;

use super::links::Link;
use super::{BYSTANDER, Stage};
use crate::act::Manner;
use crate::seen::Proof;
use crate::{Seen, What};

/// A link that was answered when it was last asked, and owes nothing.
pub struct Kept {
    link: Box<Link>,
    /// What was seen when it was opened: whoever follows an episode has to know.
    opening: Vec<Seen>,
}

impl Stage {
    /// With the link that the episode before has left.
    #[must_use]
    pub fn with_kept(mut self, kept: Option<Kept>) -> Stage {
        self.kept = kept;
        self
    }

    /// The link that is good for another episode, if there is one.
    pub fn take_kept(&mut self) -> Option<Kept> {
        self.kept.take()
    }

    /// Opens link 0 and, where the device is a CSMS and the rig has identities enough, the bystander's; or goes on with
    /// what is left of the episode before.
    pub async fn begin(&mut self) -> Vec<Seen> {
        self.own = true;
        if self.setting.device == Role::Station {
            if !self.goes_on().await {
                self.open(0, 0, &Manner::default()).await;
            }
            return std::mem::take(&mut self.seen);
        }
        if self.setting.identities.len() > 1 && !self.goes_on().await {
            self.open(BYSTANDER, self.setting.identities.len() - 1, &Manner::default()).await;
            self.opening = self.seen.clone();
        }
        let before = self.seen.len();
        self.open(0, 0, &Manner::default()).await;
        if self.is_turned_away(0) {
            // It may not have noticed yet that the link of the episode before is gone.
            self.seen.truncate(before);
            self.open_fresh(0).await;
        }
        std::mem::take(&mut self.seen)
    }

    /// Goes on with the link that is kept. `false` if there is none, or it has ended meanwhile.
    async fn goes_on(&mut self) -> bool {
        let Some(Kept { link, opening }) = self.kept.take() else { return false };
        let number = link.number;
        self.seen.extend(opening.iter().cloned());
        self.opening = opening;
        if self.setting.device == Role::Station {
            // What it booted with was judged when it did, and how long it was silent is not known here.
            let (identity, subprotocol) = (link.name.clone(), Some(self.setting.version.subprotocol().to_owned()));
            self.saw(number, What::Opened { identity, subprotocol, proof: Proof::Right, resumed: true });
        }
        self.links.insert(number, *link);
        self.look_around().await;
        if !self.is_open(number) {
            self.seen.clear();
            self.links.remove(&number);
        }
        self.is_open(number)
    }

    /// Keeps the link that outlives the episode, if it is known to be good.
    pub(super) fn keep(&mut self) {
        let opening = std::mem::take(&mut self.opening);
        let is_good =
            |link: &Link| link.is_open() && link.is_idle() && (link.number == BYSTANDER || link.settled == Some(true));
        let number = self.lasting();
        if self.setting.virtual_time || !self.is_heard || !self.links.get(&number).is_some_and(is_good) {
            return;
        }
        self.kept = self.links.remove(&number).map(|mut link| {
            link.unprepare();
            Kept { link: Box::new(link), opening }
        });
    }

    /// The link that may outlive the episode.
    pub(super) fn lasting(&self) -> usize {
        if self.setting.device == Role::Csms { BYSTANDER } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use engine::rig::Rig;
    use link::dial::{Dial, Listener, TcpDialer};
    use link::handshake::{self, ClientRequest, Headers};
    use link::{AsyncStream, Connection, EventKind, Limits, Url};
    use protocol::frame::{self, Frame};
    use protocol::{Role, Version};
    use serde_json::json;

    use crate::Act;
    use crate::act::{Hole, Part};
    use crate::generate::Allowed;
    use crate::play::{Frozen, Outcome, play};
    use crate::target::{How, Target};

    /// The id of the next call on a link; nothing once it has ended.
    async fn next_call<S: AsyncStream>(connection: &mut Connection<S>) -> Option<String> {
        loop {
            let bytes = match connection.next().await.kind {
                EventKind::Text(bytes) => bytes,
                EventKind::Close { .. } | EventKind::Ended(_) => return None,
                _ => continue,
            };
            if let Some(Frame::Call { id, .. }) = frame::read(Version::V16, &bytes).frame {
                return Some(id);
            }
        }
    }

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
                    while let Some(id) = next_call(&mut connection).await {
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

    /// A station that boots on its first link, answers every call with nothing, and comes again when a link ends; how
    /// often it came.
    async fn station(url: Url, came: Arc<Mutex<u32>>) {
        loop {
            *came.lock().unwrap() += 1;
            let url = url.with_identity("ONE");
            let stream = TcpDialer.dial(&url).await.unwrap();
            let request = ClientRequest::to(&url).offering(&["ocpp1.6"]);
            let outcome = handshake::connect(stream, &request, &Limits::default()).await.unwrap();
            let mut connection = outcome.connection.unwrap();
            if *came.lock().unwrap() == 1 {
                let boot = r#"[2,"boot","BootNotification",{"chargePointVendor":"v","chargePointModel":"m"}]"#;
                connection.send_text(boot).await.unwrap();
            }
            while let Some(id) = next_call(&mut connection).await {
                let _ = connection.send_text(&Frame::Result { id, payload: json!({}) }.to_text()).await;
            }
        }
    }

    /// How often a station has come after each of three episodes of these acts.
    fn comings(acts: &[Act]) -> Vec<u32> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = Listener::bind("127.0.0.1:0").await.unwrap();
            let url = Url::parse(&format!("ws://{}/ocpp", listener.address())).unwrap();
            let came = Arc::new(Mutex::new(0));
            tokio::spawn(station(url, came.clone()));
            let mut target = Target::station(&Rig::default_for(Some(Role::Station)), Version::V16, listener);
            let mut comings = Vec::new();
            for _ in 0..3 {
                let outcome = play(&mut target, &mut Frozen::new(acts), &Allowed::default(), How::default()).await;
                assert!(outcome.alive && outcome.unreachable.is_none(), "{outcome:#?}");
                comings.push(*came.lock().unwrap());
            }
            comings
        })
    }

    #[test]
    fn a_station_stays_connected_from_one_episode_to_the_next() {
        assert_eq!(comings(&[]), [1, 1, 1]);
        let call =
            [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(1)), Part::Bytes(b",\"ClearCache\",{}]".to_vec())];
        assert_eq!(comings(&[Act::Send { link: 0, text: call.into_iter().collect() }]), [1, 1, 1]);
    }

    #[test]
    fn a_station_that_may_wait_for_the_rest_of_something_comes_again() {
        let bytes = [Part::Bytes(vec![0x81])].into_iter().collect();
        assert_eq!(comings(&[Act::Bytes { link: 0, bytes }]), [1, 2, 3]);
    }
}
