//! Episodes against a reference CSMS on a socket, in real time: what only shows there.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use std::future::Future;

use engine::rig::Rig;
use link::{Url, frame};
use protocol::{Role, Version};
use streams::act::{Hole, Manner, Part, Text};
use streams::generate::Allowed;
use streams::play::{Frozen, Outcome, play};
use streams::target::{How, Target};
use streams::{Act, What};

/// A CSMS that speaks both versions, for as long as something is done with its URL.
fn with_csms<T, F: Future<Output = T>>(act: impl FnOnce(Url) -> F) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut settings = peers::CsmsSettings::standard(Version::V201);
        settings.versions = vec![Version::V16, Version::V201];
        let listen = "127.0.0.1:0".parse().unwrap();
        let served = serve::csms(serve::CsmsOptions { listen, control: None, settings, faults: Vec::new() });
        let served = served.await.unwrap();
        let url = Url::parse(&format!("ws://{}/ocpp", served.listen().unwrap())).unwrap();
        let serving = tokio::spawn(served.run_until(std::future::pending()));
        let done = act(url).await;
        serving.abort();
        done
    })
}

fn target(url: Url) -> Target {
    Target::csms(&Rig::default_for(Some(Role::Csms)), Version::V201, url)
}

async fn played(target: &mut Target, acts: &[Act]) -> Outcome {
    let outcome = play(target, &mut Frozen::new(acts), &Allowed::default(), How::default()).await;
    assert_eq!(outcome.unreachable, None);
    outcome
}

fn call(link: usize, rest: &str) -> Act {
    let parts = [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(1)), Part::Bytes(format!(",{rest}]").into_bytes())];
    Act::Send { link, text: parts.into_iter().collect() }
}

#[test]
fn what_is_right_in_another_version_is_not_judged_by_this_one() {
    // In 1.6 the code for this is spelled otherwise.
    let broken = call(1, "\"BootNotification\",{}");
    let manner = Manner { offers: Some(vec!["ocpp1.6".to_owned()]), unbooted: true, ..Manner::default() };
    let acts = [Act::Connect { link: 1, identity: 1, manner }, broken];
    let outcome = with_csms(async |url| played(&mut target(url), &acts).await);
    assert!(outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
    let opened =
        |seen: &&streams::Seen| matches!(&seen.what, What::Opened { subprotocol: Some(name), .. } if name == "ocpp1.6");
    assert_eq!(outcome.seen.iter().filter(opened).count(), 1);
}

#[test]
fn a_close_code_that_comes_back_is_ours() {
    let payload = Text::bytes(*b"\x03\xf3");
    let close = Act::Frame { link: 0, fin: true, rsv: 0, opcode: frame::CLOSE, masked: true, claims: None, payload };
    let outcome = with_csms(async |url| played(&mut target(url), &[close]).await);
    assert!(outcome.suspicions.is_empty(), "{:#?}", outcome.suspicions);
    assert!(outcome.seen.iter().any(|seen| matches!(&seen.what, What::Ended { by_us: true, .. })));
}

#[test]
fn no_message_id_is_used_in_two_episodes_or_two_runs() {
    // A device may answer an id that it knows with what it has answered before.
    let acts = [call(0, "\"Heartbeat\",{}")];
    let mut ids = with_csms(async |url| {
        let (mut one, mut other) = (target(url.clone()), target(url));
        let mut ids = Vec::new();
        for outcome in [played(&mut one, &acts).await, played(&mut one, &acts).await, played(&mut other, &acts).await] {
            ids.extend(outcome.seen.iter().filter_map(|seen| match &seen.what {
                What::Sent { deserved, .. } => deserved.id.clone(),
                _ => None,
            }));
        }
        ids
    });
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert!(all > 6 && ids.len() == all, "{ids:?}");
}
