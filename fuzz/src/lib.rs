//! What the targets call, one function each: whoever reads bytes of a device, a file or a flag must come to an end
//! with a value or an error.

use std::sync::Arc;

use link::Side;
use link::frame::Decoder;
use protocol::{Version, validate};
use verdict::Source;

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

/// WebSocket frames, however the bytes arrive.
pub fn websocket(data: &[u8]) {
    for side in [Side::Client, Side::Server] {
        let mut decoder = Decoder::new(side, 1 << 16);
        for piece in data.chunks(7) {
            decoder.push(piece);
            while decoder.step().is_some() {}
        }
    }
}

/// A URL of a CSMS.
pub fn url(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(url) = link::Url::parse(text)
    {
        let _ = url.with_identity(text);
    }
}

/// A case file: read, checked against nothing else, and formatted; what is formatted stays as it is.
pub fn case_file(data: &[u8]) {
    let Some(source) = source(data) else { return };
    let _ = script::read(&source);
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

/// A trace.
pub fn trace(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = verdict::trace::read(text.lines());
}

fn source(data: &[u8]) -> Option<Arc<Source>> {
    let text = std::str::from_utf8(data).ok()?.to_owned();
    Some(Arc::new(Source { path: "fuzz.yaml".to_owned(), text }))
}
