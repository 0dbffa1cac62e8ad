//! What the device cannot be made to do, and what cannot happen while there is no link.

use protocol::Role;
use serde_json::Value;

use super::report::{Report, shown, text};
use super::tree::{Node, Projection, Shape};
use crate::ast::{ConnectionOptions, Outcome, PatternKind};

/// Looks at connection events, offline blocks and raw text.
pub(super) fn connections(projection: &Projection<'_>, report: &mut Report) {
    projection.each(&mut |node| match &node.shape {
        Shape::Offline(nodes, options) => {
            nodes.iter().for_each(|node| offline(node, report));
            unseen(projection, node, options, report);
        }
        Shape::Connection(connection) => unseen(projection, node, &connection.options, report),
        Shape::Text(raw) if projection.is_device(raw.from.value) => {
            let device = projection.device;
            let title = format!("a {} under test cannot be made to send this text", shown(device));
            report.add("text-by-device", (node.source, raw.from.span), title, "text is sent by a party we play", |d| {
                d.help(format!("write device: {} above, or let the tester send it", device.other()))
            });
        }
        _ => {}
    });
}

/// While the link is down there are only stimuli, observations, checks and marks.
fn offline(node: &Node<'_>, report: &mut Report) {
    let what = match &node.shape {
        Shape::Call { .. } | Shape::Text(_) => "a message",
        Shape::Connection(_) | Shape::Offline(..) => "a connection event",
        _ => return node.inner().into_iter().for_each(|node| offline(node, report)),
    };
    let title = format!("{what} while the link is down");
    report.add("message-offline", (node.source, node.item.head), title, "cannot happen inside offline", |d| {
        d.help("put it behind the block: offline ends with the reconnection")
    });
}

/// Options of the device that we can neither set nor see.
fn unseen(projection: &Projection<'_>, node: &Node<'_>, options: &ConnectionOptions, report: &mut Report) {
    if projection.device == Role::Csms {
        return;
    }
    // A refusal is caused by what we do not accept; a station shows what it has, and cannot be given something else.
    for (name, pattern) in [("identity", &options.identity), ("password", &options.password)] {
        let Some(pattern) = pattern else { continue };
        let PatternKind::Literal(Value::String(word)) = &pattern.kind else { continue };
        if word == "rig" {
            continue;
        }
        let title = format!("a station under test cannot be given another {name}");
        let label = format!("{} is only for a station of ours", text(node.source, pattern.span));
        report.add("unseen-option", (node.source, pattern.span), title, label, |d| {
            d.help("write device: csms above: the case is for a CSMS")
        });
    }
    if let Some(offers) = &options.offers {
        let ours = projection.version.subprotocol();
        let is_sure = offers.value.iter().any(|offer| offer == ours);
        let is_refused = options.outcome.as_ref().is_some_and(|outcome| outcome.value != Outcome::Open);
        if !is_sure || is_refused {
            let title = "a station under test cannot be made to offer other subprotocols";
            report.add("unseen-option", (node.source, offers.span), title, "only for a station of ours", |d| {
                d.help("write device: csms above: the case is for a CSMS")
            });
        }
    }
}
