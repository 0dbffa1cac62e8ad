//! Answers are demanded where their status matters.

use protocol::catalogue::{Catalogue, Object, Type};

use super::report::Report;
use super::tree::{Projection, Shape};
use crate::ast::Answer;

/// Looks at the answer of every call.
pub(super) fn answers(projection: &Projection<'_>, report: &mut Report) {
    let catalogue = Catalogue::of(projection.version);
    projection.each(&mut |node| {
        let Shape::Call { call, .. } = &node.shape else { return };
        let Some(message) = catalogue.message(&call.action.value) else { return };
        let action = &call.action.value;
        if matches!(call.answer, Answer::AnyResult)
            && let Some(field) = message.response().and_then(status)
        {
            let title = format!("the answer to {action} has a status, and nothing says which");
            let pattern = match field.strip_suffix(".status") {
                Some(record) => format!("reply: {{ {record}: {{ status: Accepted }} }}"),
                None => "reply: { status: Accepted }".to_owned(),
            };
            report.add("status-open", (node.source, node.item.head), title, format!("{field} is left open"), |d| {
                d.help(format!("say what the answer must be, such as {pattern}"))
            });
        }
    });
}

/// The status that an answer always has: its own, or that of a record it always has.
fn status(response: &Object) -> Option<String> {
    let has_status = |object: &Object| {
        object.field("status").is_some_and(|field| field.required && matches!(field.ty, Type::Enum(_)))
    };
    if has_status(response) {
        return Some("status".to_owned());
    }
    response.required().find_map(|field| match &field.ty {
        Type::Object(object) if has_status(object) => Some(format!("{}.status", field.name)),
        _ => None,
    })
}
