//! Bytes and handshakes (L0).
//!
//! Towards a CSMS we dial: the bytes before and of a handshake are ours. Towards a station we are the server: what is
//! odd there is the answer to its handshake.

use std::sync::OnceLock;

use protocol::generate::{one_in, pick};
use protocol::{Role, Version};

use super::{Maker, by_turns};
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

/// Lines of a request by their number, and what comes in their place.
const REPLACED: &[(usize, &str)] = &[
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

/// A thing that a handshake can be about.
#[derive(Clone, Debug)]
pub(super) enum Odd {
    /// What comes in its place.
    Stream(Text),
    /// How it is made.
    Manner(Manner),
}

#[cfg(test)]
impl Odd {
    /// As it is told apart from others.
    pub(super) fn shown(&self) -> String {
        match self {
            Odd::Stream(bytes) => bytes.shown(),
            Odd::Manner(manner) => format!("{:?}", Manner { unbooted: false, ..manner.clone() }),
        }
    }
}

/// The kinds of odd handshakes, as they stand in [`kinds`].
#[derive(Clone, Copy, Debug)]
enum Kind {
    Identity,
    Credentials,
    Beginning,
    Header,
    Head,
    Offer,
    LargeHead,
}

/// Everything odd about a handshake with a CSMS of this version, the kinds by turns.
pub(super) fn all(version: Version) -> &'static [Odd] {
    static ALL: [OnceLock<Vec<Odd>>; 3] = [const { OnceLock::new() }; 3];
    ALL[version as usize].get_or_init(|| by_turns(kinds(version).to_vec()))
}

fn kinds(version: Version) -> &'static [Vec<Odd>; 7] {
    static KINDS: [OnceLock<[Vec<Odd>; 7]>; 3] = [const { OnceLock::new() }; 3];
    let manners = |manners: Vec<Manner>| manners.into_iter().map(Odd::Manner).collect::<Vec<_>>();
    KINDS[version as usize].get_or_init(|| {
        let requests = heads(version).into_iter().map(|head| Manner { request: Some(head), ..Manner::default() });
        [
            manners(identities()),
            manners(credentials()),
            BEGINNINGS.iter().map(|bytes| Odd::Stream(Text::bytes(*bytes))).collect(),
            manners(headers()),
            manners(requests.collect()),
            manners(offers(version)),
            manners(large_heads()),
        ]
    })
}

fn offers(version: Version) -> Vec<Manner> {
    let own = version.subprotocol();
    let offers: [Vec<&str>; 8] = [
        vec!["ocpp0.0", own],
        vec![],
        vec!["ocpp1.5"],
        vec!["constructor", own],
        vec!["ocpp1.6", "ocpp2.0.1", "ocpp2.1", "ocpp1.6"],
        vec!["mqtt"],
        vec!["__proto__"],
        vec![own; 200],
    ];
    let manner = |offers: Vec<&str>| Manner {
        offers: Some(offers.into_iter().map(str::to_owned).collect()),
        ..Manner::default()
    };
    offers.into_iter().map(manner).collect()
}

fn headers() -> Vec<Manner> {
    let manner = |(name, value): &(&str, &str)| Manner {
        headers: vec![((*name).to_owned(), (*value).to_owned())],
        ..Manner::default()
    };
    HEADERS.iter().map(manner).collect()
}

fn large_heads() -> Vec<Manner> {
    let long = [1000, 4000, 8193, 16_385, 70_000].map(|size| vec![("X-Long".to_owned(), "x".repeat(size))]);
    let many = [20, 101, 500].map(|count| (0..count).map(|at| (format!("X-{at}"), at.to_string())).collect());
    long.into_iter().chain(many).map(|headers| Manner { headers, ..Manner::default() }).collect()
}

fn identities() -> Vec<Manner> {
    let long = [48, 49, 256, 8000].map(|length| "x".repeat(length));
    let all = long.into_iter().chain(IDENTITIES.iter().map(|identity| (*identity).to_owned()));
    all.map(|identity| Manner { identity: Some(identity), ..Manner::default() }).collect()
}

