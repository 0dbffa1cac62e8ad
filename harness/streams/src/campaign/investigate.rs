//! From a suspicion to a finding: does it show again, how little does it take, does it always show.

use std::time::Instant;

use crate::act::Act;
use crate::finding::{Signature, seen_once};
use crate::generate::Allowed;
use crate::oracles::{Class, Code, Evidence, HARM, Suspicion};
use crate::play::{Frozen, Outcome, play};
use crate::shrink::{Showing, Shrinker};
use crate::target::{How, Target};
use crate::{Seen, Sequence};

use super::Campaign;

/// Something found, made small.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it takes.
    pub sequence: Sequence,
    /// What was noticed.
    pub suspicion: Suspicion,
    /// Whether it was confirmed with the whole time-out for every call.
    pub serial: bool,
    /// How often it showed when it was repeated.
    pub shown: u32,
    /// Of so many times.
    pub tried: u32,
    /// The last time it showed, as far as it was kept.
    pub seen: Vec<Seen>,
    /// The episode it was first seen in.
    pub episode: u64,
    /// How many acts that episode had up to there.
    pub acts_before: usize,
}

/// Whether an outcome shows what was suspected.
pub(crate) fn shows<'a>(outcome: &'a Outcome, suspicion: &Suspicion) -> Option<&'a Suspicion> {
    Signature::of(suspicion).shown_by(outcome)
}

/// What was seen and does not show again is told, and accuses nobody.
fn not_again(suspicion: &Suspicion, times: &str) -> Suspicion {
    if !suspicion.class.is_red() {
        return suspicion.clone();
    }
    let sentence = format!("{}, {times}: it did not when the same was done again", suspicion.sentence);
    Suspicion { class: Class::Ambiguous, sentence, ..suspicion.clone() }
}

/// Why a death is not repeated.
const GONE: &str = "it did not come back";

/// Looks into a suspicion. `None` if it does not show again and cannot be held up by the bytes alone.
pub(super) async fn investigate(
    campaign: &Campaign,
    target: &mut Target,
    slot: usize,
    outcome: &Outcome,
    suspicion: &Suspicion,
) -> Option<Found> {
    // A new link tells nothing of what shows before the end, and a handshake costs more than a call.
    let fresh = target.is_embedded() || suspicion.oracle == Code::O1 || suspicion.act >= outcome.acts.len();
    let mut again = Again { campaign, target, slot, serial: false, fresh, is_gone: false };
    if suspicion.nominated {
        let convicted = again.convict(outcome, suspicion).await;
        let is_gone = convicted.is_none() && again.is_gone && is_harm(suspicion);
        return if is_gone { Some(Found::untried(again.target, outcome, suspicion, GONE)) } else { convicted };
    }
    let upto = outcome.acts.len().min(suspicion.act + 1);
    let mut best: Option<(Vec<Act>, Outcome)> = None;
    // What is noticed at the end of an episode may be due to any act of it.
    for acts in [&outcome.acts[..upto], &outcome.acts[..]] {
        let repeated = again.play(acts).await;
        if shows(&repeated, suspicion).is_some() {
            best = Some((acts.to_vec(), repeated));
            break;
        }
    }
    let Some((acts, repeated)) = best else {
        if again.is_gone && is_harm(suspicion) {
            return Some(Found::untried(again.target, outcome, suspicion, GONE));
        }
        let unrepeated = |suspicion| Found {
            sequence: Sequence::new(again.target.device, again.target.version, outcome.acts.clone()),
            suspicion,
            serial: false,
            shown: 0,
            tried: 2,
            seen: outcome.seen.clone(),
            episode: 0,
            acts_before: outcome.acts.len(),
        };
        return match suspicion.evidence {
            Evidence::Fate => None,
            Evidence::Words => Some(unrepeated(suspicion.clone())),
            Evidence::Order => Some(unrepeated(not_again(suspicion, "once"))),
        };
    };
    let acts_before = acts.len();
    let (small, shown) = again.minimise(acts.clone(), repeated.clone(), suspicion).await;
    let found = again.found(suspicion, small, shown, acts_before, (0, 0)).await;
    if found.shown > 0 || found.tried == 0 || suspicion.evidence == Evidence::Words {
        return Some(found);
    }
    // A device that takes its time to die may have died of what was tried before, and too much was taken away; a race
    // may have been won once.
    let found = again.found(suspicion, acts, repeated, acts_before, (0, 0)).await;
    match suspicion.evidence {
        _ if found.shown > 0 || found.tried == 0 => Some(found),
        Evidence::Order => Some(Found { suspicion: not_again(&found.suspicion, "a few times"), ..found }),
        Evidence::Fate | Evidence::Words => None,
    }
}

