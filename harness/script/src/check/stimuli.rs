//! A stimulus works when its effect shows, not when its driver says so.

use protocol::Role;

use super::report::Report;
use super::tree::{Node, Projection, Shape};

/// Verbs whose effect a station tells.
const SHOWN: [&str; 10] = [
    "plug in",
    "unplug",
    "present token",
    "pause by ev",
    "resume by ev",
    "cause fault",
    "clear fault",
    "press emergency stop",
    "enter bay",
    "leave bay",
];

/// Looks for calls to a station under test straight after something was done to it.
pub(super) fn stimuli(projection: &Projection<'_>, report: &mut Report) {
    if projection.device != Role::Station {
        return;
    }
    for segment in &projection.segments {
        sequence(projection, &segment.nodes, None, report);
    }
}

type Done<'n, 'a> = Option<&'n Node<'a>>;

/// Goes through items with the stimulus whose effect has not been seen, and says which one is left.
fn sequence<'n, 'a>(
    projection: &Projection<'a>,
    nodes: &'n [Node<'a>],
    before: Done<'n, 'a>,
    report: &mut Report,
) -> Done<'n, 'a> {
    let mut done = before;
    for node in nodes {
        done = match &node.shape {
            Shape::At(act) if projection.is_device(act.party.value) => {
                SHOWN.contains(&act.verb.value.as_str()).then_some(node)
            }
            Shape::At(_) | Shape::Check(_) => done,
            Shape::Call { call, .. } => {
                if call.from.value.role(projection.device) == Role::Csms
                    && let Some(stimulus) = done
                {
                    too_early(node, stimulus, report);
                }
                None
            }
            Shape::Steps(nodes) | Shape::Run(_, nodes) | Shape::Never(_, None, nodes) => {
                sequence(projection, nodes, done, report)
            }
            Shape::One(branches) | Shape::Any(branches) => {
                let ends: Vec<Done<'n, 'a>> = branches
                    .iter()
                    .map(|branch| sequence(projection, std::slice::from_ref(branch), done, report))
                    .collect();
                ends.into_iter().find(Option::is_some).flatten()
            }
            Shape::Offline(nodes, _) => {
                sequence(projection, nodes, None, report);
                None
            }
            Shape::Look(_) | Shape::Connection(_) | Shape::Text(_) | Shape::Never(..) | Shape::Quiet(_) => None,
        };
    }
    done
}

fn too_early(call: &Node<'_>, stimulus: &Node<'_>, report: &mut Report) {
    let title = "the station may not have noticed yet what was done to it";
    let label = "the CSMS calls before the effect shows";
    report.add("effect-unseen", (call.source, call.item.head), title, label, |d| {
        d.because(stimulus.source, stimulus.item.head, "done here").help(
            "expect the message that shows the effect first, such as a StatusNotification; optional: true if not every \
             station sends one",
        )
    });
}
