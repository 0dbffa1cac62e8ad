//! What defects do to the links and the program that carries the device.

use futures_util::StreamExt;
use peers::CsmsSettings;
use protocol::Version;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

use super::csms::{Socket, boot_16, dial, hear, say, served};
use super::soon;

#[tokio::test]
async fn a_dead_device_cuts_its_links_and_takes_nobody_in() {
    let served = served(CsmsSettings::standard(Version::V16), &["csms-dies-after-an-empty-payload"]).await;
    let mut bystander = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut bystander).await;
    let mut socket = dial(&served, "CP2", "ocpp1.6", None).await.unwrap();
    say(&mut socket, json!([2, "a", "BootNotification", {}])).await;
    assert_eq!(hear(&mut socket).await.unwrap()[0], 4);
    assert_eq!(hear(&mut socket).await, None);
    assert_eq!(hear(&mut bystander).await, None);
    assert!(dial(&served, "CP3", "ocpp1.6", None).await.is_err());
    assert_eq!(served.triggered(), ["csms-dies-after-an-empty-payload"]);
}

#[tokio::test]
async fn a_url_in_a_text_is_visited() {
    let served = served(CsmsSettings::standard(Version::V16), &["csms-fetches-urls"]).await;
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    let url = format!("http://{}/token", canary.local_addr().unwrap());
    say(&mut socket, json!([2, "a", "DataTransfer", { "vendorId": url }])).await;
    let (mut visitor, _) = soon("a visit", canary.accept()).await.unwrap();
    let mut request = String::new();
    soon("a request", visitor.read_to_string(&mut request)).await.unwrap();
    assert!(request.starts_with("GET /token "), "{request}");
}

#[tokio::test]
async fn a_damaged_frame_fails_the_link_with_the_code_for_it() {
    let served = served(CsmsSettings::standard(Version::V16), &[]).await;
    let mask = [0x80, 0, 0, 0, 0];
    let huge = [0xff, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0];
    let frames: [(&str, Vec<u8>, u16); 4] = [
        ("a reserved bit", [&[0xc1][..], &mask].concat(), 1002),
        ("a reserved opcode", [&[0x83][..], &mask].concat(), 1002),
        ("a huge frame", [&[0x81][..], &huge].concat(), 1009),
        ("no UTF-8", vec![0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
    ];
    for (what, bytes, code) in frames {
        let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
        write(&mut socket, &bytes).await;
        match soon(what, socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), code, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_reserved_bit_ends_a_device_with_that_defect() {
    let served = served(CsmsSettings::standard(Version::V16), &["csms-dies-of-a-reserved-bit"]).await;
    let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    write(&mut socket, &[0xc1, 0x80, 0, 0, 0, 0]).await;
    assert!(!matches!(soon("the end", socket.next()).await, Some(Ok(_))));
    assert!(dial(&served, "CP1", "ocpp1.6", None).await.is_err());
}

async fn write(socket: &mut Socket, bytes: &[u8]) {
    match socket.get_mut() {
        MaybeTlsStream::Plain(stream) => stream.write_all(bytes).await.unwrap(),
        _ => panic!("there is no TLS here"),
    }
}
