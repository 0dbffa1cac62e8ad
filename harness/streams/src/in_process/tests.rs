use peers::Fault;
use proptest::prelude::*;
use protocol::generate::Seeded;

use super::reference::{Csms16, Csms201, Reference, Station16, Station201};
use super::*;
use crate::mutator::Dialect;

const STATION_16: &str = r#"[2,"1","GetConfiguration",{}]
!plug in
!present token {"token":{"idToken":"TAG-VALID"}}
!wait 60
[2,"2","RemoteStopTransaction",{"transactionId":"$transactionId"}]
!cut
!wait 10
[2,"3","Reset",{"type":"Soft"}]
!wait 60
[2,"4","ChangeConfiguration",{"key":"HeartbeatInterval","value":"60"}]"#;

const CSMS_201: &str = r#"[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}]
[2,"2","Heartbeat",{}]
!send {"action":"GetVariables","fields":{}}
[2,"3","NoSuchAction",{}]
[2,"4","StatusNotification",{"evseId":1}]"#;

fn played<D: InProcessDevice>(text: &str) -> Played {
    let mut device = D::power_on(BEGIN);
    play(&mut device, text.as_bytes()).unwrap_or_else(|violation| panic!("{violation}"))
}

#[test]
fn clean_devices_survive_a_conversation() {
    let station = played::<Station16>(STATION_16);
    assert!(station.sent > 10 && station.received > 10, "{station:?}");
    let csms = played::<Csms201>(CSMS_201);
    assert_eq!(csms.received, 6, "four answers, its own call, and the sign of life: {csms:?}");
}

fn found<const IS_STATION: bool, const VERSION: usize>(fault: &str, text: &str) -> String {
    let fault = Fault::find(fault).unwrap_or_else(|| panic!("{fault}"));
    let mut device = Reference::<IS_STATION, VERSION>::with_faults(vec![fault]);
    play(&mut device, text.as_bytes()).map_or_else(|violation| violation.to_string(), |_| "nothing".to_owned())
}

#[test]
fn seeded_faults_are_violations_with_their_rule_and_the_conversation() {
    let twice = found::<true, 0>("station-answers-twice", STATION_16);
    assert!(twice.starts_with("R-037 (one-answer): GetConfiguration was answered more than once"), "{twice}");
    assert!(twice.contains("  > [2,\"1\",\"GetConfiguration\",{}]\n"), "{twice}");
    let unknown = "[2,\"1\",\"constructor\",{}]";
    let dropped = found::<true, 0>("station-drops-link-on-unknown-action", unknown);
    assert!(dropped.starts_with("R-"), "{dropped}");
    let invalid = "[2,\"1\",\"GetConfiguration\",{\"key\":7}]\n[2,\"2\",\"GetConfiguration\",{}]";
    let deaf = found::<true, 0>("station-deaf-after-invalid-payload", invalid);
    assert!(deaf.starts_with("R-037 (answer-in-time): GetConfiguration"), "{deaf}");
    let upper = found::<false, 1>("csms-upper-cases-ids", CSMS_201.replace("\"1\"", "\"ab\"").as_str());
    assert!(upper.starts_with("R-022 (one-answer)"), "{upper}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn clean_devices_survive_mutated_conversations(seed: u64) {
        for (text, role, version) in [(STATION_16, Role::Csms, Version::V16), (CSMS_201, Role::Station, Version::V201)] {
            let dialect = Dialect { version: Some(version), sender: Some(role), steps: true };
            let mut input = text.as_bytes().to_vec();
            for round in 0..8 {
                input = dialect.mutate(&input, 4096, &mut Seeded::new(seed.wrapping_add(round)));
            }
            fuzz_device::<Station16>(&input);
            fuzz_device::<Station201>(&input);
            fuzz_device::<Csms16>(&input);
            fuzz_device::<Csms201>(&input);
        }
    }
}