impl Found {
    /// Whether it rests on the order of messages, and did not show again: it accuses nobody.
    pub fn was_seen_once(&self) -> bool {
        seen_once(self.suspicion.class, self.shown, self.tried)
    }

    /// What was not repeated, and why.
    pub(super) fn untried(target: &Target, outcome: &Outcome, suspicion: &Suspicion, why: &str) -> Found {
        let sentence = format!("{}, and {why}", suspicion.sentence);
        Found {
            sequence: Sequence::new(target.device, target.version, outcome.acts.clone()),
            suspicion: Suspicion { sentence, ..suspicion.clone() },
            serial: false,
            shown: 0,
            tried: 0,
            seen: outcome.seen.clone(),
            episode: 0,
            acts_before: outcome.acts.len(),
        }
    }
}

/// Whether it tells of a device that is harmed as a whole, so that others who talk to it at the same time see it, too.
/// The end of a link after something illegal is a remark, and tells of no more than the link.
pub(super) fn is_harm(suspicion: &Suspicion) -> bool {
    suspicion.rule == HARM
        && suspicion.class.is_red()
        && matches!(suspicion.oracle, Code::O1 | Code::O2 | Code::O9 | Code::O13)
}

struct Again<'a> {
    campaign: &'a Campaign,
    target: &'a mut Target,
    slot: usize,
    serial: bool,
    fresh: bool,
    /// The device could not be reached any more, and nobody started it again.
    is_gone: bool,
}

impl Again<'_> {
    /// Looks into what was only nominated. It is made small as it was nominated, which takes a few round trips each
    /// time, and then has to show once more serially: with the whole time-out for every call.
    async fn convict(&mut self, outcome: &Outcome, suspicion: &Suspicion) -> Option<Found> {
        let upto = outcome.acts.len().min(suspicion.act + 1);
        let acts = &outcome.acts[..upto];
        let repeated = self.play(acts).await;
        shows(&repeated, suspicion)?;
        let (mut small, _) = self.minimise(acts.to_vec(), repeated, suspicion).await;
        self.serial = true;
        let mut convicted = self.play(&small).await;
        if shows(&convicted, suspicion).is_none() && self.target.is_embedded() {
            // Where the time-out costs nothing: what is small may be another thing than what was seen first.
            convicted = self.play(acts).await;
            shows(&convicted, suspicion)?;
            (small, convicted) = self.minimise(acts.to_vec(), convicted, suspicion).await;
        }
        shows(&convicted, suspicion)?;
        // Whether it always shows is seen quickly, too.
        self.serial = self.target.is_embedded();
        let found = self.found(suspicion, small, convicted, upto, (1, 1)).await;
        Some(Found { serial: true, ..found })
    }

    /// Repeats what was made small, to see whether it always shows.
    async fn found(
        &mut self,
        suspicion: &Suspicion,
        acts: Vec<Act>,
        repeated: Outcome,
        acts_before: usize,
        (mut shown, mut tried): (u32, u32),
    ) -> Found {
        let mut last = repeated;
        while tried < self.campaign.repeats {
            tried += 1;
            let repeated = self.play(&acts).await;
            if shows(&repeated, suspicion).is_some() {
                shown += 1;
                // What convicted stands in the finding, not what nominated.
                if self.serial || !suspicion.nominated {
                    last = repeated;
                }
            }
        }
        Found {
            sequence: Sequence::new(self.target.device, self.target.version, acts),
            suspicion: shows(&last, suspicion).unwrap_or(suspicion).clone(),
            serial: false,
            shown,
            tried,
            seen: last.seen,
            episode: 0,
            acts_before,
        }
    }

    async fn play(&mut self, acts: &[Act]) -> Outcome {
        let how = How { serial: self.serial, fresh: self.fresh, slot: self.slot };
        let allowed = &self.campaign.allowed;
        let mut outcome = play(self.target, &mut Frozen::new(acts), allowed, how).await;
        // One that died over what was played before may only now be seen to be gone; that says nothing about these acts.
        if outcome.unreachable.is_some() && revive(self.target, allowed, self.slot).await {
            outcome = play(self.target, &mut Frozen::new(acts), allowed, how).await;
        }
        if !outcome.alive || outcome.unreachable.is_some() {
            let is_back = revive(self.target, allowed, self.slot).await;
            self.is_gone = !is_back && outcome.unreachable.is_some();
        }
        outcome
    }

    /// Fewer and smaller acts that show the same.
    async fn minimise(&mut self, acts: Vec<Act>, outcome: Outcome, suspicion: &Suspicion) -> (Vec<Act>, Outcome) {
        let (device, version) = (self.target.device, self.target.version);
        let allowed = self.campaign.allowed.clone();
        let forbidden = move |act: &Act| allowed.denies_act(device, version, act).is_some();
        let mut shrinker = Shrinker::new(Sequence::new(device, version, acts), self.campaign.shrink, forbidden);
        let began = Instant::now();
        let mut last = outcome;
        while let Some(smaller) = shrinker.propose(began.elapsed()) {
            let outcome = self.play(&smaller.acts).await;
            let showing = match (shows(&outcome, suspicion), outcome.suspicions.is_empty()) {
                (Some(_), _) => Showing::Same,
                (None, false) => Showing::Other,
                (None, true) => Showing::Nothing,
            };
            if showing == Showing::Same {
                last = outcome;
            }
            shrinker.told(showing);
        }
        (shrinker.best().acts.clone(), last)
    }
}

