//! What holds for every stream of choices.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::catalogue::{Catalogue, Kind, Object, Type};
use protocol::errors::Defect;
use protocol::generate::{Bytes, Seeded};
use protocol::{Role, Version};
use serde_json::{Value, json};

use super::*;
use crate::act::Text;
use crate::deserved::{self, Answer, Deserved};
use crate::model::Model;
use crate::view::{Known, LinkView};

/// An episode in which something is known.
struct Episode {
    device: Role,
    version: Version,
    model: Model,
    known: Known,
    links: BTreeMap<usize, LinkView>,
    tokens: BTreeMap<String, String>,
    allowed: Allowed,
    drivable: Vec<String>,
}

impl Episode {
    fn new(device: Role, version: Version) -> Episode {
        let mut known = Known::default();
        let id = if version == Version::V16 { json!(17) } else { json!("tx-17") };
        known.learn(&json!({ "transactionId": id, "reservationId": 3, "chargingProfileId": 2 }));
        let links = BTreeMap::from([
            (0, LinkView { identity: 0, open: true }),
            (1, LinkView { identity: 1, open: device == Role::Csms }),
        ]);
        let tokens = [("valid", "04A1B2C3D4"), ("blocked", "04A1B2C3D5"), ("unknown", "FFFFFFFF")];
        let drivable: &[&str] = match device {
            Role::Csms => &["send"],
            Role::Station => &["plug in", "present token"],
        };
        Episode {
            device,
            version,
            model: Model::new(device, version),
            known,
            links,
            tokens: tokens.into_iter().map(|(name, token)| (name.to_owned(), token.to_owned())).collect(),
            allowed: Allowed::default(),
            drivable: drivable.iter().map(|verb| (*verb).to_owned()).collect(),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            device: self.device,
            version: self.version,
            now: SOME_TIME,
            model: &self.model,
            known: &self.known,
            links: &self.links,
            identities: if self.device == Role::Csms { 2 } else { 1 },
            tokens: &self.tokens,
            connectors: 2,
            acts: 7,
            allowed: &self.allowed,
            drivable: &self.drivable,
            longest_pass_ms: u64::MAX,
            canary: Some("127.0.0.1:40123/canary-7"),
        }
    }

    fn acts(&self, layers: &[Layer], count: usize, choices: &mut dyn Choices) -> Vec<Act> {
        let mut generator = Generator::new(layers);
        (0..count).map(|_| generator.next(&self.view(), choices)).collect()
    }

    fn deserved(&self, text: &crate::act::Text) -> Deserved {
        deserved::deserved(self.version, self.device, &text.render(&StandIn))
    }
}

fn episodes() -> impl Iterator<Item = Episode> {
    let sides = [Role::Csms, Role::Station];
    Version::ALL.into_iter().flat_map(move |version| sides.map(|device| Episode::new(device, version)))
}

#[test]
fn zeros_give_a_plain_legal_message() {
    for episode in episodes() {
        for layers in [&[][..], &Layer::ALL, &[Layer::L0], &[Layer::L1], &[Layer::L6]] {
            let act = episode.acts(layers, 1, &mut Bytes::new(&[])).remove(0);
            let Act::Send { link: 0, text } = &act else { panic!("{act:?}") };
            let deserved = episode.deserved(text);
            assert_eq!((deserved.answer, deserved.flaw().as_str()), (Answer::Must, "legal"), "{}", text.shown());
        }
    }
}

