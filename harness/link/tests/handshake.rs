//! Handshakes from both ends: with ourselves, with tungstenite, and with peers that get it wrong.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the helpers of a test fail the test")]

use std::time::Duration;

use link::handshake::{
    Answer, BasicCredentials, ClientOutcome, ClientRequest, HandshakeError, Headers, Request, connect, read_request,
    server_choice,
};
use link::{Connection, EventKind, FindingKind, Limits, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as TheirRequest, Response};
use tokio_tungstenite::tungstenite::{self, Message, http};

const GOOD: &str = "GET /ocpp/RDAM%20123 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n\r\n";

fn request() -> ClientRequest {
    ClientRequest::to(&Url::parse("ws://csms:9000/ocpp").unwrap().with_identity("RDAM 123"))
        .offering(&["ocpp2.0.1", "ocpp1.6"])
        .authorized(Some(BasicCredentials::new("RDAM 123", vec![0xff, 0, b':'])))
}

/// What we read when a station sends these bytes and then waits.
async fn request_read(bytes: &[u8]) -> Result<Request, HandshakeError> {
    let (mut station, csms) = duplex(1 << 20);
    station.write_all(bytes).await.unwrap();
    let incoming = within(read_request(csms, &Limits::default())).await?;
    Ok(incoming.request.clone())
}

/// What we read when a CSMS answers with these bytes, `{accept}` standing for the right key, and hangs up.
async fn outcome_of(request: &ClientRequest, answer: &str) -> Result<ClientOutcome<DuplexStream>, HandshakeError> {
    let (station, mut csms) = duplex(1 << 20);
    let key = link::handshake::accept_key(request.key.as_deref().unwrap_or_default().as_bytes());
    csms.write_all(answer.replace("{accept}", &key).as_bytes()).await.unwrap();
    csms.shutdown().await.unwrap();
    within(connect(station, request, &Limits::default())).await
}

async fn answer_read(answer: &str) -> Answer {
    outcome_of(&request(), answer).await.unwrap().answer
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(600), future).await.expect("it hangs")
}