/// Sees whether the device can be reached, and starts it again if not.
pub(crate) async fn revive(target: &mut Target, allowed: &Allowed, slot: usize) -> bool {
    for _ in 0..2 {
        let greeted = greet(target, allowed, slot).await;
        if greeted.unreachable.is_none() && greeted.alive {
            return true;
        }
        if !target.restart().await {
            return false;
        }
    }
    false
}

/// Waits for the device at the beginning, as long as the rig says.
///
/// # Errors
///
/// In words, when it does not come and cannot be started.
pub(super) async fn reached(target: &mut Target, allowed: &Allowed) -> Result<(), String> {
    let greeted = greet(target, allowed, 0).await;
    if greeted.unreachable.is_none() && greeted.alive {
        return Ok(());
    }
    let is_back = target.restart().await && revive(target, allowed, 0).await;
    match greeted.unreachable {
        Some(reason) if !is_back => Err(reason),
        // What one that takes part and is deaf does is for the episodes to find.
        _ => Ok(()),
    }
}

/// An episode without an act.
async fn greet(target: &mut Target, allowed: &Allowed, slot: usize) -> Outcome {
    let how = How { serial: false, fresh: false, slot };
    play(target, &mut Frozen::new(&[]), allowed, how).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::rig::Rig;
    use link::dial::Listener;
    use link::handshake::{self, Headers};
    use link::{EventKind, Limits as LinkLimits, Url};
    use protocol::frame::{self, Frame};
    use protocol::{Role, Version};
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::*;
    use crate::act::{Hole, Part};
    use crate::shrink::Limits;

    /// A CSMS that answers everything but DataTransfer, and that one as late as it is told.
    async fn csms(late: Option<Duration>) -> Url {
        let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", listener.address())).unwrap();
        tokio::spawn(async move {
            while let Ok(stream) = listener.accept_tcp().await {
                tokio::spawn(async move {
                    let incoming = handshake::read_request(stream, &LinkLimits::default()).await.unwrap();
                    let mut connection = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
                    let (later, mut due) = mpsc::unbounded_channel();
                    loop {
                        let event = tokio::select! {
                            event = connection.next() => event,
                            Some(answer) = due.recv() => {
                                let answer: String = answer;
                                let _ = connection.send_text(&answer).await;
                                continue;
                            }
                        };
                        let bytes = match event.kind {
                            EventKind::Text(bytes) => bytes,
                            EventKind::Close { .. } | EventKind::Ended(_) => break,
                            _ => continue,
                        };
                        let Some(Frame::Call { id, action, .. }) = frame::read(Version::V16, &bytes).frame else {
                            continue;
                        };
                        let now = "2026-01-01T00:00:00Z";
                        let payload = match action.as_str() {
                            "DataTransfer" => json!({ "status": "Accepted" }),
                            "BootNotification" => json!({ "status": "Accepted", "currentTime": now, "interval": 300 }),
                            _ => json!({ "currentTime": now }),
                        };
                        let answer = Frame::Result { id, payload }.to_text();
                        match (action.as_str(), late) {
                            ("DataTransfer", None) => {}
                            ("DataTransfer", Some(late)) => {
                                let later = later.clone();
                                tokio::spawn(async move {
                                    tokio::time::sleep(late).await;
                                    let _ = later.send(answer);
                                });
                            }
                            _ => connection.send_text(&answer).await.unwrap(),
                        }
                    }
                });
            }
        });
        url
    }

    fn call(number: u32, rest: &str) -> Act {
        let rest = format!(",{rest}]").into_bytes();
        let parts = [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(number)), Part::Bytes(rest)];
        Act::Send { link: 0, text: parts.into_iter().collect() }
    }

    /// What comes of the silence after a DataTransfer.
    async fn looked_into(late: Option<Duration>, reply: Duration) -> Option<Found> {
        let mut rig = Rig::default_for(Some(Role::Csms));
        rig.timeouts.reply = reply;
        let mut target = Target::csms(&rig, Version::V16, csms(late).await);
        let heartbeat = |number| call(number, "\"Heartbeat\",{}");
        let acts = [heartbeat(1), call(2, "\"DataTransfer\",{\"vendorId\":\"org.example\"}"), heartbeat(3)];
        let outcome = play(&mut target, &mut Frozen::new(&acts), &Allowed::default(), How::default()).await;
        let silence = outcome.suspicions.iter().find(|suspicion| suspicion.action == "DataTransfer").unwrap();
        assert!(silence.nominated, "{silence:?}");
        let limits = Limits { executions: 30, ..Limits::default() };
        let campaign = Campaign { shrink: limits, repeats: 3, ..Campaign::default() };
        investigate(&campaign, &mut target, 0, &outcome, silence).await
    }

    /// A link that the device ended, where nothing asked for it.
    fn ended() -> Suspicion {
        Suspicion {
            oracle: Code::O2,
            rule: crate::oracles::HARM.to_owned(),
            class: crate::oracles::Class::Robustness,
            state: "idle".to_owned(),
            action: "Heartbeat".to_owned(),
            path: "legal".to_owned(),
            reply: "close 1000".to_owned(),
            sentence: "the device ended the link".to_owned(),
            frame: String::new(),
            act: 0,
            nominated: false,
            evidence: Evidence::Fate,
        }
    }

    /// A suspicion of a device that does nothing of the kind, as if it had been seen once.
    async fn noticed_once(suspicion: Suspicion) -> Option<Found> {
        let rig = Rig::default_for(Some(Role::Csms));
        let mut target = Target::csms(&rig, Version::V16, csms(Some(Duration::ZERO)).await);
        let acts = [call(1, "\"Heartbeat\",{}")];
        let mut outcome = play(&mut target, &mut Frozen::new(&acts), &Allowed::default(), How::default()).await;
        assert!(outcome.suspicions.is_empty(), "{:?}", outcome.suspicions);
        outcome.suspicions.push(suspicion.clone());
        investigate(&Campaign::default(), &mut target, 0, &outcome, &suspicion).await
    }

    /// A CSMS whose process ends at a DataTransfer, with all its links; somebody starts it again, or nobody does.
    async fn mortal(comes_back: bool) -> Url {
        let mut listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.address().to_string();
        let url = Url::parse(&format!("ws://{address}/ocpp")).unwrap();
        tokio::spawn(async move {
            loop {
                let (died, mut death) = mpsc::unbounded_channel();
                let mut links = tokio::task::JoinSet::new();
                let served = async {
                    while let Ok(stream) = listener.accept_tcp().await {
                        let died: mpsc::UnboundedSender<()> = died.clone();
                        links.spawn(async move {
                            let incoming = handshake::read_request(stream, &LinkLimits::default()).await.unwrap();
                            let mut connection = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
                            while let EventKind::Text(bytes) = connection.next().await.kind {
                                let frame = frame::read(Version::V16, &bytes).frame;
                                let Some(Frame::Call { id, action, .. }) = frame else { continue };
                                if action == "DataTransfer" {
                                    died.send(()).unwrap();
                                }
                                let now = "2026-01-01T00:00:00Z";
                                let payload = json!({ "status": "Accepted", "currentTime": now, "interval": 300 });
                                let _ = connection.send_text(&Frame::Result { id, payload }.to_text()).await;
                            }
                        });
                    }
                };
                tokio::select! {
                    () = served => {}
                    _ = death.recv() => {}
                }
                drop(listener);
                links.shutdown().await;
                if !comes_back {
                    break;
                }
                listener = Listener::bind(&address).await.unwrap();
            }
        });
        url
    }

    /// What comes of a death.
    async fn died(comes_back: bool) -> Option<Found> {
        let mut rig = Rig::default_for(Some(Role::Csms));
        rig.timeouts.reconnect = if comes_back { Duration::from_secs(20) } else { Duration::ZERO };
        let mut target = Target::csms(&rig, Version::V16, mortal(comes_back).await);
        let acts = [call(1, "\"Heartbeat\",{}"), call(2, "\"DataTransfer\",{\"vendorId\":\"org.example\"}")];
        let outcome = play(&mut target, &mut Frozen::new(&acts), &Allowed::default(), How::default()).await;
        let death = outcome.suspicions.iter().find(|suspicion| is_harm(suspicion)).unwrap();
        let campaign = Campaign { repeats: 3, ..Campaign::default() };
        investigate(&campaign, &mut target, 0, &outcome, death).await
    }

    fn blocking<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn a_silence_is_made_small_quickly_and_convicted_with_the_whole_time_out() {
        let found = blocking(looked_into(None, Duration::from_secs(3))).unwrap();
        assert_eq!((found.sequence.acts.len(), found.serial, found.shown, found.tried), (1, true, 3, 3));
        let unanswered = |seen: &Seen| matches!(seen.what, crate::What::Unanswered { .. });
        assert!(!found.suspicion.nominated && found.seen.iter().any(unanswered), "{:?}", found.suspicion);
    }

    #[test]
    fn a_device_that_others_start_again_is_waited_for_and_its_death_made_small() {
        let found = blocking(died(true)).unwrap();
        assert_eq!((found.sequence.acts.len(), found.shown, found.tried), (1, 3, 3), "{:?}", found.suspicion);
    }

    #[test]
    fn the_end_of_a_link_over_something_illegal_is_no_death() {
        let end = ended();
        assert!(is_harm(&end));
        assert!(!is_harm(&Suspicion { class: Class::Compatibility, ..end }));
    }

    #[test]
    fn a_death_is_told_though_nobody_starts_the_device_again() {
        let found = blocking(died(false)).unwrap();
        assert_eq!((found.sequence.acts.len(), found.shown, found.tried), (2, 0, 0));
        assert!(found.suspicion.sentence.ends_with("and it did not come back"), "{:?}", found.suspicion);
    }

    #[test]
    fn trap_a_link_that_ended_once_and_not_again_accuses_nobody() {
        assert!(blocking(noticed_once(ended())).is_none());
    }

    #[test]
    fn trap_an_order_of_messages_that_was_seen_once_is_told_and_accuses_nobody() {
        let of = |evidence| Suspicion { oracle: Code::O6, class: Class::Violation, evidence, ..ended() };
        let found = blocking(noticed_once(of(Evidence::Order))).unwrap();
        assert_eq!((found.suspicion.class, found.shown, found.tried), (Class::Ambiguous, 0, 2));
        assert_eq!(
            found.suspicion.sentence,
            "the device ended the link, once: it did not when the same was done again"
        );
        assert!(found.was_seen_once());
        let found = blocking(noticed_once(of(Evidence::Words))).unwrap();
        assert_eq!((found.suspicion.class, found.was_seen_once()), (Class::Violation, false));
    }

    #[test]
    fn trap_who_answers_late_but_in_time_is_not_convicted() {
        let found = blocking(looked_into(Some(Duration::from_millis(1500)), Duration::from_secs(30)));
        assert!(found.is_none(), "{found:?}");
    }
}