#[test]
fn what_is_meant_to_be_legal_is() {
    for episode in episodes() {
        let (mut legal, mut strict, mut actions) = (0, 0, BTreeSet::new());
        let acts = episode.acts(&[], 2000, &mut Seeded::new(1));
        for act in &acts {
            let text = act.text().unwrap();
            let deserved = episode.deserved(text);
            let is_send = Catalogue::of(episode.version)
                .message(&deserved.action)
                .is_some_and(|message| message.kind == Kind::Send);
            let expected = if is_send { Answer::Never } else { Answer::Must };
            if deserved.answer == expected && deserved.defects.is_empty() {
                legal += 1;
                let device = episode.device;
                strict +=
                    usize::from(!deserved::breaks_text(episode.version, device, &deserved.action, &deserved.request));
            } else {
                println!("{:?} {}: {}", deserved.answer, deserved.flaw(), text.shown());
            }
            actions.insert(deserved.action.clone());
        }
        let (version, device) = (episode.version, episode.device);
        assert!(legal * 1000 >= acts.len() * 995, "{version} {device}: {legal} of {}", acts.len());
        assert!(strict * 100 >= acts.len() * 97, "{version} {device}: {strict} of {}", acts.len());
        let all: BTreeSet<String> = messages::outgoing(version, device, &episode.allowed)
            .iter()
            .map(|message| message.action.clone())
            .collect();
        assert_eq!(actions, all, "{version} {device}");
    }
}

#[test]
fn at_least_half_of_a_stream_is_legal() {
    for episode in episodes() {
        let acts = episode.acts(&Layer::ALL, 2000, &mut Seeded::new(2));
        let messages: Vec<&Act> = acts
            .iter()
            .filter(|act| matches!(act, Act::Send { .. } | Act::Fragments { .. } | Act::Frame { .. }))
            .collect();
        let legal = messages
            .iter()
            .filter(|act| act.text().is_some_and(|text| episode.deserved(text).defects.is_empty()))
            .count();
        let share = legal * 100 / messages.len();
        assert!((50..85).contains(&share), "{} {}: {share} %", episode.version, episode.device);
    }
}

#[test]
fn what_is_singly_broken_has_one_flaw() {
    for episode in episodes() {
        let mut generator = Generator::new(&[]);
        let mut choices = Seeded::new(3);
        let view = episode.view();
        let mut maker = Maker { view: &view, memory: &mut generator.memory, choices: &mut choices };
        for _ in 0..800 {
            let message = maker.message();
            if message.kind == Kind::Send {
                continue;
            }
            let payload = maker.valid(message, Side::Request);
            let broken = maker.broken(&message.request, &payload);
            let text = maker.call(message, &broken);
            let deserved = episode.deserved(&text);
            assert_eq!((deserved.defects.len(), deserved.refuse), (1, true), "{}", text.shown());
        }
    }
}

#[test]
fn a_move_is_completed_and_its_markers_become_holes() {
    let episode = Episode::new(Role::Csms, Version::V201);
    let mut generator = Generator::new(&[]);
    let mut choices = Bytes::new(&[]);
    let view = episode.view();
    let mut maker = Maker { view: &view, memory: &mut generator.memory, choices: &mut choices };
    let message = Catalogue::of(Version::V201).message("TransactionEvent").unwrap();
    let settled = json!({
        "eventType": "Ended",
        "timestamp": { "$now": 60 },
        "transactionInfo": { "transactionId": { "$known": "nothing", "otherwise": "tx" } },
        "idToken": { "idToken": "T" },
        "evse": { "id": { "$known": "evseId", "back": 1, "otherwise": 2 } },
    });
    let payload = maker.with_fields(message, Side::Request, settled.as_object().unwrap());
    let text = maker.call(message, &payload);
    let shown = text.shown();
    for piece in ["<now +60 s>", "\"transactionId\":<nothing>", "\"id\":<evseId 1 before>", "\"type\":\"ISO14443\""] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
    assert_eq!(episode.deserved(&text).flaw(), "legal", "{shown}");
}

#[test]
fn a_stream_has_every_kind_of_act() {
    let mut kinds = BTreeSet::new();
    for episode in episodes() {
        for act in episode.acts(&Layer::ALL, 3000, &mut Seeded::new(4)) {
            let value = serde_json::to_value(&act).unwrap();
            kinds.insert(value["act"].as_str().unwrap().to_owned());
        }
    }
    let all = [
        "answer",
        "bytes",
        "close",
        "connect",
        "cut",
        "fragments",
        "frame",
        "pass",
        "receive",
        "send",
        "stimulate",
        "stream",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), all);
}

