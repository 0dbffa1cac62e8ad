//! What a case says of itself: what it proves and which official cases it stands for.

use protocol::{Role, official};

use super::report::{Report, shown};
use crate::ast::Case;

/// Looks at `traces` and `certifies`.
pub(super) fn claims(case: &Case, report: &mut Report) {
    if case.traces.is_empty() {
        let title = "the case proves no statement";
        report.add("no-traces", (&case.source, case.id.span), title, "has no traces", |d| {
            d.help("add traces: [ID…] with the statements it rests on; plugfest explain lists them")
        });
    }
    for id in &case.certifies {
        let found = case.versions.iter().find_map(|version| official::find(&id.value, version.value));
        let Some(found) = found else { continue };
        if !case.is_for(found.device) {
            let title = format!("{} tests a {}, and this case never does", id.value, shown(found.device));
            report.add("wrong-device", (&case.source, id.span), title, "of the other device", |d| {
                let d = match &case.device {
                    Some(device) => d.because(&case.source, device.span, "only this one"),
                    None => d,
                };
                d.help(match found.device {
                    Role::Station => "ids that end in _CS count when the station is the device",
                    Role::Csms => "ids that end in _CSMS count when the CSMS is the device",
                })
            });
        }
    }
}