fn kinds(findings: &[link::Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

#[tokio::test(start_paused = true)]
async fn both_ends_of_this_crate_understand_each_other() {
    let (station, csms) = duplex(4096);
    let limits = Limits::default();
    let asked = request();
    let serve = async {
        let incoming = read_request(csms, &limits).await.unwrap();
        let request = &incoming.request;
        assert_eq!(request.findings, []);
        assert_eq!((request.identity.as_str(), request.endpoint.as_str()), ("RDAM 123", "/ocpp"));
        assert_eq!(request.basic, Some(BasicCredentials::new("RDAM 123", vec![0xff, 0, b':'])));
        let choice = server_choice(&request.subprotocols, &["ocpp1.6"]).map(str::to_owned);
        let mut connection = incoming.accept(choice.as_deref(), &Headers::new().with("X-Extra", "1")).await.unwrap();
        connection.send_text("from the server").await.unwrap();
        let event = connection.next().await;
        assert_eq!((event.kind, event.findings), (EventKind::Text(b"from the client".to_vec()), vec![]));
        connection.close(Some(1000), "").await.unwrap();
        connection.drain().await
    };
    let ask = async {
        let ClientOutcome { answer, connection } = connect(station, &asked, &limits).await.unwrap();
        assert_eq!(answer.findings, []);
        assert!(answer.is_usable());
        assert_eq!((answer.status, answer.subprotocol.as_deref()), (101, Some("ocpp1.6")));
        assert_eq!(answer.headers.first("x-extra"), Some(&b"1"[..]));
        let mut connection = connection.unwrap();
        connection.send_text("from the client").await.unwrap();
        assert_eq!(connection.next().await.kind, EventKind::Text(b"from the server".to_vec()));
        assert_eq!(connection.next().await.kind, EventKind::Close { code: Some(1000), reason: vec![] });
        connection.drain().await
    };
    let (server_end, client_end) = within(async { tokio::join!(serve, ask) }).await;
    assert_eq!(server_end, link::End::Eof { mid_frame: false });
    assert_eq!(client_end, link::End::Eof { mid_frame: false });
}

#[tokio::test(start_paused = true)]
async fn without_a_common_subprotocol_the_server_accepts_and_closes_and_the_client_may_not_go_on() {
    let (station, csms) = duplex(4096);
    let limits = Limits::default();
    let asked = request();
    let serve = async {
        let mut connection = read_request(csms, &limits).await.unwrap().accept(None, &Headers::new()).await.unwrap();
        connection.close(Some(1002), "no common sub-protocol").await.unwrap();
        connection.drain().await
    };
    let ask = async {
        let outcome = connect(station, &asked, &limits).await.unwrap();
        assert_eq!(kinds(&outcome.answer.findings), [FindingKind::SubprotocolMissing]);
        assert!(!outcome.answer.is_usable());
        let mut connection = outcome.connection.unwrap();
        let close = connection.next().await.kind;
        assert_eq!(close, EventKind::Close { code: Some(1002), reason: b"no common sub-protocol".to_vec() });
        connection.drain().await
    };
    within(async { tokio::join!(serve, ask) }).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reaches_the_client_with_its_headers_and_body() {
    for (status, header) in [(401, Some("WWW-Authenticate")), (404, None)] {
        let (station, csms) = duplex(4096);
        let limits = Limits::default();
        let asked = request();
        let headers = header.map(|name| Headers::new().with(name, "Basic realm=\"x\"")).unwrap_or_default();
        let serve = async { read_request(csms, &limits).await.unwrap().refuse(status, &headers, b"no").await.unwrap() };
        let ((), outcome) = within(async { tokio::join!(serve, connect(station, &asked, &limits)) }).await;
        let ClientOutcome { answer, connection } = outcome.unwrap();
        assert!(connection.is_none());
        assert_eq!((answer.status, answer.body.as_slice(), answer.body_complete), (status, &b"no"[..], true));
        assert_eq!(answer.findings, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tungstenite_server_accepts_our_request_and_refuses_it() {
    for refuse in [false, true] {
        let (station, csms) = duplex(4096);
        let asked = request();
        #[expect(clippy::result_large_err, reason = "tungstenite's signature")]
        let callback = |request: &TheirRequest, mut response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.uri().path(), "/ocpp/RDAM%20123");
            assert_eq!(request.headers()["sec-websocket-protocol"], "ocpp2.0.1, ocpp1.6");
            if refuse {
                let answer = http::Response::builder().status(401).header("WWW-Authenticate", "Basic realm=\"x\"");
                return Err(answer.body(Some("who are you?".to_owned())).unwrap());
            }
            response.headers_mut().insert("sec-websocket-protocol", "ocpp2.0.1".parse().unwrap());
            Ok(response)
        };
        let serve = tokio_tungstenite::accept_hdr_async(csms, callback);
        let limits = Limits::default();
        let (served, outcome) = within(async { tokio::join!(serve, connect(station, &asked, &limits)) }).await;
        let ClientOutcome { answer, connection } = outcome.unwrap();
        assert_eq!(answer.findings, []);
        if refuse {
            assert!(served.is_err() && connection.is_none());
            assert_eq!((answer.status, answer.body.as_slice()), (401, &b"who are you?"[..]));
        } else {
            assert_eq!((answer.status, answer.subprotocol.as_deref()), (101, Some("ocpp2.0.1")));
            assert!(answer.is_usable() && served.is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tungstenite_client_is_accepted_and_refused() {
    use futures_util::StreamExt;
    use tungstenite::client::IntoClientRequest;
    for refuse in [false, true] {
        let (station, csms) = duplex(4096);
        let limits = Limits::default();
        let mut asked = "ws://csms/ocpp/CS1".into_client_request().unwrap();
        asked.headers_mut().insert("sec-websocket-protocol", "ocpp1.6".parse().unwrap());
        let serve = async {
            let incoming = read_request(csms, &limits).await.unwrap();
            assert_eq!(incoming.request.findings, []);
            assert_eq!(incoming.request.subprotocols, ["ocpp1.6"]);
            if refuse {
                incoming.refuse(404, &Headers::new(), b"unknown").await.unwrap();
                return;
            }
            let mut connection = incoming.accept(Some("ocpp1.6"), &Headers::new()).await.unwrap();
            connection.send_text("hello").await.unwrap();
            connection.flush().await.unwrap();
            connection.end_sending().await;
        };
        let ask = async {
            match tokio_tungstenite::client_async(asked, station).await {
                Ok((mut socket, response)) => {
                    assert_eq!(response.headers()["sec-websocket-protocol"], "ocpp1.6");
                    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("hello"));
                }
                Err(tungstenite::Error::Http(response)) => {
                    assert_eq!((refuse, response.status().as_u16()), (true, 404));
                }
                Err(error) => panic!("{error}"),
            }
        };
        within(async { tokio::join!(serve, ask) }).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_correct_request_has_no_findings_and_an_encoded_identity_is_decoded() {
    let request = request_read(GOOD.as_bytes()).await.unwrap();
    assert_eq!(request.findings, []);
    assert_eq!(request.identity, "RDAM 123");
    assert_eq!(request.subprotocols, ["ocpp2.0.1", "ocpp1.6"]);
}

#[tokio::test(start_paused = true)]
async fn every_mistake_in_a_request_is_a_finding_and_not_an_error() {
    let basic = |user: &str| format!("Host: h\r\nAuthorization: {}", BasicCredentials::new(user, "p").header());
    for (from, to, kind) in [
        ("GET ", "POST ", FindingKind::Method),
        ("HTTP/1.1", "HTTP/1.0", FindingKind::HttpVersion),
        ("Host: h\r\n", "", FindingKind::Host),
        ("Upgrade: websocket\r\n", "", FindingKind::Upgrade),
        ("keep-alive, Upgrade", "keep-alive", FindingKind::ConnectionHeader),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", FindingKind::Key),
        ("dGhlIHNhbXBsZSBub25jZQ==", "!", FindingKind::Key),
        ("Version: 13", "Version: 8", FindingKind::WebSocketVersion),
        ("Sec-WebSocket-Version: 13\r\n", "", FindingKind::WebSocketVersion),
        ("Host: h", "Host: h\r\nHost: i", FindingKind::DuplicateHeader),
        ("Sec-WebSocket-Protocol: ocpp2.0.1, ocpp1.6\r\n", "", FindingKind::SubprotocolNotOffered),
        ("ocpp2.0.1, ocpp1.6", "ocpp1.6, ocpp1.6", FindingKind::SubprotocolSyntax),
        ("ocpp2.0.1, ocpp1.6", "ocpp 1.6", FindingKind::SubprotocolSyntax),
        ("ocpp2.0.1, ocpp1.6", "OCPP1.6", FindingKind::SubprotocolCase),
        ("/ocpp/RDAM%20123", "/ocpp/", FindingKind::IdentityMissing),
        ("RDAM%20123", "RDAM%2", FindingKind::IdentityEncoding),
        ("RDAM%20123", "RDAM|123", FindingKind::IdentityEncoding),
        ("RDAM%20123", "%ff", FindingKind::IdentityEncoding),
        ("Host: h", "Host: h\r\nAuthorization: Basic !", FindingKind::Authorization),
        ("Host: h", &basic("another"), FindingKind::BasicUser),
        ("\r\n\r\n", "\r\n\r\nearly", FindingKind::EarlyData),
    ] {
        assert!(GOOD.contains(from));
        let request = request_read(GOOD.replacen(from, to, 1).as_bytes()).await.unwrap();
        assert_eq!(kinds(&request.findings), [kind], "{from} became {to}");
    }
    let request = request_read(GOOD.replacen("Host: h", &basic("rdam 123"), 1).as_bytes()).await.unwrap();
    assert_eq!(request.findings, [], "letter case of an identity does not matter");
}

const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\
    Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn every_mistake_in_an_answer_is_a_finding_and_the_connection_is_still_there() {
    assert_eq!(answer_read(ANSWER).await.findings, [], "any offered name is legal, not only the first");
    for (from, to, kind, usable) in [
        ("HTTP/1.1", "HTTP/1.0", FindingKind::HttpVersion, true),
        ("Upgrade: WebSocket\r\n", "", FindingKind::Upgrade, false),
        ("Connection: upgrade", "Connection: close", FindingKind::ConnectionHeader, false),
        ("{accept}", "AAAA", FindingKind::Accept, false),
        ("Sec-WebSocket-Accept: {accept}\r\n", "", FindingKind::Accept, false),
        ("Sec-WebSocket-Protocol: ocpp1.6\r\n", "", FindingKind::SubprotocolMissing, false),
        ("ocpp1.6", "ocpp2.1", FindingKind::SubprotocolForeign, false),
        ("ocpp1.6", "ocpp1.6, ocpp2.0.1", FindingKind::SubprotocolSeveral, false),
        ("Upgrade:", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade:", FindingKind::ExtensionForeign, false),
        (
            "Sec-WebSocket-Accept",
            "Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Accept",
            FindingKind::DuplicateHeader,
            true,
        ),
    ] {
        assert!(ANSWER.contains(from));
        let outcome = outcome_of(&request(), &ANSWER.replacen(from, to, 1)).await.unwrap();
        assert_eq!(kinds(&outcome.answer.findings), [kind], "{from} became {to}");
        assert_eq!(outcome.answer.is_usable(), usable, "{from} became {to}");
        assert!(outcome.connection.is_some());
    }
    let answer = answer_read("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(kinds(&answer.findings), [FindingKind::Challenge]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_was_offered_may_be_used() {
    let mut asked = request();
    asked.headers.push("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits");
    let extended = ANSWER.replace("Upgrade:", "Sec-WebSocket-Extensions: permessage-deflate\r\nUpgrade:");
    assert_eq!(outcome_of(&asked, &extended).await.unwrap().answer.findings, []);
}

#[tokio::test(start_paused = true)]
async fn frames_that_follow_the_answer_at_once_are_not_lost() {
    let (station, mut csms) = duplex(1 << 16);
    let asked = request();
    let key = link::handshake::accept_key(asked.key.as_deref().unwrap().as_bytes());
    let mut bytes = ANSWER.replace("{accept}", &key).into_bytes();
    bytes.extend_from_slice(b"\x81\x02hi\x81\x01");
    csms.write_all(&bytes).await.unwrap();
    let outcome = within(connect(station, &asked, &Limits::default())).await.unwrap();
    let mut connection = outcome.connection.unwrap();
    assert_eq!(within(connection.next()).await.kind, EventKind::Text(b"hi".to_vec()));
    csms.write_all(b"!").await.unwrap();
    assert_eq!(within(connection.next()).await.kind, EventKind::Text(b"!".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn bodies_are_read_by_length_by_chunks_and_to_the_end() {
    for (answer, body, complete) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nnope", "no", true),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nno", "no", false),
        ("HTTP/1.1 404 Not Found\r\n\r\nto the end", "to the end", true),
        (
            "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n3;x\r\npe!\r\n0\r\n\r\n",
            "nope!",
            true,
        ),
        ("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n3", "no", false),
        ("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nno", "no", false),
        ("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nx", "", false),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 99999999999999999999\r\n\r\nno", "no", true),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
    ] {
        let read = answer_read(answer).await;
        let text = String::from_utf8(read.body).unwrap();
        assert_eq!((text.as_str(), read.body_complete), (body, complete), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_cut_and_one_that_never_comes_is_not_awaited_for_ever() {
    let long = format!("HTTP/1.1 500 Oops\r\nContent-Length: 500000\r\n\r\n{}", "x".repeat(500_000));
    let answer = answer_read(&long).await;
    assert_eq!((answer.body.len(), answer.body_complete), (Limits::default().body, false));

    let (station, mut csms) = duplex(1 << 16);
    csms.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nno").await.unwrap();
    let outcome = within(connect(station, &request(), &Limits::default())).await.unwrap();
    assert_eq!((outcome.answer.status, outcome.answer.body.as_slice()), (404, &b"no"[..]));
    assert!(!outcome.answer.body_complete);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_http_is_an_error_that_shows_what_came() {
    let error = request_read(b"\x16\x03\x01\x02\x00\x01").await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
    assert!(matches!(request_read(b"GET / FTP/9\r\n\r\n").await, Err(HandshakeError::NotHttp { .. })));
    assert!(matches!(request_read(b"\0").await, Err(HandshakeError::NotHttp { .. })));
    let error = outcome_of(&request(), "SSH-2.0-OpenSSH").await.unwrap_err();
    assert!(error.to_string().contains("SSH-2.0"), "{error}");
    assert!(matches!(outcome_of(&request(), "HTTP/1.1 999999\r\n\r\n").await, Err(HandshakeError::NotHttp { .. })));
    let error = outcome_of(&request(), "HTTP/1.1 101 Swi").await.unwrap_err();
    assert!(matches!(error, HandshakeError::EndedEarly { ref received } if received == b"HTTP/1.1 101 Swi"));
    assert!(matches!(outcome_of(&request(), "").await, Err(HandshakeError::EndedEarly { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_headers_is_refused_with_431() {
    for flood in [
        format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(129)),
        "GET / HTTP/1.1\r\nA: ".to_owned() + &"b".repeat(70_000),
    ] {
        let (mut station, csms) = duplex(1 << 20);
        station.write_all(flood.as_bytes()).await.unwrap();
        let read = within(read_request(csms, &Limits::default())).await;
        assert!(matches!(read, Err(HandshakeError::HeadTooLarge { .. })));
        let mut answer = String::new();
        station.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_read_and_one_that_stops_is_the_callers_time_out() {
    let (mut station, csms) = duplex(64);
    let drip = async {
        for byte in GOOD.as_bytes() {
            station.write_all(&[*byte]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        station
    };
    let limits = Limits::default();
    let (station, incoming) = within(async { tokio::join!(drip, read_request(csms, &limits)) }).await;
    assert_eq!(incoming.unwrap().request.findings, []);
    drop(station);

    let (mut station, csms) = duplex(64);
    station.write_all(b"GET /").await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(30), read_request(csms, &Limits::default())).await;
    assert!(read.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_anything() {
    let (mut station, csms) = duplex(1 << 16);
    station.write_all(GOOD.as_bytes()).await.unwrap();
    let incoming = read_request(csms, &Limits::default()).await.unwrap();
    let mut draft = incoming.acceptance(Some("ocpp9.9"));
    draft.status = 200;
    let connection: Connection<_> = incoming.answer(&draft).await.unwrap();
    drop(connection);
    let mut answer = String::new();
    station.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 Switching Protocols\r\n"), "{answer}");
    assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") && answer.contains("ocpp9.9"), "{answer}");
}