#[test]
fn the_canary_is_hidden_in_texts() {
    let episode = Episode::new(Role::Csms, Version::V201);
    let acts = episode.acts(&[Layer::L4], 5000, &mut Seeded::new(5));
    let hidden =
        acts.iter().filter_map(Act::text).filter(|text| text.shown().contains("127.0.0.1:40123/canary-7")).count();
    assert!(hidden > 10, "{hidden}");
}

#[test]
fn nothing_dangerous_is_sent_to_a_station_by_chance() {
    for version in Version::ALL {
        let episode = Episode::new(Role::Station, version);
        for seed in 0..2 {
            for act in episode.acts(&Layer::ALL, 700, &mut Seeded::new(seed)) {
                assert_harmless(&episode, &act);
            }
        }
    }
}

/// Reads an act as the most lenient station would.
fn assert_harmless(episode: &Episode, act: &Act) {
    if matches!(act, Act::Answer { .. }) {
        return;
    }
    let Some(text) = act.text() else { return };
    let bytes = text.render(&StandIn);
    let reading = protocol::frame::read(episode.version, &bytes);
    if let Some(protocol::frame::Frame::Call { action, payload, .. }) = &reading.frame {
        let reason = episode.allowed.denies(episode.version, action, payload);
        assert_eq!(reason, None, "{}", text.shown());
    }
    if reading.frame.is_none() {
        let text = String::from_utf8_lossy(&bytes);
        for denied in DENIED.iter().filter(|denied| denied.which == Which::All) {
            assert!(!text.contains(denied.action), "{text}");
        }
    }
}

/// The constraints of an object, counted without the help of the generator: path and kind.
fn constraints(object: &Object, path: &str, found: &mut Vec<(String, Defect)>) {
    let mut add = |path: String, defect| found.push((path, defect));
    if !object.open {
        add(path.to_owned(), Defect::UnknownField);
    }
    for field in &object.fields {
        if field.required {
            add(format!("{path}/{}", field.name), Defect::MissingField);
        }
    }
    for field in &object.fields {
        constraints_of(&field.ty, &format!("{path}/{}", field.name), found);
    }
}

fn constraints_of(ty: &Type, path: &str, found: &mut Vec<(String, Defect)>) {
    let mut add = |defect| found.push((path.to_owned(), defect));
    if !matches!(ty, Type::Any) {
        add(Defect::WrongType);
    }
    match ty {
        Type::String { min, max, .. } => {
            max.iter().for_each(|_| add(Defect::TooLong));
            min.iter().filter(|min| **min > 0).for_each(|_| add(Defect::TooShort));
        }
        Type::Integer { min, max, .. } => {
            min.iter().for_each(|_| add(Defect::OutOfRange));
            max.iter().for_each(|_| add(Defect::OutOfRange));
        }
        Type::Decimal { min, max, step } => {
            min.iter().for_each(|_| add(Defect::OutOfRange));
            max.iter().for_each(|_| add(Defect::OutOfRange));
            step.iter().for_each(|_| add(Defect::NotAMultiple));
        }
        Type::DateTime => add(Defect::BadDateTime),
        Type::Uri => add(Defect::BadUri),
        Type::Enum(_) => add(Defect::NotInEnumeration),
        Type::Object(object) => constraints(object, path, found),
        Type::List { item, min, max } => {
            min.iter().filter(|min| **min > 0).for_each(|_| add(Defect::TooFewItems));
            max.iter().for_each(|_| add(Defect::TooManyItems));
            constraints_of(item, &format!("{path}/0"), found);
        }
        Type::Boolean | Type::Any => {}
    }
}

