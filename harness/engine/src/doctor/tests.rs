use std::time::Duration;

use peers::{CsmsSettings, Fault, StationSettings};
use protocol::{Role, Version};
use serve::{CsmsOptions, Served, StationOptions};

use super::{Check, Grade, examine};
use crate::rig::{Binding, Bindings, Endpoint, Rig, Token};

async fn checks(rig: &Rig, device: Role) -> Vec<Check> {
    let mut found = Vec::new();
    examine(rig, device, None, &mut |check| found.push(check)).await;
    found
}

fn worst(checks: &[Check]) -> &Check {
    checks.iter().max_by_key(|check| check.grade).unwrap()
}

fn all(checks: &[Check]) -> String {
    checks.iter().map(|check| format!("{:?} {}\n", check.grade, check.found)).collect()
}

fn loopback() -> std::net::SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn csms(version: Version, rig: &mut Rig) -> Served {
    faulty_csms(version, rig, Vec::new()).await
}

async fn faulty_csms(version: Version, rig: &mut Rig, faults: Vec<Fault>) -> Served {
    let mut settings = CsmsSettings::standard(version);
    settings.tokens = rig.tokens();
    let options = CsmsOptions { listen: loopback(), control: Some(loopback()), settings, faults };
    let served = serve::csms(options).await.unwrap();
    rig.url = Some(format!("ws://{}/ocpp", served.listen().unwrap()));
    rig.versions = vec![version];
    rig.drivers = Bindings::all(Binding::Plugfest(Endpoint::at(&format!("http://{}", served.control().unwrap()))));
    served
}

/// An address where nobody listens at this moment.
async fn free_address() -> String {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_csms_that_is_set_up_has_nothing_to_mend() {
    for version in [Version::V16, Version::V201] {
        let mut rig = Rig::default_for(Some(Role::Csms));
        let served = csms(version, &mut rig).await;
        let found = checks(&rig, Role::Csms).await;
        assert!(worst(&found).grade == Grade::Ok, "{}", all(&found));
        assert!(all(&found).contains("the driver makes the CSMS send"), "{}", all(&found));
        served.shutdown().await;
    }
}

#[tokio::test]
async fn a_message_that_breaks_its_schema_is_told_and_no_matter_of_the_rig() {
    let mut rig = Rig::default_for(Some(Role::Csms));
    let fault = Fault::find("csms-leaves-out-boot-interval").unwrap();
    let served = faulty_csms(Version::V16, &mut rig, vec![fault]).await;
    let found = checks(&rig, Role::Csms).await;
    let told = worst(&found);
    assert_eq!(told.grade, Grade::Warning, "{}", all(&found));
    assert!(told.found.starts_with("1.6: the answer to BootNotification breaks its schema: /"), "{}", told.found);
    assert!(told.mend.as_ref().unwrap().contains("R-233"), "{}", all(&found));
    served.shutdown().await;
}

#[tokio::test]
async fn an_unregistered_tag_is_a_problem_of_the_rig_and_names_the_tag() {
    let mut rig = Rig::default_for(Some(Role::Csms));
    let served = csms(Version::V16, &mut rig).await;
    rig.tags.insert("valid".to_owned(), Token::new("NOBODY-KNOWS"));
    let found = checks(&rig, Role::Csms).await;
    let problems: Vec<&Check> = found.iter().filter(|check| check.grade == Grade::Problem).collect();
    assert_eq!(problems.len(), 1, "{}", all(&found));
    assert_eq!(problems[0].found, "1.6: tag valid (NOBODY-KNOWS) is Invalid");
    assert!(problems[0].mend.as_ref().unwrap().contains("--tag valid="));
    served.shutdown().await;
}

#[tokio::test]
async fn a_csms_that_is_not_there_is_told_with_its_address() {
    let mut rig = Rig::default_for(Some(Role::Csms));
    let address = free_address().await;
    rig.url = Some(format!("ws://{address}/ocpp"));
    let found = checks(&rig, Role::Csms).await;
    let worst = worst(&found);
    assert_eq!(worst.grade, Grade::Problem);
    assert!(worst.found.contains(&address), "{}", worst.found);
}

#[tokio::test]
async fn a_csms_of_another_version_is_told_with_the_versions() {
    let mut rig = Rig::default_for(Some(Role::Csms));
    let served = csms(Version::V16, &mut rig).await;
    rig.versions = vec![Version::V201];
    let found = checks(&rig, Role::Csms).await;
    assert!(worst(&found).mend.as_ref().unwrap().contains("--ocpp"), "{}", all(&found));
    served.shutdown().await;
}

#[tokio::test]
async fn a_port_that_stays_silent_is_told_within_the_time_of_an_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut rig = Rig::default_for(Some(Role::Csms));
    rig.url = Some(format!("ws://{}/ocpp", listener.local_addr().unwrap()));
    rig.timeouts.reply = Duration::from_millis(100);
    let found = checks(&rig, Role::Csms).await;
    assert!(worst(&found).found.contains("no handshake within 0.1 s"), "{}", all(&found));
}

async fn station(version: Version, rig: &mut Rig) -> Served {
    let settings = StationSettings::standard(version);
    let listen = free_address().await;
    rig.listen = Some(listen.clone());
    rig.versions = vec![version];
    let url = format!("ws://{listen}/ocpp");
    let options = StationOptions { url, control: Some(loopback()), settings, faults: Vec::new() };
    let served = serve::station(options).await.unwrap();
    rig.drivers = Bindings::all(Binding::Plugfest(Endpoint::at(&format!("http://{}", served.control().unwrap()))));
    served
}

#[tokio::test]
async fn a_station_that_is_set_up_has_nothing_to_mend() {
    for version in [Version::V16, Version::V201] {
        let mut rig = Rig::default_for(Some(Role::Station));
        let served = station(version, &mut rig).await;
        let found = checks(&rig, Role::Station).await;
        assert!(worst(&found).grade == Grade::Ok, "{}", all(&found));
        assert!(all(&found).contains("plugs in"), "{}", all(&found));
        served.shutdown().await;
    }
}

#[tokio::test]
async fn a_station_that_the_rig_does_not_name_is_told_with_its_identity() {
    let mut rig = Rig::default_for(Some(Role::Station));
    let served = station(Version::V16, &mut rig).await;
    rig.identities = vec!["SOMEBODY-ELSE".to_owned()];
    rig.timeouts.reconnect = Duration::from_secs(2);
    let found = checks(&rig, Role::Station).await;
    assert!(worst(&found).found.contains("which the rig does not name"), "{}", all(&found));
    served.shutdown().await;
}

#[tokio::test]
async fn a_station_that_never_comes_is_told_with_the_address_to_come_to() {
    let mut rig = Rig::default_for(Some(Role::Station));
    rig.listen = Some("127.0.0.1:0".to_owned());
    rig.timeouts.reconnect = Duration::from_millis(100);
    let found = checks(&rig, Role::Station).await;
    assert!(worst(&found).mend.as_ref().unwrap().contains("ws://127.0.0.1:"), "{}", all(&found));
    assert_eq!(found.iter().filter(|check| check.grade == Grade::Problem).count(), 1);
}
