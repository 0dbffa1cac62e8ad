//! Known defects: findings kept as frozen acts. Each shows on the reference peer that has the defect, and not on the
//! clean one; `plugfest replay harness/streams/known` puts them all before a device in seconds.
#![allow(clippy::unwrap_used, reason = "code of tests")]

use std::path::Path;

use peers::Fault;
use streams::finding::{Finding, Replayed, load_all, replay};
use streams::generate::Allowed;
use streams::target::Target;

fn replayed(finding: &Finding, faults: Vec<Fault>) -> Replayed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut target = Target::embedded(finding.sequence.device, finding.sequence.ocpp, faults);
        replay(&mut target, finding, 2, &Allowed::default()).await
    })
}

#[test]
fn every_known_defect_shows_where_it_is_and_nowhere_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("known");
    let known = load_all(&folder).unwrap();
    assert!(known.len() >= 20, "{}", known.len());
    for (path, finding) in known {
        let id = finding.fault.clone().unwrap();
        let fault = Fault::find(&id).unwrap();
        let with = replayed(&finding, vec![fault]);
        // A device that answers nothing as it should is not asked a second time.
        assert!(with.shown == with.tried && with.tried > 0, "{id}: {with:?} {}", path.display());
        let without = replayed(&finding, Vec::new());
        assert_eq!((without.shown, without.tried), (0, 2), "{}: {}", path.display(), without.sentence);
    }
}