#[test]
fn every_constraint_of_every_message_has_a_negative() {
    for episode in episodes() {
        let (version, device) = (episode.version, episode.device);
        let mut expected: Vec<(String, Side, String, Defect)> = Vec::new();
        for message in Catalogue::of(version).messages() {
            let mut sides = Vec::new();
            if message.from.includes(device.other()) {
                sides.push(Side::Request);
            }
            if message.from.includes(device) {
                sides.push(Side::Response);
            }
            for side in sides {
                let Some(object) = side.object(message) else { continue };
                let mut found = vec![(String::new(), Defect::PayloadNotObject)];
                constraints(object, "", &mut found);
                expected.extend(found.into_iter().map(|(path, defect)| (message.action.clone(), side, path, defect)));
            }
        }
        let mut proven = Vec::new();
        for (at, negative) in negatives(version, device).iter().enumerate() {
            let act = negative.act(0, u32::try_from(at).unwrap(), SOME_TIME).unwrap();
            let text = act.text().unwrap();
            let (path, defect) = only_flaw(&episode, negative, text);
            let path = if defect == Defect::UnknownField { path.rsplit_once('/').unwrap().0.to_owned() } else { path };
            proven.push((negative.action.to_owned(), negative.side, path, defect));
        }
        let key = |each: &(String, Side, String, Defect)| format!("{each:?}");
        expected.sort_by_key(key);
        proven.sort_by_key(key);
        assert_eq!(expected.len(), proven.len(), "{version} {device}");
        assert_eq!(expected, proven, "{version} {device}");
    }
}

/// What is wrong with the text of a negative, judged by its bytes.
fn only_flaw(episode: &Episode, negative: &Negative, text: &crate::act::Text) -> (String, Defect) {
    let is_send = Catalogue::of(episode.version).message(negative.action).unwrap().kind == Kind::Send;
    if negative.side == Side::Request && !is_send {
        let mut deserved = episode.deserved(text);
        assert_eq!((deserved.defects.len(), deserved.refuse), (1, true), "{}", text.shown());
        let flaw = deserved.defects.remove(0);
        return (flaw.path, flaw.defect);
    }
    let message = Catalogue::of(episode.version).message(negative.action).unwrap();
    let frame: Value = serde_json::from_slice(&text.render(&StandIn)).unwrap();
    let payload = frame.as_array().unwrap().last().unwrap();
    let object = negative.side.object(message).unwrap();
    let found = protocol::validate::validate(episode.version, object, payload);
    assert_eq!(found.len(), 1, "{}", text.shown());
    (found[0].path.clone(), Defect::from(found[0].kind))
}

/// The acts of the first episodes that walk through this.
fn walk_through(walk: Walk, episode: &Episode, episodes: u64, mut see: impl FnMut(&Act)) {
    for number in (0..episodes).filter(|number| Turn::of(*number) == Turn::Walk(walk)) {
        assert!(!is_property(&Layer::ALL, number));
        let mut generator = Generator::for_episode(&Layer::ALL, number, 60);
        let mut choices = Seeded::new(number);
        for _ in 0..60 {
            see(&generator.next(&episode.view(), &mut choices));
        }
    }
}

#[test]
fn walks_lead_past_every_negative() {
    let episode = Episode::new(Role::Csms, Version::V16);
    let calls = negatives(Version::V16, Role::Csms).into_iter().filter(|each| each.side == Side::Request);
    let mut left: BTreeSet<String> = calls
        .map(|each| {
            let act = each.act(0, 1, SOME_TIME).unwrap();
            let deserved = episode.deserved(act.text().unwrap());
            format!("{} {}", deserved.action, deserved.flaw())
        })
        .collect();
    let all = left.len();
    walk_through(Walk::Negatives, &episode, 200, |act| {
        if let Act::Send { text, .. } = act {
            let deserved = episode.deserved(text);
            left.remove(&format!("{} {}", deserved.action, deserved.flaw()));
        }
    });
    assert!(left.is_empty(), "{} of {all}: {left:#?}", left.len());
}

#[test]
fn walks_lead_past_every_odd_handshake() {
    let episode = Episode::new(Role::Csms, Version::V16);
    let mut left: BTreeSet<String> = handshakes::all(Version::V16).iter().map(handshakes::Odd::shown).collect();
    let all = left.len();
    walk_through(Walk::Handshakes, &episode, 160, |act| {
        let odd = match act {
            Act::Connect { manner, .. } => handshakes::Odd::Manner(manner.clone()),
            Act::Stream { bytes } => handshakes::Odd::Stream(bytes.clone()),
            _ => return,
        };
        left.remove(&odd.shown());
    });
    assert!(left.is_empty(), "{} of {all}: {left:#?}", left.len());
}

