use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use peers::StationSettings;
use protocol::Version;
use serde_json::{Value, json};
use serve::{Served, StationOptions};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::{http, soon};

struct Csms(TcpListener);

struct Link {
    socket: WebSocketStream<TcpStream>,
    path: String,
}

impl Csms {
    async fn listen() -> Csms {
        Csms(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("ws://{}/ocpp", self.0.local_addr().unwrap())
    }

    #[expect(clippy::result_large_err, reason = "the shape is the WebSocket library's")]
    async fn accept(&self) -> Link {
        let (stream, _) = soon("a connection", self.0.accept()).await.unwrap();
        let mut path = String::new();
        let callback = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            path = request.uri().path().to_owned();
            let offered = request.headers().get("sec-websocket-protocol").cloned();
            let chosen = offered.unwrap_or(HeaderValue::from_static("nothing"));
            response.headers_mut().insert("sec-websocket-protocol", chosen);
            Ok(response)
        };
        let socket = accept_hdr_async(stream, callback).await.unwrap();
        Link { socket, path }
    }
}

impl Link {
    /// Answers what comes until a call of this action has come; its payload.
    async fn answer_until(&mut self, action: &str) -> Value {
        loop {
            let Some(Ok(Message::Text(text))) = soon(action, self.socket.next()).await else {
                panic!("the link ends before {action}");
            };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame[0] != 2 {
                continue;
            }
            let answer = match frame[2].as_str().unwrap() {
                "BootNotification" => {
                    json!({ "status": "Accepted", "currentTime": "2026-11-25T12:00:00Z", "interval": 300 })
                }
                "Authorize" => json!({ "idTagInfo": { "status": "Accepted" } }),
                "StartTransaction" => json!({ "transactionId": 7, "idTagInfo": { "status": "Accepted" } }),
                _ => json!({}),
            };
            self.socket.send(Message::text(json!([3, frame[1], answer]).to_string())).await.unwrap();
            if frame[2] == action {
                return frame[3].clone();
            }
        }
    }
}

async fn served(csms: &Csms) -> Served {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut settings = StationSettings::standard(Version::V16);
    settings.reconnect_wait = std::time::Duration::from_millis(100);
    let options = StationOptions { url: csms.url(), control: Some(any), settings, faults: Vec::new() };
    serve::station(options).await.unwrap()
}

#[tokio::test]
async fn a_station_boots_and_charges_when_it_is_told_to() {
    let csms = Csms::listen().await;
    let served = served(&csms).await;
    let control = served.control().unwrap();
    let mut link = csms.accept().await;
    assert_eq!(link.path, "/ocpp/PF-STATION-1");
    assert_eq!(link.answer_until("BootNotification").await["chargePointVendor"], "Plugfest");
    link.answer_until("StatusNotification").await;

    let plugged = http(control, "POST", "/stimulus", r#"{"verb":"plug in","with":{"at":{"evse":2,"connector":2}}}"#);
    assert_eq!(plugged.await.0, 200);
    assert_eq!(http(control, "POST", "/authorize?id=TAG-VALID&type=ISO14443&evse_id=2", "").await.0, 200);
    let start = link.answer_until("StartTransaction").await;
    assert_eq!((&start["connectorId"], &start["idTag"]), (&json!(2), &json!("TAG-VALID")));

    let look = json!({ "verb": "energy flows", "with": { "at": { "evse": 2, "connector": 2 } } }).to_string();
    for path in ["/observe", "/look"] {
        assert_eq!(http(control, "POST", path, &look).await, (200, json!({ "seen": true })));
    }
    let again = http(control, "POST", "/plugin?evse_id=2&connector_id=2", "").await;
    assert_eq!(again.0, 409, "{}", again.1);
    assert_eq!(http(control, "POST", "/plugin?evse_id=9&connector_id=9", "").await.0, 501);
    assert_eq!(http(control, "POST", "/plugin?evse_id=many", "").await.0, 422);
    assert_eq!(http(control, "POST", "/state?ready=false&evse_id=2&connector_id=2", "").await.0, 200);
    let told = link.answer_until("StatusNotification").await;
    assert_eq!(told["connectorId"], 2);
    soon("the end", served.shutdown()).await;
}

#[tokio::test]
async fn a_station_comes_back_when_the_link_is_lost_and_does_not_boot_again() {
    let csms = Csms::listen().await;
    let served = served(&csms).await;
    let mut link = csms.accept().await;
    link.answer_until("StatusNotification").await;
    drop(link);
    // A refusal on the way: a server that hangs up at once.
    drop(soon("another try", csms.0.accept()).await.unwrap());
    let mut link = csms.accept().await;
    let control = served.control().unwrap();
    assert_eq!(http(control, "POST", "/plugin", "").await.0, 200);
    let Some(Ok(Message::Text(first))) = soon("a message", link.socket.next()).await else {
        panic!("no message");
    };
    assert!(first.contains("StatusNotification"), "{first}");
}

#[tokio::test]
async fn a_hostile_server_costs_at_most_the_link() {
    let csms = Csms::listen().await;
    let served = served(&csms).await;
    let mut link = csms.accept().await;
    link.answer_until("StatusNotification").await;
    for text in ["", "null", "[3,\"x\",{}]", "[4,[],1]", "[2,\"y\",\"constructor\",{}]", &"[".repeat(100_000)] {
        link.socket.send(Message::text(text)).await.unwrap();
    }
    link.socket.send(Message::binary(vec![0xff; 10])).await.unwrap();
    // Longer than any message may be: the station ends the link and comes back.
    let _ = link.socket.send(Message::text("x".repeat(2 << 20))).await;
    let mut link = csms.accept().await;
    link.socket.send(Message::text("[2,\"z\",\"ClearCache\",{}]")).await.unwrap();
    loop {
        let Some(Ok(Message::Text(text))) = soon("an answer", link.socket.next()).await else {
            panic!("the link ends");
        };
        if text.starts_with("[3,\"z\"") {
            break;
        }
    }
    soon("the end", served.shutdown()).await;
}

#[tokio::test]
async fn shutting_down_says_goodbye() {
    let csms = Csms::listen().await;
    let served = served(&csms).await;
    let mut link = csms.accept().await;
    link.answer_until("StatusNotification").await;
    let goodbye = tokio::spawn(async move {
        loop {
            match link.socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    });
    soon("the end", served.run_until(async {})).await;
    assert_eq!(goodbye.await.unwrap(), Some(1001));
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_refused_before_anything_starts() {
    let settings = StationSettings::standard(Version::V16);
    let options = StationOptions { url: "wss://localhost".to_owned(), control: None, settings, faults: Vec::new() };
    let why = serve::station(options).await.unwrap_err().to_string();
    assert_eq!(why, "wss://localhost: TLS is not spoken here; only ws://");
}
