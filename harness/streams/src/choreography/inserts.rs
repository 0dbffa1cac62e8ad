//! What can be put between two steps without changing what is demanded of the rest.

use protocol::{Role, Version};
use script::ast::Repeat;
use script::ast::{Answer, Call, Item, ItemKind, OperatorKind, Pattern, PatternKind};

use super::Seed;
use super::file::column;

/// An item to be put in.
pub(super) struct Insert {
    /// Its name in ids.
    pub(super) id: String,
    /// What it is.
    pub(super) what: String,
    /// The item, from its dash on.
    pub(super) yaml: String,
    /// The statement it rests on.
    pub(super) rule: Option<&'static str>,
}

/// A valid request gets a result.
const ANSWERED: &str = "R-037";
/// An invalid one gets an error.
const REFUSED: &str = "R-038";

/// Calls that change nothing, and one that nobody can carry out.
pub(super) fn of(device: Role, version: Version) -> Vec<Insert> {
    let head = match device {
        Role::Station => "csms -> station",
        Role::Csms => "station -> csms",
    };
    let call = |id: &str, action: &str, body: &str, rule: Option<&'static str>| {
        let named = rule.map(|rule| format!("\n  rule: {rule}")).unwrap_or_default();
        Insert {
            id: id.to_owned(),
            what: format!("a {action}"),
            yaml: format!("- {head}: {action}{body}{named}"),
            rule,
        }
    };
    let unheard_of = "\n  fields: { vendorId: org.plugfest.unheard-of }\n  replies:\n    - reply: { status: { $present: \
                      true } }\n    - error: any";
    let mut inserts = vec![call("data-transfer", "DataTransfer", unheard_of, None)];
    match (device, version) {
        (Role::Station, Version::V16) => inserts.push(call(
            "get-configuration",
            "GetConfiguration",
            "\n  fields: { key: [HeartbeatInterval] }",
            Some(ANSWERED),
        )),
        (Role::Station, _) => inserts.push(call(
            "get-variables",
            "GetVariables",
            "\n  fields:\n    getVariableData: [ { component: { name: OCPPCommCtrlr }, variable: { name: \
             HeartbeatInterval } } ]",
            Some(ANSWERED),
        )),
        (Role::Csms, Version::V16) => {
            inserts.push(call("heartbeat", "Heartbeat", "", Some(ANSWERED)));
            inserts.push(call("meter-values", "MeterValues", "\n  fields: { connectorId: 0 }", Some(ANSWERED)));
        }
        (Role::Csms, _) => inserts.push(call("heartbeat", "Heartbeat", "", Some(ANSWERED))),
    }
    if version == Version::V16 {
        let from = device.other();
        inserts.push(Insert {
            id: "unknown-action".to_owned(),
            what: "an action that nobody has".to_owned(),
            yaml: format!(
                "- {from} sends text: '[2,\"${{id}}\",\"PlugfestNoSuchAction\",{{}}]'\n  outcome: [ {{ error: any }} \
                 ]\n  rule: {REFUSED}"
            ),
            rule: Some(REFUSED),
        });
    } else {
        inserts.push(Insert {
            what: "an action that nobody has".to_owned(),
            ..call("unknown-action", "PlugfestNoSuchAction", "\n  error: any", Some(REFUSED))
        });
    }
    inserts
}

/// A wait that no deadline of a device is shorter than. What is forbidden meanwhile is nothing that a device may do by
/// itself anyway.
pub(super) fn wait(device: Role) -> Insert {
    let event = match device {
        Role::Station => "station -> csms: BootNotification",
        Role::Csms => "csms -> station: Reset",
    };
    Insert {
        id: "wait".to_owned(),
        what: "two seconds more".to_owned(),
        yaml: format!("- never: [ {{ {event} }} ]\n  for: 2s"),
        rule: None,
    }
}

/// Messages of ours that may come twice: they read, or they tell what is so anyway.
const IDEMPOTENT: [&str; 8] = [
    "GetConfiguration",
    "GetVariables",
    "GetLocalListVersion",
    "Heartbeat",
    "Authorize",
    "DataTransfer",
    "StatusNotification",
    "MeterValues",
];

/// The call of an item, if it is one of ours that has no effect, or the same effect twice, and nothing hangs on it.
pub(super) fn harmless<'a>(seed: &Seed<'_>, item: &'a Item) -> Option<&'a Call> {
    let ItemKind::Call(call) = &item.kind else { return None };
    let is_plain = item.mark.is_none() && item.within.is_none() && item.repeat == Repeat::ONCE;
    let is_ours = call.from.value.role(seed.device) != seed.device;
    let is_usual = call.id.is_none() && call.invalid.is_none() && call.before_reply.is_empty();
    let is_answered = matches!(call.answer, Answer::AnyResult | Answer::Reply(_));
    let action = call.action.value.as_str();
    // What a vendor's data do is known only of vendors that do not exist.
    let is_known = IDEMPOTENT.contains(&action) && (action != "DataTransfer" || is_of_nobody(call));
    (is_plain && is_ours && is_usual && is_answered && is_known).then_some(call.as_ref())
}

fn is_of_nobody(call: &Call) -> bool {
    let Some(PatternKind::Object(fields)) = call.fields.as_ref().map(|fields| &fields.kind) else { return false };
    fields.iter().any(|(key, value)| {
        key.value == "vendorId"
            && matches!(&value.kind, PatternKind::Literal(vendor)
                if vendor.as_str().is_some_and(|vendor| vendor.starts_with("org.plugfest")))
    })
}

/// The item once more, with nothing demanded of its answer but that it is one.
pub(super) fn again(seed: &Seed<'_>, at: usize) -> Option<Insert> {
    let item = seed.steps().get(at)?;
    let call = harmless(seed, item)?;
    if call.fields.as_ref().is_some_and(counts) {
        return None;
    }
    let text = seed.file.text();
    let mut yaml = String::new();
    for (key, value) in seed.file.item(at)?.members()? {
        let is_kept = key.span.start == item.head.start || matches!(key.text.as_str(), "fields" | "when");
        if !is_kept {
            continue;
        }
        let dash = if yaml.is_empty() { "- " } else { "  " };
        let kept = text.get(key.span.start..value.span.end.max(key.span.end + 1))?;
        let indent = " ".repeat(column(text, key.span.start));
        let kept = kept.replace(&format!("\n{indent}"), "\n  ");
        yaml.push_str(&format!("{dash}{}\n", kept.trim_end()));
    }
    let action = call.action.value.as_str();
    yaml.push_str(match (action, seed.version) {
        ("DataTransfer", _) => "  replies:\n    - reply: { status: { $present: true } }\n    - error: any\n",
        ("Authorize", Version::V16) => "  reply: { idTagInfo: { status: { $present: true } } }\n",
        ("Authorize", _) => "  reply: { idTokenInfo: { status: { $present: true } } }\n",
        _ => "",
    });
    Some(Insert { id: "repeated".to_owned(), what: format!("the {action} twice"), yaml, rule: None })
}

/// Whether a pattern counts on with every message.
fn counts(pattern: &Pattern) -> bool {
    match &pattern.kind {
        PatternKind::Object(fields) => fields.iter().any(|(_, field)| counts(field)),
        PatternKind::List(items) => items.iter().any(counts),
        PatternKind::Operators(operators) => {
            operators.iter().any(|operator| matches!(operator.kind, OperatorKind::Next(..) | OperatorKind::Maybe(_)))
        }
        PatternKind::Literal(_) | PatternKind::Name(_) | PatternKind::Text(_) => false,
    }
}
