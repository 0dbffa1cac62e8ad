//! Counters cannot follow what may also come beside the steps.

use serde_json::Value;

use super::names::each_operator;
use super::report::Report;
use super::tree::{Projection, Shape};
use crate::ast::{Background, Call, OperatorKind, PatternKind};
use crate::background;

/// Looks for `$next` on calls of the device that may as well be background.
pub(super) fn counters(projection: &Projection<'_>, report: &mut Report) {
    let usual = Background::Default { added: Vec::new(), removed: Vec::new() };
    let background = projection.case.map_or(&usual, |case| &case.background);
    projection.each(&mut |node| {
        let Shape::Call { call, .. } = &node.shape else { return };
        let Some(fields) = &call.fields else { return };
        if !projection.is_device(call.from.value) || is_asked_for(call) {
            return;
        }
        // A TransactionEvent of the background is of type Updated.
        let payload = serde_json::json!({ "eventType": "Updated" });
        let action = &call.action.value;
        if !background::allows(projection.version, projection.device, background, action, &payload) {
            return;
        }
        each_operator(fields, true, &mut |operator, _| {
            if let OperatorKind::Next(counter, _) = &operator.kind {
                let title = format!("{action} may also come in the background, which this counter does not see");
                report.add(
                    "background-counter",
                    (node.source, operator.span),
                    title,
                    format!("counts {}", counter.value),
                    |d| d.help(format!("leave the field to the standing oracle, or write background: [-{action}]")),
                );
            }
        });
    });
}

/// Parts of a report that was asked for carry the id of the request: what comes unasked carries none of ours.
fn is_asked_for(call: &Call) -> bool {
    let Some(fields) = &call.fields else { return false };
    let PatternKind::Object(fields) = &fields.kind else { return false };
    fields.iter().any(|(key, pattern)| {
        key.value == "requestId"
            && matches!(pattern.kind, PatternKind::Name(_) | PatternKind::Literal(Value::Number(_)))
    })
}
