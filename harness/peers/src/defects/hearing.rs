//! Which messages that come in a defect bites on, and for what they are taken.

use protocol::frame::FrameFindingKind;
use protocol::json::JsonFindingKind;
use protocol::validate::ViolationKind;
use serde_json::{Map, Value, json};

use super::Effect;
use super::heard::Heard;
use crate::Fetch;
use crate::frames::Incoming;

pub(super) fn has_empty_payload(heard: &Heard) -> bool {
    let is_empty = |payload: &Value| payload.as_object().is_some_and(Map::is_empty);
    heard.call().is_some_and(|(_, _, payload)| is_empty(payload)) && heard.breaks(ViolationKind::MissingField)
}

pub(super) fn is_long_and_bad(heard: &Heard) -> bool {
    heard.text.len() > 1_000 && !heard.violations().is_empty()
}

pub(super) fn is_damaged_call(heard: &Heard) -> bool {
    matches!(heard.incoming, Incoming::DamagedCall { id: Some(_), .. })
}

pub(super) fn is_unreadable(heard: &Heard) -> bool {
    heard.incoming == Incoming::Unreadable
}

pub(super) fn has_odd_action(heard: &Heard) -> bool {
    heard.reading.message_type == Some(2) && heard.elements.get(2).is_some_and(|action| !action.is_string())
}

/// Names that every object of some languages has.
pub(super) fn calls_a_prototype(heard: &Heard) -> bool {
    const NAMES: [&str; 5] = ["constructor", "__proto__", "prototype", "toString", "hasOwnProperty"];
    heard.call().is_some_and(|(_, action, _)| NAMES.contains(&action))
}

pub(super) fn answers_unknown_word(heard: &Heard) -> bool {
    heard.answers.is_some() && heard.breaks(ViolationKind::NotInEnumeration)
}

pub(super) fn is_short_answer(heard: &Heard) -> bool {
    let least = if heard.reading.message_type == Some(3) { 3 } else { 4 };
    heard.is_answer() && heard.elements.len() < least
}

pub(super) fn answers_odd_id(heard: &Heard) -> bool {
    heard.is_answer() && heard.elements.get(1).is_some_and(|id| !id.is_string())
}

/// An answer to the answer.
pub(super) fn answer_to_answer(heard: &Heard) -> Option<Effect> {
    heard.answers.as_ref()?;
    let Incoming::Result { id, .. } = &heard.incoming else { return None };
    Some(Effect::Say(json!([3, id, {}]).to_string()))
}

pub(super) fn has_text(heard: &Heard, wanted: fn(&str) -> bool) -> bool {
    heard.find_text(|text| wanted(text).then_some(())).is_some()
}

pub(super) fn has_longer_text(heard: &Heard, most: usize) -> bool {
    heard.find_text(|text| (text.chars().count() > most).then_some(())).is_some()
}

pub(super) fn has_longer_list(heard: &Heard, most: usize) -> bool {
    heard.elements.iter().any(|element| has(element, &|value| value.as_array().is_some_and(|list| list.len() > most)))
}

/// A time with an empty or a very long fraction of a second.
pub(super) fn is_odd_time(text: &str) -> bool {
    let Some((date, fraction)) = text.split_once('.') else { return false };
    let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
    date.len() == 19 && date.as_bytes().get(10) == Some(&b'T') && (digits == 0 || digits > 9)
}

pub(super) fn has_big_number(heard: &Heard) -> bool {
    let is_big = |value: &Value| value.as_f64().is_some_and(|number| number.abs() > f64::from(u32::MAX));
    heard.elements.iter().any(|element| has(element, &is_big))
}

pub(super) fn has_lone_surrogate(heard: &Heard) -> bool {
    finds(heard, |kind| *kind == JsonFindingKind::LoneSurrogate)
}

/// More digits in a row than this, outside of texts.
pub(super) fn has_longer_number(heard: &Heard, most: usize) -> bool {
    let mut digits = 0;
    let mut inside = Outside::default();
    heard.text.iter().any(|byte| {
        digits = if inside.is_outside(*byte) && byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits > most
    })
}

