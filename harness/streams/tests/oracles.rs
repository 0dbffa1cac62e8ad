//! The oracles before the reference peers: clean ones are never accused, faulty ones are found.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use protocol::catalogue::{Catalogue, Kind};
use protocol::generate::{Choices, Seeded, broken, valid};
use protocol::{Role, Version};
use serde_json::Value;
use streams::Act;
use streams::act::{Credentials, Hole, Manner, Part, Reception, Text};
use streams::generate::{Allowed, Generator, Layer};
use streams::oracles::{Code, Suspicion};
use streams::play::{Frozen, Generated, Outcome, Source, play};
use streams::target::{How, Target};
use streams::view::View;

/// Legal, broken and illegal things of every kind, by chance.
struct Mixed {
    choices: Seeded,
    left: usize,
    number: u32,
}

impl Mixed {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let at = usize::try_from(self.choices.choose(from.len() as u64)).unwrap();
        &from[at]
    }

    fn framed(&mut self, before: &str, rest: &str) -> Text {
        self.number += 1;
        let parts = [
            Part::Bytes(before.as_bytes().to_vec()),
            Part::Hole(Hole::Id(self.number)),
            Part::Bytes(rest.as_bytes().to_vec()),
        ];
        parts.into_iter().collect()
    }

    /// A call to a device of this side, valid or broken once.
    fn call(&mut self, device: Role, version: Version, is_valid: bool) -> (String, Value) {
        let messages: Vec<_> = Catalogue::of(version)
            .messages()
            .iter()
            .filter(|message| message.kind == Kind::Call && message.from.includes(device.other()))
            .filter(|message| !matches!(message.action.as_str(), "Reset" | "UpdateFirmware" | "SetNetworkProfile"))
            .collect();
        let message = *self.pick(&messages);
        let payload = if is_valid {
            valid(version, &message.request, &mut self.choices)
        } else {
            broken(version, &message.request, &mut self.choices).map_or(Value::Null, |(payload, ..)| payload)
        };
        (message.action.clone(), payload)
    }
}

const ENVELOPES: [&str; 14] = [
    "[2,5,\"Heartbeat\",{}]",
    "[2,null,\"Heartbeat\",{}]",
    "[2,\"\",\"Heartbeat\",{}]",
    "[\"2\",\"t\",\"Heartbeat\",{}]",
    "[2.0,\"t\",\"Heartbeat\",{}]",
    "[7,\"t\",\"Heartbeat\",{}]",
    "[2]",
    "{}",
    "[2,\"t\",5,{}]",
    "[3,\"unknown\",{}]",
    "[4,\"unknown\",\"GenericError\",\"\",{}]",
    "[4,[],\"InternalError\",\"d\"]",
    "[2,\"0123456789012345678901234567890123456789\",\"Heartbeat\",{}]",
    "[2,\"t\",\"Heart",
];

