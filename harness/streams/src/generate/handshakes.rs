//! Bytes and handshakes (L0).
//!
//! Towards a CSMS we dial: the bytes before and of a handshake are ours. Towards a station we are the server: what is
//! odd there is the answer to its handshake.

use protocol::Role;
use protocol::generate::{one_in, pick};

use super::Maker;
use crate::Act;
use crate::act::{Credentials, Manner, Reception, Slip, Text};

/// The first bytes of other protocols, and of ours in disorder.
const BEGINNINGS: &[&[u8]] = &[
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n",
    b"\r\n\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x00",
    b"\xFF\xFF\xFF\xFF",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-x\r\n",
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET\r\n\r\n",
    b"get / http/1.1\r\n\r\n",
    b"GET  /  HTTP/1.1\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/1.1\r\n Folded: x\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET http://localhost/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"[2,\"1\",\"Heartbeat\",{}]",
    b"\x81\x17[2,\"1\",\"Heartbeat\",{}]",
    b"{}",
    b"",
];

/// Header fields that have tripped servers.
const HEADERS: &[(&str, &str)] = &[
    ("Sec-WebSocket-Extensions", "constructor"),
    ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ("Sec-WebSocket-Extensions", "__proto__; x=1"),
    ("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=99"),
    ("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=\"8\\\""),
    ("Sec-WebSocket-Extensions", "x; y=\"z"),
    ("Sec-WebSocket-Extensions", ",,,;;;"),
    ("Sec-WebSocket-Version", "12"),
    ("Sec-WebSocket-Key", "x"),
    ("Sec-WebSocket-Protocol", "constructor"),
    ("Origin", "null"),
    ("Origin", "http://example.invalid"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Proto", "https"),
    ("Content-Length", "5"),
    ("Content-Length", "-1"),
    ("Transfer-Encoding", "chunked"),
    ("Expect", "100-continue"),
    ("Cookie", "a=b; __proto__=c"),
    ("Host", ""),
    ("Authorization", "Bearer x"),
    ("Authorization", "Basic"),
    ("Authorization", "Basic ="),
    ("Authorization", "Basic OjpcOg=="),
    ("Authorization", "Basic \u{e9}"),
    ("X-Empty", ""),
];

/// Identities, percent-encoded.
const IDENTITIES: &[&str] = &[
    "unknown",
    "constructor",
    "__proto__",
    "toString",
    "%00",
    "a%00b",
    "%2e%2e%2f%2e%2e%2fetc",
    "..",
    ".",
    "",
    "%",
    "%zz",
    "%C3%A9",
    "%FF",
    "a%20b",
    "a/b",
    "a%2Fb",
    "a%0d%0aX-Injected:%201",
    "a?b=c",
    "a%3Fb",
    "%23",
    "%24%7Bjndi%3Aldap%3A%7D",
    "%27%20OR%20%27%27%3D%27",
    "%25s%25n",
    "%F0%9F%94%8C",
    "CS001%20",
    "cs001",
    "null",
    "undefined",
    "-1",
    "*",
    ":",
];

impl Maker<'_, '_> {
    /// A handshake, or what comes in its place.
    pub(super) fn handshake_act(&mut self) -> Act {
        if self.view.device == Role::Station {
            return self.reception_act();
        }
        match self.choices.choose(10) {
            0..=2 => Act::Stream { bytes: self.beginning() },
            3 => Act::Stream { bytes: self.head() },
            4 => self.guesses(),
            _ => {
                let manner = self.manner();
                // A number that is not in use, so that the others go on.
                let link = 10 + self.choices.choose(4) as usize;
                let identity = self.choices.choose(self.view.identities as u64) as usize;
                if one_in(2, self.choices) {
                    let text = self.legal_text();
                    self.memory.queue.push_back(Act::Send { link, text });
                }
                self.memory.queue.push_back(Act::Cut { link });
                Act::Connect { link, identity, manner }
            }
        }
    }

    /// A station is not let in, or not as it asked. How long it waits before it comes again is its own choice: where
    /// time is real, mostly a legal message instead.
    fn reception_act(&mut self) -> Act {
        let is_real = self.view.longest_pass_ms == 0;
        if !one_in(if is_real { 16 } else { 2 }, self.choices) {
            return self.legal_act();
        }
        let reception = match self.choices.choose(4) {
            0 => Reception::Misname(None),
            1 => {
                let names = ["ocpp9.9", "constructor", "ocpp1.5", "", "mqtt"];
                Reception::Misname(pick(&names, self.choices).map(|name| (*name).to_owned()))
            }
            2 => Reception::HangUp,
            _ => {
                // None of them speaks of the version: who has two might come with the other.
                let statuses = [503, 404, 500, 401, 502, 429];
                Reception::Refuse(pick(&statuses, self.choices).copied().unwrap_or(503))
            }
        };
        Act::Receive { reception, times: 1 + self.choices.choose(if is_real { 2 } else { 4 }) as u32 }
    }

    /// Somebody tries passwords.
    fn guesses(&mut self) -> Act {
        let link = 10;
        let count = pick(&[3, 10, 30], self.choices).copied().unwrap_or(3);
        for at in 0..count {
            let credentials = Some(Credentials::Password(format!("guess-{at}")));
            let manner = Manner { unbooted: true, credentials, ..Manner::default() };
            self.memory.queue.push_back(Act::Connect { link, identity: 0, manner });
            self.memory.queue.push_back(Act::Cut { link });
        }
        self.memory.queue.pop_front().unwrap_or(Act::Pass { ms: 0 })
    }

    fn beginning(&mut self) -> Text {
        if one_in(6, self.choices) {
            let length = pick(&[16, 100, 1000, 10_000], self.choices).copied().unwrap_or(16);
            // One choice is stretched: garbage need not be as random as all that.
            let mut word = self.choices.choose(u64::from(u32::MAX)).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                word ^= word << 13;
                word ^= word >> 7;
                word ^= word << 17;
                word as u8
            })
            .take(length)
            .collect();
            return Text::bytes(bytes);
        }
        Text::bytes(pick(BEGINNINGS, self.choices).copied().unwrap_or(b""))
    }

    /// A whole request with one thing wrong.
    fn head(&mut self) -> Text {
        let subprotocol = self.view.version.subprotocol();
        let mut lines = vec![
            "GET /ocpp/plugfest HTTP/1.1".to_owned(),
            "Host: localhost".to_owned(),
            "Upgrade: websocket".to_owned(),
            "Connection: Upgrade".to_owned(),
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
            "Sec-WebSocket-Version: 13".to_owned(),
            format!("Sec-WebSocket-Protocol: {subprotocol}"),
        ];
        let replaced = [
            (0, "POST /ocpp/plugfest HTTP/1.1"),
            (0, "GET /ocpp/plugfest HTTP/1.0"),
            (0, "DELETE /ocpp/plugfest HTTP/1.1"),
            (0, "GET /../../ocpp HTTP/1.1"),
            (2, "Upgrade: h2c"),
            (2, "Upgrade: websocket, constructor"),
            (3, "Connection: close"),
            (3, "Connection: keep-alive, Upgrade"),
            (4, "Sec-WebSocket-Key: "),
            (4, "Sec-WebSocket-Key: dGhl"),
            (4, "Sec-WebSocket-Key: ====================="),
            (5, "Sec-WebSocket-Version: 12"),
            (5, "Sec-WebSocket-Version: 99999999999999999999"),
            (5, "Sec-WebSocket-Version: 13, 8"),
            (6, "Sec-WebSocket-Protocol: ,,,"),
            (6, "Sec-WebSocket-Protocol: constructor"),
        ];
        match self.choices.choose(5) {
            0 | 1 => {
                if let Some((at, line)) = pick(&replaced, self.choices) {
                    lines[*at] = (*line).to_owned();
                }
            }
            2 => {
                // Without one of its lines.
                let at = 1 + self.choices.choose(lines.len() as u64 - 1) as usize;
                lines.remove(at);
            }
            3 => {
                // With one of them twice.
                let at = self.choices.choose(lines.len() as u64) as usize;
                lines.insert(at, lines[at].clone());
            }
            _ => {
                let count = pick(&[100, 1000, 3000], self.choices).copied().unwrap_or(100);
                if one_in(2, self.choices) {
                    lines.extend((0..count).map(|at| format!("X-{at}: {at}")));
                } else {
                    lines.push(format!("X-Long: {}", "x".repeat(count * 30)));
                }
            }
        }
        Text::from(format!("{}\r\n\r\n", lines.join("\r\n")))
    }

    fn manner(&mut self) -> Manner {
        let mut manner = Manner { unbooted: one_in(4, self.choices), ..Manner::default() };
        match self.choices.choose(12) {
            0 | 1 => {
                let own = self.view.version.subprotocol();
                let offers: Vec<&str> = match self.choices.choose(8) {
                    0 => vec!["ocpp0.0", own],
                    1 => vec![],
                    2 => vec!["ocpp1.5"],
                    3 => vec!["constructor", own],
                    4 => vec!["ocpp1.6", "ocpp2.0.1", "ocpp2.1", "ocpp1.6"],
                    5 => vec!["mqtt"],
                    6 => vec!["__proto__"],
                    _ => vec![own; 200],
                };
                manner.offers = Some(offers.into_iter().map(str::to_owned).collect());
            }
            2..=4 => {
                let header = pick(HEADERS, self.choices).copied().unwrap_or(("X-Empty", ""));
                manner.headers.push((header.0.to_owned(), header.1.to_owned()));
            }
            5 => manner.headers.push(("X-Long".to_owned(), "x".repeat(self.head_size()))),
            6 => {
                let count = pick(&[20, 101, 500], self.choices).copied().unwrap_or(20);
                manner.headers.extend((0..count).map(|at| (format!("X-{at}"), at.to_string())));
            }
            7 | 8 => {
                let identity = match self.choices.choose(8) {
                    0 => "x".repeat(48),
                    1 => "x".repeat(49),
                    2 => "x".repeat(256),
                    3 => "x".repeat(8000),
                    _ => pick(IDENTITIES, self.choices).map_or_else(String::new, |identity| (*identity).to_owned()),
                };
                manner.identity = Some(identity);
            }
            9 if one_in(2, self.choices) => manner.credentials = Some(Credentials::None),
            9 => manner.credentials = Some(Credentials::Of(self.choices.choose(3) as usize)),
            10 if one_in(2, self.choices) => {
                let slips = [Slip::Case, Slip::Short, Slip::Empty, Slip::Long, Slip::First];
                manner.credentials = pick(&slips, self.choices).copied().map(Credentials::Near);
            }
            10 => {
                let passwords = ["wrong", "", "constructor", ":", "é", "' OR ''='", "%00", "a:b:c"];
                let password = pick(&passwords, self.choices).copied().unwrap_or("wrong");
                let password = if one_in(6, self.choices) { "p".repeat(5000) } else { password.to_owned() };
                manner.credentials = Some(Credentials::Password(password));
            }
            _ => manner.request = Some(self.head()),
        }
        manner
    }

    fn head_size(&mut self) -> usize {
        pick(&[1000, 4000, 8193, 16_385, 70_000], self.choices).copied().unwrap_or(1000)
    }
}
