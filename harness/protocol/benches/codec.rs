//! How many messages a second are read, validated and written: `cargo bench -p plugfest-protocol`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use protocol::catalogue::{Catalogue, Sender};
use protocol::frame::{Frame, read};
use protocol::overlay::{self, Part};
use protocol::{Role, Version, generate, validate};
use serde_json::Value;

/// How long each figure is measured.
const EACH: Duration = Duration::from_millis(500);

fn main() {
    println!("{:<40} {:>9} {:>12} {:>9}", "message", "bytes", "messages/s", "MB/s");
    for (version, action) in [
        (Version::V16, "Heartbeat"),
        (Version::V16, "StatusNotification"),
        (Version::V16, "MeterValues"),
        (Version::V201, "TransactionEvent"),
        (Version::V21, "SetChargingProfile"),
    ] {
        let Some(message) = Catalogue::of(version).message(action) else { continue };
        let payload = generate::minimal(version, &message.request);
        let sender = if message.from == Sender::Csms { Role::Csms } else { Role::Station };
        let frame = Frame::Call { id: "4e5a7c3e-0001".to_owned(), action: action.to_owned(), payload };
        let text = frame.to_text();
        let name = format!("{version} {action}");
        measure(&format!("{name}: as JSON only"), &text, || {
            black_box(serde_json::from_str::<Value>(&text).is_ok());
        });
        measure(&format!("{name}: read"), &text, || {
            black_box(read(version, text.as_bytes()).is_flawed());
        });
        let payload = frame.payload().cloned().unwrap_or_default();
        measure(&format!("{name}: validate"), &text, || {
            black_box(validate::request_violations(version, action, &payload).len());
        });
        measure(&format!("{name}: rules"), &text, || {
            black_box(overlay::breaches(version, sender, action, Part::Request, &payload).len());
        });
        measure(&format!("{name}: write"), &text, || {
            black_box(frame.to_text().len());
        });
    }
}

fn measure(name: &str, text: &str, mut once: impl FnMut()) {
    let mut count = 0_u32;
    let began = Instant::now();
    while began.elapsed() < EACH {
        for _ in 0..100 {
            once();
        }
        count += 100;
    }
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    println!("{name:<40} {:>9} {rate:>12.0} {:>9.1}", text.len(), rate * text.len() as f64 / 1e6);
}
