//! What the targets call, one function each: whoever reads bytes of a device, a file or a flag must come to an end
//! with a value or an error, and whoever answers messages must go on answering.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use link::frame::Decoder;
use link::handshake::{ClientRequest, read_answer, read_request};
use link::{Connection, EventKind, Limits, Side};
use protocol::{Version, validate};
use script::Library;
use streams::in_process::{fuzz_device, reference};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;
use verdict::Source;

/// A target: it panics if something is wrong.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("json", json),
    ("frame", frame),
    ("payload", payload),
    ("websocket", websocket),
    ("handshake_answer", handshake_answer),
    ("handshake_request", handshake_request),
    ("url", url),
    ("case_file", case_file),
    ("rig_file", rig_file),
    ("trace", trace),
    ("judge", judge),
    ("station_16", station_16),
    ("station_201", station_201),
    ("csms_16", csms_16),
    ("csms_201", csms_201),
];

/// Lossless JSON: what is accepted is written and read back as the same value.
pub fn json(data: &[u8]) {
    let read = |bytes: &[u8]| protocol::json::parse(bytes, protocol::json::Limits::default());
    let parsed = read(data);
    if let (Some(value), true) = (&parsed.value, parsed.findings.is_empty()) {
        assert_eq!(read(value.to_string().as_bytes()).value.as_ref(), Some(value));
    }
}

/// A message of every version.
pub fn frame(data: &[u8]) {
    for version in Version::ALL {
        let reading = protocol::frame::read(version, data);
        if let Some(frame) = &reading.frame {
            let again = protocol::frame::read(version, frame.to_text().as_bytes());
            assert_eq!(again.frame.as_ref(), Some(frame));
        }
    }
}

/// The payload of a call, held against the catalogue.
pub fn payload(data: &[u8]) {
    for version in Version::ALL {
        let reading = protocol::frame::read(version, data);
        if let Some(frame) = &reading.frame
            && let (Some(action), Some(payload)) = (frame.action(), frame.payload())
        {
            validate::request_violations(version, action, payload);
            validate::response_violations(version, action, payload);
        }
    }
}

/// WebSocket frames and the messages in them, however the bytes arrive.
pub fn websocket(data: &[u8]) {
    for side in [Side::Client, Side::Server] {
        let mut decoder = Decoder::new(side, 1 << 16);
        for piece in data.chunks(7) {
            decoder.push(piece);
            while decoder.step().is_some() {}
        }
        RUNTIME.with(|runtime| runtime.block_on(listen(Connection::new(Bytes(data), side, &limits()))));
    }
}

/// What a server answers to an upgrade request, and what comes behind it.
pub fn handshake_answer(data: &[u8]) {
    let mut request = ClientRequest::new("localhost", "/PF-STATION-1").offering(&["ocpp2.0.1", "ocpp1.6"]);
    // The key of the example in RFC 6455, so that a correct answer can be found.
    request.key = Some("dGhlIHNhbXBsZSBub25jZQ==".to_owned());
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            if let Ok(outcome) = read_answer(Bytes(data), &request, &limits()).await {
                let _ = outcome.answer.is_usable();
                if let Some(connection) = outcome.connection {
                    listen(connection).await;
                }
            }
        });
    });
}

/// An upgrade request of a client, and what comes behind it.
pub fn handshake_request(data: &[u8]) {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let Ok(incoming) = read_request(Bytes(data), &limits()).await else { return };
            let draft = incoming.acceptance(Some("ocpp1.6"));
            if let Ok(connection) = incoming.answer(&draft).await {
                listen(connection).await;
            }
        });
    });
}

/// A URL of a CSMS.
pub fn url(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(url) = link::Url::parse(text)
    {
        let _ = url.with_identity(text);
    }
}

/// A case file: read, checked beside the catalogue, and formatted; what is formatted stays as it is.
pub fn case_file(data: &[u8]) {
    let Some(source) = source(data) else { return };
    if let Ok(document) = script::read(&source) {
        let _ = script::check_document(&LIBRARY, &document);
    }
    if let Ok(text) = script::format(&source) {
        let again = Arc::new(Source { path: source.path.clone(), text: text.clone() });
        assert_eq!(script::format(&again).ok(), Some(text));
    }
}

/// A rig file.
pub fn rig_file(data: &[u8]) {
    let Some(source) = source(data) else { return };
    if let Ok(rig) = engine::rig::Rig::read(&source, &|_| None) {
        let _ = rig.problems();
    }
}

/// A trace: what is read is written and read back as the same.
pub fn trace(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(events) = verdict::trace::read(text.lines()) {
        let header = verdict::trace::header("0.0.0");
        let lines = std::iter::once(header).chain(events.iter().map(verdict::trace::line));
        assert_eq!(verdict::trace::read(lines).ok(), Some(events));
    }
}

/// A recorded run, judged again.
pub fn judge(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (events, _) = verdict::trace::read_as_far_as_possible(text.lines());
    let _ = engine::judge::judge(&LIBRARY, &events);
}

/// The reference station of 1.6, in a conversation ([`streams::in_process`]).
pub fn station_16(data: &[u8]) {
    fuzz_device::<reference::Station16>(data);
}

/// The reference station of 2.0.1, in a conversation.
pub fn station_201(data: &[u8]) {
    fuzz_device::<reference::Station201>(data);
}

/// The reference CSMS of 1.6, in a conversation.
pub fn csms_16(data: &[u8]) {
    fuzz_device::<reference::Csms16>(data);
}

/// The reference CSMS of 2.0.1, in a conversation.
pub fn csms_201(data: &[u8]) {
    fuzz_device::<reference::Csms201>(data);
}

fn source(data: &[u8]) -> Option<Arc<Source>> {
    let text = std::str::from_utf8(data).ok()?.to_owned();
    Some(Arc::new(Source { path: "fuzz.yaml".to_owned(), text }))
}

/// The embedded cases, read once.
static LIBRARY: LazyLock<Library> = LazyLock::new(|| Library::load(testcases::sources()).0);

thread_local! {
    /// One runtime for every input; its clock stands still unless somebody waits.
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads and sockets needs nothing of the system");
}

fn limits() -> Limits {
    Limits { message: 1 << 16, ..Limits::default() }
}

/// Reads a link to its end.
async fn listen(mut connection: Connection<Bytes<'_>>) {
    while !matches!(connection.next().await.kind, EventKind::Ended(_)) {}
}

/// A peer that says these bytes and hangs up, whatever it hears.
struct Bytes<'a>(&'a [u8]);

impl AsyncRead for Bytes<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.0.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bytes<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