fn credentials() -> Vec<Manner> {
    let slips = [Slip::Case, Slip::Short, Slip::Empty, Slip::Long, Slip::First].map(Credentials::Near);
    let passwords = ["wrong", "", "constructor", ":", "é", "' OR ''='", "%00", "a:b:c"];
    let passwords = passwords.map(str::to_owned).into_iter().chain(["p".repeat(5000)]).map(Credentials::Password);
    let others = (0..3).map(Credentials::Of);
    let all = [Credentials::None].into_iter().chain(slips).chain(passwords).chain(others);
    all.map(|credentials| Manner { credentials: Some(credentials), ..Manner::default() }).collect()
}

/// Whole requests with one thing wrong each.
fn heads(version: Version) -> Vec<Text> {
    let subprotocol = version.subprotocol();
    let lines = vec![
        "GET /ocpp/plugfest HTTP/1.1".to_owned(),
        "Host: localhost".to_owned(),
        "Upgrade: websocket".to_owned(),
        "Connection: Upgrade".to_owned(),
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned(),
        "Sec-WebSocket-Version: 13".to_owned(),
        format!("Sec-WebSocket-Protocol: {subprotocol}"),
    ];
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        Text::from(format!("{}\r\n\r\n", lines.join("\r\n")))
    };
    let replaced = REPLACED.iter().map(|(at, line)| with(&|lines| lines[*at] = (*line).to_owned()));
    let lacking = (1..lines.len()).map(|at| with(&|lines| drop(lines.remove(at))));
    let doubled = (0..lines.len()).map(|at| with(&|lines| lines.insert(at, lines[at].clone())));
    let many = [100, 1000, 3000].map(|count| with(&|lines| lines.extend((0..count).map(|at| format!("X-{at}: {at}")))));
    let long = [3000, 30_000, 90_000].map(|size| with(&|lines| lines.push(format!("X-Long: {}", "x".repeat(size)))));
    replaced.chain(lacking).chain(doubled).chain(many).chain(long).collect()
}

impl Maker<'_, '_> {
    /// A handshake, or what comes in its place.
    pub(super) fn handshake_act(&mut self) -> Act {
        if self.view.device == Role::Station {
            return self.reception_act();
        }
        match self.choices.choose(10) {
            0..=2 => Act::Stream { bytes: self.beginning() },
            3 => match self.one_of(Kind::Head) {
                Some(Odd::Manner(Manner { request: Some(head), .. })) => Act::Stream { bytes: head },
                _ => self.plain_act(),
            },
            4 => self.guesses(),
            _ => {
                let kind = match self.choices.choose(12) {
                    0 | 1 => Kind::Offer,
                    2..=4 => Kind::Header,
                    5 | 6 => Kind::LargeHead,
                    7 | 8 => Kind::Identity,
                    9 | 10 => Kind::Credentials,
                    _ => Kind::Head,
                };
                match self.one_of(kind) {
                    Some(Odd::Manner(manner)) => {
                        let unbooted = one_in(4, self.choices);
                        self.dialled(Manner { unbooted, ..manner })
                    }
                    _ => self.plain_act(),
                }
            }
        }
    }

    fn one_of(&mut self, kind: Kind) -> Option<Odd> {
        pick(&kinds(self.view.version)[kind as usize], self.choices).cloned()
    }

    /// The odd handshake of this number, counted round.
    pub(super) fn odd_handshake(&mut self, number: usize) -> Act {
        let all = all(self.view.version);
        match all.get(number % all.len().max(1)) {
            Some(Odd::Manner(manner)) => self.dialled(manner.clone()),
            Some(Odd::Stream(bytes)) => Act::Stream { bytes: bytes.clone() },
            None => self.plain_act(),
        }
    }

    fn dialled(&mut self, manner: Manner) -> Act {
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
        match self.one_of(Kind::Beginning) {
            Some(Odd::Stream(bytes)) => bytes,
            _ => Text::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_odd_is_walked_through_by_turns() {
        for version in [Version::V16, Version::V201, Version::V21] {
            let all = all(version);
            let has = |wanted: &dyn Fn(&Manner) -> bool| {
                all.iter().any(|odd| matches!(odd, Odd::Manner(manner) if wanted(manner)))
            };
            assert!(has(&|manner| manner.identity.as_deref() == Some("%00")));
            assert!(has(&|manner| manner.credentials == Some(Credentials::Near(Slip::Case))));
            assert!(has(&|manner| manner.request.is_some()));
            let streams = all.iter().filter(|odd| matches!(odd, Odd::Stream(_))).count();
            assert_eq!(streams, BEGINNINGS.len());
        }
    }
}