#[test]
fn walks_lead_past_every_oddity() {
    let episode = Episode::new(Role::Csms, Version::V16);
    let mut left: Vec<&str> =
        vec!["[]", "[2,", "\"constructor\"", "\"AbC-dEf\"", "\"Heartbeat \"", "\"heartbeat\"", "[\"Heartbeat\"]"];
    left.extend(["[\"2\",", "[2e0,", "\"RemoteStopTransaction\"", ",1e400]", "[4,[],\"InternalError\",\"d\"]"]);
    walk_through(Walk::Oddities, &episode, 150, |act| {
        let text = act.text().map(Text::shown).unwrap_or_default();
        left.retain(|odd| !text.contains(odd));
    });
    assert_eq!(left, Vec::<&str>::new());
}

#[test]
fn walks_lead_past_every_shape() {
    for (device, version) in [(Role::Csms, Version::V16), (Role::Station, Version::V16), (Role::Station, Version::V201)]
    {
        let episode = Episode::new(device, version);
        let mut left: BTreeSet<String> = shapes::all().iter().map(|shape| shape.shown()).collect();
        walk_through(Walk::Shapes, &episode, 1600, |act| {
            let text = act.text().map(Text::shown).unwrap_or_default();
            left.retain(|shape| !text.contains(shape.as_str()));
        });
        assert_eq!(left, BTreeSet::new(), "{device} {version}");
    }
}

#[test]
fn a_negative_that_must_not_be_sent_is_not() {
    let mut episode = Episode::new(Role::Station, Version::V201);
    let all = negatives(Version::V201, Role::Station);
    let count = |episode: &Episode| {
        let mut generator = Generator::new(&[]);
        let mut choices = Seeded::new(0);
        all.iter().filter(|each| generator.negative(each, &episode.view(), &mut choices).is_some()).count()
    };
    let careful = count(&episode);
    episode.allowed.dangerous = true;
    assert!(careful < count(&episode), "{careful}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn any_choices_give_bounded_acts_and_the_same_again(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        which in 0..6_usize,
        layer in prop::option::of(0..7_usize),
    ) {
        let episode = episodes().nth(which).unwrap();
        let layers = layer.map_or(Layer::ALL.to_vec(), |layer| vec![Layer::ALL[layer]]);
        let acts = episode.acts(&layers, 60, &mut Bytes::new(&bytes));
        for act in &acts {
            prop_assert!(act.text().is_none_or(|text| text.len() <= LARGEST), "{act:?}");
            if episode.device == Role::Station {
                prop_assert!(act.link().unwrap_or(0) == 0);
                let is_stream = matches!(act, Act::Stream { .. });
                prop_assert!(!is_stream);
                assert_harmless(&episode, act);
            }
        }
        prop_assert_eq!(acts, episode.acts(&layers, 60, &mut Bytes::new(&bytes)));
    }
}

#[test]
fn links_of_a_real_station_end_more_seldom() {
    let mut made = BTreeMap::new();
    for longest_pass_ms in [0, u64::MAX] {
        let episode = Episode::new(Role::Station, Version::V16);
        let mut generator = Generator::new(&Layer::ALL);
        let mut choices = Seeded::new(7);
        let view = View { longest_pass_ms, ..episode.view() };
        let acts = (0..4000).map(|_| generator.next(&view, &mut choices));
        let ending = acts
            .filter(|act| matches!(act, Act::Cut { .. } | Act::Close { .. } | Act::Connect { .. } | Act::Bytes { .. }))
            .count();
        made.insert(longest_pass_ms, ending);
    }
    assert!(made[&0] > 0 && made[&0] * 2 < made[&u64::MAX], "{made:?}");
}