impl Source for Mixed {
    fn next(&mut self, view: &View<'_>) -> Option<Act> {
        self.left = self.left.checked_sub(1)?;
        let (device, version, link) = (view.device, view.version, 0);
        Some(match self.choices.choose(16) {
            kind @ 0..=8 => {
                let (action, payload) = self.call(device, version, kind < 5);
                let text = self.framed("[2,", &format!(",\"{action}\",{payload}]"));
                Act::Send { link, text }
            }
            9 => Act::Send { link, text: (*self.pick(&ENVELOPES)).into() },
            10 => {
                let rest = *self.pick(&[
                    ",\"Heartbeat\",{},1]",
                    ",\"constructor\",{}]",
                    ",\"heartbeat\",{}]",
                    ",\"Heartbeat\"]",
                ]);
                Act::Send { link, text: self.framed("[2,", rest) }
            }
            11 => {
                let payloads: [&[u8]; 4] = [
                    b"\xff\xfe",
                    b"[2,\"\xc3\x28\",\"Heartbeat\",{}]",
                    b"",
                    b"[2,\"u\",\"DataTransfer\",{\"vendorId\":\"\\ud800\"}]",
                ];
                Act::Send { link, text: Text::bytes(*self.pick(&payloads)) }
            }
            12 => {
                let opcode = *self.pick(&[0, 1, 2, 3, 8, 9, 10, 11]);
                let payload = Text::bytes(*self.pick(&[&b""[..], b"x", b"\x03\xe8"]));
                let rsv = *self.pick(&[0, 0, 4]);
                Act::Frame { link, fin: true, rsv, opcode, masked: true, claims: None, payload }
            }
            13 => match self.choices.choose(3) {
                0 => Act::Close { link, code: Some(1000) },
                1 => Act::Cut { link },
                _ => Act::Connect { link: 1, identity: 1, manner: Manner::default() },
            },
            14 => {
                let texts = [None, Some("[3,\"nobody\",{}]"), Some("[3")];
                let text = (*self.pick(&texts)).map(Text::from);
                Act::Answer { link, action: None, text, times: 1 }
            }
            _ => Act::Pass { ms: self.choices.choose(400) * 100 },
        })
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

fn episode(target: &mut Target, seed: u64, acts: usize) -> Outcome {
    let how = How { fresh: true, ..How::default() };
    let choices = Seeded::new(seed / 2);
    let mut mixed = Mixed { choices: choices.clone(), left: acts, number: 0 };
    let mut generated = Generated::new(Generator::new(&Layer::ALL), choices, acts);
    let source: &mut dyn Source = if seed.is_multiple_of(2) { &mut mixed } else { &mut generated };
    run(play(target, source, &Allowed { dangerous: seed % 4 < 2 }, how))
}

fn shown(outcome: &Outcome, suspicion: &Suspicion) -> String {
    let acts: Vec<String> = outcome.acts.iter().map(|act| format!("{act:?}")).collect();
    format!("{suspicion:#?}\nafter:\n{}", acts[..acts.len().min(suspicion.act + 1)].join("\n"))
}

/// So many acts are done to each clean device in an ordinary run of the tests.
const ACTS: usize = 60;

fn accusations(device: Role, version: Version, episodes: u64) -> BTreeMap<String, (usize, String)> {
    let mut red = BTreeMap::new();
    let mut target = Target::embedded(device, version, Vec::new());
    for seed in 0..episodes {
        let outcome = episode(&mut target, seed, ACTS);
        assert_eq!(outcome.unreachable, None);
        for suspicion in outcome.suspicions.iter().filter(|suspicion| suspicion.class.is_red()) {
            let key = format!("{:?} {} {} {}", suspicion.oracle, suspicion.action, suspicion.path, suspicion.reply);
            let entry = red.entry(key).or_insert_with(|| (0, shown(&outcome, suspicion)));
            entry.0 += 1;
        }
    }
    red
}

#[test]
fn clean_peers_are_never_accused() {
    let episodes = std::env::var("EPISODES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut all = BTreeMap::new();
    for device in [Role::Csms, Role::Station] {
        for version in Version::ALL {
            for (key, found) in accusations(device, version, episodes) {
                all.insert(format!("{device} {version} {key}"), found);
            }
        }
    }
    if std::env::var_os("SHOW").is_some() {
        for (key, (count, shown)) in &all {
            eprintln!("=== {count} {key}\n{shown}\n");
        }
    }
    let keys: Vec<String> = all.iter().map(|(key, (count, _))| format!("{count:4} {key}")).collect();
    let first = all.values().next().map_or("", |(_, shown)| shown);
    assert!(all.is_empty(), "{}\n\n{first}", keys.join("\n"));
}

fn call(number: u32, rest: &str) -> Act {
    let parts =
        [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(number)), Part::Bytes(format!(",{rest}]").into_bytes())];
    Act::Send { link: 0, text: parts.into_iter().collect() }
}

fn noticed(fault: &str, acts: &[Act]) -> Vec<Suspicion> {
    let fault = peers::Fault::find(fault).unwrap_or_else(|| panic!("no fault {fault}"));
    let mut target = Target::embedded(fault.info().side, Version::V16, vec![fault]);
    let how = How { fresh: true, ..How::default() };
    run(play(&mut target, &mut Frozen::new(acts), &Allowed { dangerous: true }, how)).suspicions
}

#[test]
fn an_answer_given_twice_is_noticed() {
    let found = noticed("station-answers-twice", &[call(1, "\"GetLocalListVersion\",{}")]);
    assert!(found.iter().any(|found| found.oracle == Code::O3 && found.class.is_red()), "{found:#?}");
}

#[test]
fn a_device_that_goes_deaf_after_an_invalid_payload_is_noticed() {
    let acts = [call(1, "\"GetConfiguration\",{\"key\":5}"), call(2, "\"GetLocalListVersion\",{}")];
    let found = noticed("station-deaf-after-invalid-payload", &acts);
    assert!(found.iter().any(|found| found.oracle == Code::O1 && found.class.is_red()), "{found:#?}");
}

/// Red findings of these oracles with and without a fault.
fn red(fault: Option<&str>, device: Role, acts: &[Act], serial: bool) -> Vec<(Code, String)> {
    let faults = fault.map(|fault| peers::Fault::find(fault).unwrap_or_else(|| panic!("no fault {fault}")));
    let mut target = Target::embedded(device, Version::V201, faults.into_iter().collect());
    let how = How { fresh: true, serial, ..How::default() };
    let outcome = run(play(&mut target, &mut Frozen::new(acts), &Allowed { dangerous: true }, how));
    assert_eq!(outcome.unreachable, None);
    let red = outcome.suspicions.into_iter().filter(|found| found.class.is_red());
    red.map(|found| (found.oracle, found.rule)).collect()
}

#[test]
fn a_ping_without_a_pong_is_noticed_and_confirmed() {
    let ping = |payload: &[u8]| {
        let payload = Text::bytes(payload);
        Act::Frame { link: 0, fin: true, rsv: 0, opcode: 9, masked: true, claims: None, payload }
    };
    let acts = [ping(b"a"), ping(b""), ping(&[0xFF; 125])];
    for (device, fault) in [(Role::Csms, "csms-ignores-pings"), (Role::Station, "station-ignores-pings")] {
        for serial in [false, true] {
            assert_eq!(red(None, device, &acts, serial), []);
            let found = red(Some(fault), device, &acts, serial);
            assert_eq!(found[0], (Code::O3, "R-097".to_owned()), "{fault}");
        }
    }
}

#[test]
fn the_password_of_another_station_is_noticed() {
    let credentials = Some(Credentials::Of(1));
    let manner = Manner { credentials, unbooted: true, ..Manner::default() };
    let acts = [Act::Connect { link: 10, identity: 0, manner }];
    assert_eq!(red(None, Role::Csms, &acts, false), []);
    let found = red(Some("csms-takes-the-password-of-any-station"), Role::Csms, &acts, false);
    assert_eq!(found[0], (Code::O7, "R-083".to_owned()));
}

#[test]
fn a_subprotocol_that_was_not_offered_is_noticed() {
    let acts = [call(1, "\"Heartbeat\",{}")];
    assert_eq!(red(None, Role::Csms, &acts, false), []);
    let found = red(Some("csms-chooses-unoffered-subprotocol"), Role::Csms, &acts, false);
    assert!(found.contains(&(Code::O4, "R-075".to_owned())), "{found:?}");
}

#[test]
fn a_station_that_does_not_come_again_is_noticed() {
    for reception in [Reception::Refuse(503), Reception::HangUp, Reception::Misname(None)] {
        let acts = [Act::Receive { reception, times: 4 }, call(1, "\"GetLocalListVersion\",{}")];
        assert_eq!(red(None, Role::Station, &acts, false), []);
    }
    let acts = [Act::Receive { reception: Reception::Refuse(503), times: 4 }];
    let found = red(Some("station-gives-up-after-a-refusal"), Role::Station, &acts, false);
    assert_eq!(found[0].0, Code::O9);
}

#[test]
fn a_station_that_takes_a_subprotocol_that_it_did_not_offer_is_noticed() {
    for name in [None, Some("ocpp9.9".to_owned())] {
        let acts = [Act::Receive { reception: Reception::Misname(name), times: 1 }];
        assert_eq!(red(None, Role::Station, &acts, false), []);
        let found = red(Some("station-takes-any-subprotocol"), Role::Station, &acts, false);
        assert_eq!(found[0], (Code::O2, "R-077".to_owned()));
    }
}

#[test]
fn a_station_that_is_gone_for_good_is_noticed_whatever_its_boot_was_told() {
    let text = Some(Text::from("[3,\"nobody\",{}]"));
    let acts = [
        Act::Answer { link: 0, action: Some("BootNotification".to_owned()), text, times: 3 },
        Act::Receive { reception: Reception::HangUp, times: 3 },
    ];
    assert_eq!(red(None, Role::Station, &acts, false), []);
    let again = vec![Act::Cut { link: 0 }, Act::Connect { link: 0, identity: 0, manner: Manner::default() }];
    let acts = vec![again; 4].concat();
    assert_eq!(red(None, Role::Station, &acts, false), []);
    let found = red(Some("station-never-comes-back"), Role::Station, &acts, false);
    assert!(found.iter().any(|(oracle, _)| *oracle == Code::O9), "{found:?}");
}

/// A message in a binary frame earns what the device likes.
#[test]
fn what_is_answered_though_it_was_binary_is_no_red_finding() {
    let text: Text =
        [Part::Bytes(b"[2,".to_vec()), Part::Hole(Hole::Id(7)), Part::Bytes(b",\"Heartbeat\",{}]".to_vec())]
            .into_iter()
            .collect();
    let binary = Act::Frame { link: 0, fin: true, rsv: 0, opcode: 2, masked: true, claims: None, payload: text };
    let fault = peers::Fault::find("csms-takes-bytes-for-text").unwrap();
    for (faults, told) in [(vec![], 0), (vec![fault], 1)] {
        let mut target = Target::embedded(Role::Csms, Version::V16, faults);
        let acts = [binary.clone()];
        let outcome = run(play(&mut target, &mut Frozen::new(&acts), &Allowed::default(), How::default()));
        assert!(outcome.suspicions.iter().all(|found| !found.class.is_red()), "{:#?}", outcome.suspicions);
        assert_eq!(outcome.suspicions.iter().filter(|found| found.rule == "R-002").count(), told);
    }
}