pub(super) fn is_deeper(heard: &Heard, most: usize) -> bool {
    let mut depth = 0_usize;
    let mut inside = Outside::default();
    heard.text.iter().any(|byte| {
        match byte {
            _ if !inside.is_outside(*byte) => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > most
    })
}

/// Before the message, or between its elements.
pub(super) fn has_white_space(heard: &Heard) -> bool {
    let mut inside = Outside::default();
    heard.text.iter().any(|byte| inside.is_outside(*byte) && byte.is_ascii_whitespace())
}

/// The request for the whole configuration, or for the whole device model.
pub(super) fn wants_everything(heard: &Heard) -> bool {
    heard.call().is_some_and(|(_, action, payload)| match action {
        "GetConfiguration" => payload.get("key").is_none_or(|keys| *keys == json!([])),
        "GetBaseReport" => payload["reportBase"] == "FullInventory",
        _ => false,
    })
}

pub(super) fn fetch_url(heard: &Heard) -> Option<Effect> {
    heard.find_text(Fetch::from_text).map(Effect::Fetch)
}

/// What a logging library makes of `${…}`.
pub(super) fn look_up(heard: &Heard) -> Option<Effect> {
    let inside = |text: &str| Fetch::from_text(text.split_once("${")?.1.split_once('}')?.0);
    heard.find_text(inside).map(Effect::Fetch)
}

/// What a shell makes of it.
pub(super) fn run(heard: &Heard) -> Option<Effect> {
    const MARKS: [&str; 6] = ["$(", "`", ";", "|", "&", "\n"];
    let command = |text: &str| {
        let at = MARKS.iter().filter_map(|mark| Some(text.find(mark)? + mark.len())).min()?;
        Fetch::from_text(&text[at..])
    };
    heard.find_text(command).map(Effect::Fetch)
}

/// A number as id is taken for the text of it.
pub(super) fn with_text_id(heard: &Heard) -> Option<Effect> {
    let id = heard.elements.get(1).filter(|id| id.is_number() && heard.reading.message_type == Some(2))?;
    let mut elements = heard.elements.clone();
    elements[1] = Value::String(id.to_string());
    Some(misread(&Value::Array(elements)))
}

/// `\u0048eartbeat` is read as `u0048eartbeat`.
pub(super) fn without_escapes(heard: &Heard) -> Option<Effect> {
    let text = std::str::from_utf8(&heard.text).ok()?;
    text.contains("\\u00").then(|| Effect::Misread(text.replace("\\u00", "u00").into_bytes()))
}

/// Fields in falling order are found up to the first only.
pub(super) fn without_fields_out_of_order(heard: &Heard) -> Option<Effect> {
    let (id, action, payload) = heard.call()?;
    let fields = payload.as_object()?;
    let names: Vec<&String> = fields.keys().collect();
    let falls = names.len() > 1 && names.windows(2).all(|pair| pair[0] > pair[1]);
    let found: Map<String, Value> = fields.iter().take(1).map(|(name, value)| (name.clone(), value.clone())).collect();
    falls.then(|| misread(&json!([2, id, action, found])))
}

fn misread(frame: &Value) -> Effect {
    Effect::Misread(frame.to_string().into_bytes())
}

fn finds(heard: &Heard, wanted: fn(&JsonFindingKind) -> bool) -> bool {
    heard.reading.findings.iter().any(|finding| match &finding.kind {
        FrameFindingKind::Json(finding) => wanted(&finding.kind),
        _ => false,
    })
}

fn has(value: &Value, wanted: &dyn Fn(&Value) -> bool) -> bool {
    wanted(value)
        || match value {
            Value::Array(items) => items.iter().any(|item| has(item, wanted)),
            Value::Object(members) => members.values().any(|member| has(member, wanted)),
            _ => false,
        }
}

/// Tells, byte by byte, what stands outside of the texts of a JSON text.
#[derive(Default)]
struct Outside {
    in_text: bool,
    escaped: bool,
}

impl Outside {
    fn is_outside(&mut self, byte: u8) -> bool {
        match (self.in_text, byte) {
            (true, _) if self.escaped => self.escaped = false,
            (true, b'\\') => self.escaped = true,
            (_, b'"') => self.in_text = !self.in_text,
            (false, _) => return true,
            (true, _) => {}
        }
        false
    }
}
