use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use peers::{CsmsSettings, Fault};
use protocol::Version;
use serde_json::{Value, json};
use serve::{CsmsOptions, Served};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{http, soon};

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) async fn served(settings: CsmsSettings, faults: &[&str]) -> Served {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let faults = faults.iter().map(|id| Fault::find(id).unwrap()).collect();
    serve::csms(CsmsOptions { listen: any, control: Some(any), settings, faults }).await.unwrap()
}

pub(super) async fn standard() -> Served {
    served(CsmsSettings::standard(Version::V16), &[]).await
}

pub(super) async fn dial(served: &Served, identity: &str, offered: &str, basic: Option<&str>) -> Result<Socket, Error> {
    let url = format!("ws://{}/ocpp/{identity}", served.listen().unwrap());
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(offered).unwrap());
    if let Some(basic) = basic {
        request.headers_mut().insert("authorization", HeaderValue::from_str(&format!("Basic {basic}")).unwrap());
    }
    connect_async(request).await.map(|(socket, _)| socket)
}

pub(super) async fn say(socket: &mut Socket, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.unwrap();
}

/// The next text message; `None` when the link ends.
pub(super) async fn hear(socket: &mut Socket) -> Option<Value> {
    loop {
        match soon("a message", socket.next()).await {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

pub(super) async fn boot_16(socket: &mut Socket) {
    say(socket, json!([2, "b", "BootNotification", { "chargePointVendor": "V", "chargePointModel": "M" }])).await;
    let answer = hear(socket).await.unwrap();
    assert_eq!(answer[2]["status"], "Accepted", "{answer}");
}

fn status(refused: Result<Socket, Error>) -> u16 {
    match refused {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not refused: {:?}", other.map(|_| ())),
    }
}

#[tokio::test]
async fn a_station_boots_and_is_called_through_the_control_endpoint() {
    let served = standard().await;
    let control = served.control().unwrap();
    let mut socket = dial(&served, "CP%201", "ocpp1.6", None).await.unwrap();
    boot_16(&mut socket).await;
    let state = http(control, "GET", "/state", "").await.1;
    assert_eq!(state["stations"], json!([{ "identity": "CP 1", "subprotocol": "ocpp1.6" }]));

    let body =
        json!({ "station": "CP 1", "verb": "send", "with": { "action": "Reset", "fields": { "type": "Hard" } } });
    assert_eq!(http(control, "POST", "/stimulus", &body.to_string()).await.0, 200);
    let call = hear(&mut socket).await.unwrap();
    assert_eq!((&call[2], &call[3]), (&json!("Reset"), &json!({ "type": "Hard" })));
    say(&mut socket, json!([3, call[1], { "status": "Accepted" }])).await;
    served.shutdown().await;
}

#[tokio::test]
async fn the_trigger_api_reaches_the_station() {
    let served = standard().await;
    let control = served.control().unwrap();
    let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut socket).await;
    let body = r#"{"requestedMessage":"Heartbeat"}"#;
    assert_eq!(http(control, "POST", "/api/octt/1.6/CP1/trigger-message", body).await.0, 200);
    let call = hear(&mut socket).await.unwrap();
    assert_eq!(call[2], "TriggerMessage");

    let body = r#"{"token_id":"NEW","status":"Blocked"}"#;
    assert_eq!(http(control, "POST", "/api/octt/create-token", body).await.0, 200);
    say(&mut socket, json!([2, "a", "Authorize", { "idTag": "NEW" }])).await;
    assert_eq!(hear(&mut socket).await.unwrap()[2]["idTagInfo"]["status"], "Blocked");

    assert_eq!(http(control, "POST", "/api/octt/2.0.1/CP1/set-items-per-message", "{}").await.0, 501);
    assert_eq!(http(control, "POST", "/api/octt/1.6/CP1/eat-bananas", "{}").await.0, 404);
    assert_eq!(http(control, "POST", "/api/octt/1.6/CP1/reset", "[").await.0, 422);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_a_status_and_a_reason() {
    let served = standard().await;
    let control = served.control().unwrap();
    let send = json!({ "station": "CP1", "verb": "send", "with": { "action": "Reset", "fields": { "type": "Hard" } } });
    let (status, answer) = http(control, "POST", "/stimulus", &send.to_string()).await;
    assert_eq!(status, 409);
    assert!(answer["reason"].as_str().unwrap().contains("not connected"), "{answer}");
    for (body, expected) in [
        (r#"{"verb":"send","party":"station"}"#, 422),
        (r#"{"verb":"plug in"}"#, 422),
        (r#"{"with":{}}"#, 422),
        (r#"{"verb":"send","with":7}"#, 422),
        ("nonsense", 422),
        (r#"{"verb":"x-anything"}"#, 501),
    ] {
        assert_eq!(http(control, "POST", "/stimulus", body).await.0, expected, "{body}");
    }
    assert_eq!(http(control, "GET", "/nothing", "").await.0, 404);
}

#[tokio::test]
async fn strangers_and_wrong_passwords_are_refused_by_status() {
    let mut settings = CsmsSettings::standard(Version::V16);
    settings.stations = Some(vec!["CP1".to_owned()]);
    settings.passwords.insert("CP1".to_owned(), b"secret".to_vec());
    let served = served(settings, &[]).await;
    assert_eq!(status(dial(&served, "CP2", "ocpp1.6", None).await), 404);
    assert_eq!(status(dial(&served, "CP1", "ocpp1.6", None).await), 401);
    assert_eq!(status(dial(&served, "CP1", "ocpp1.6", Some("Q1AxOndyb25n")).await), 401);
    assert_eq!(status(dial(&served, "CP%1", "ocpp1.6", None).await), 400);
    assert!(dial(&served, "CP1", "ocpp1.6", Some("Q1AxOnNlY3JldA==")).await.is_ok());
}

#[tokio::test]
async fn the_subprotocol_chooses_the_version_of_each_link() {
    let mut settings = CsmsSettings::standard(Version::V16);
    settings.versions = vec![Version::V16, Version::V201];
    let served = served(settings, &[]).await;
    let mut old = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    let mut new = dial(&served, "CP2", "ocpp2.1, ocpp2.0.1, ocpp1.6", None).await.unwrap();
    boot_16(&mut old).await;
    // A damaged call: the code of each version.
    say(&mut old, json!([2, "x", "Heartbeat", []])).await;
    say(&mut new, json!([2, "x", "Heartbeat", []])).await;
    assert_eq!(hear(&mut old).await.unwrap()[2], "FormationViolation");
    assert_eq!(hear(&mut new).await.unwrap()[2], "FormatViolation");
    // The client library of this test takes no handshake without a subprotocol that it asked for.
    assert!(dial(&served, "CP3", "ocpp2.1", None).await.is_err());
}

#[tokio::test]
async fn a_new_connection_of_an_identity_replaces_the_old_one() {
    let served = standard().await;
    let mut old = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut old).await;
    let mut new = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    assert_eq!(hear(&mut old).await, None);
    say(&mut new, json!([2, "h", "Heartbeat", {}])).await;
    assert_eq!(hear(&mut new).await.unwrap()[1], "h");
    let state = http(served.control().unwrap(), "GET", "/state", "").await.1;
    assert_eq!(state["stations"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn hostile_messages_end_at_most_their_own_link() {
    let served = standard().await;
    let mut bystander = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut bystander).await;
    let nested = "[".repeat(100_000);
    let long = "x".repeat(2 << 20);
    for (number, text) in ["", "null", "[2]", "[2,\"\\ud800\",{},[]]", &nested, &long].into_iter().enumerate() {
        let mut socket = dial(&served, &format!("EVIL{number}"), "ocpp1.6", None).await.unwrap();
        socket.send(Message::text(text)).await.unwrap();
        let _ = socket.send(Message::binary(vec![0xff; 10])).await;
        let _ = socket.close(None).await;
    }
    // Bytes that are no handshake, and one that never ends.
    for bytes in ["\0\u{7f}", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nA: "] {
        use tokio::io::AsyncWriteExt;
        let mut stream = TcpStream::connect(served.listen().unwrap()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
    }
    say(&mut bystander, json!([2, "h", "Heartbeat", {}])).await;
    assert_eq!(hear(&mut bystander).await.unwrap()[1], "h");
}

#[tokio::test]
async fn faults_show_on_the_wire_and_in_the_state() {
    let served = served(CsmsSettings::standard(Version::V16), &["csms-answers-twice"]).await;
    let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut socket).await;
    assert_eq!(hear(&mut socket).await.unwrap()[1], "b");
    let state = http(served.control().unwrap(), "GET", "/state", "").await.1;
    assert_eq!(state["triggered"], json!(["csms-answers-twice"]));
    assert_eq!(served.triggered(), ["csms-answers-twice"]);
}

#[tokio::test]
async fn shutting_down_closes_every_link() {
    let served = standard().await;
    let mut socket = dial(&served, "CP1", "ocpp1.6", None).await.unwrap();
    boot_16(&mut socket).await;
    let listen = served.listen().unwrap();
    let goodbye = tokio::spawn(async move { socket.next().await });
    soon("the end", served.shutdown()).await;
    match goodbye.await.unwrap() {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1001),
        other => panic!("{other:?}"),
    }
    assert!(TcpStream::connect(listen).await.is_err());
}
