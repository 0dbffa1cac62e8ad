//! Who may charge: local list, cache, the CSMS, and the rules for being offline (statements 16-AUTH).

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charge_point::{ChargePoint, Sent};
use super::connector::{Authorised, same_tag};
use crate::frames::members;

/// A question to the CSMS about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) tag: String,
    pub(super) connector: u32,
    pub(super) wish: Wish,
}

/// What the driver, or the operator for him, wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Start,
    Stop,
    Release,
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagInfo {
    pub(super) status: String,
    pub(super) parent: Option<String>,
    pub(super) expires: Option<Timestamp>,
}

impl TagInfo {
    /// Reads an idTagInfo; `None` if there is no status in it.
    pub(super) fn read(info: &Value) -> Option<TagInfo> {
        let info = info.as_object()?;
        let text = |name: &str| info.get(name).and_then(Value::as_str);
        Some(TagInfo {
            status: text("status")?.to_owned(),
            parent: text("parentIdTag").map(str::to_owned),
            expires: text("expiryDate").and_then(Timestamp::parse),
        })
    }

    /// Accepted, and not expired since (16-AUTH-10).
    pub(super) fn is_valid(&self, now: Timestamp) -> bool {
        self.status == "Accepted" && self.expires.is_none_or(|end| now < end)
    }
}

/// The authorisation cache: tokens as the CSMS last judged them, oldest first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: Vec<(String, TagInfo)>,
}

/// How many tokens the cache holds.
const CACHE_CAPACITY: usize = 100;

impl Cache {
    pub(super) fn find(&self, tag: &str) -> Option<&TagInfo> {
        self.entries.iter().find(|(known, _)| same_tag(known, tag)).map(|(_, info)| info)
    }

    fn put(&mut self, tag: &str, info: TagInfo, now: Timestamp) {
        self.entries.retain(|(known, _)| !same_tag(known, tag));
        if self.entries.len() >= CACHE_CAPACITY {
            // Invalid entries go first, then the oldest (16-AUTH-11).
            let at = self.entries.iter().position(|(_, info)| !info.is_valid(now)).unwrap_or(0);
            self.entries.remove(at);
        }
        self.entries.push((tag.to_owned(), info));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// What can be said about a token without asking.
enum Known {
    Valid(TagInfo),
    Refused,
    Unknown,
}

impl ChargePoint {
    /// Finds out whether the wish is granted: at once where that is allowed, otherwise by asking the CSMS.
    pub(super) fn authorise(&mut self, asked: Asked) {
        if asked.wish == Wish::Start && self.faults.hits("station-starts-without-asking") {
            self.granted(&asked, None);
            return;
        }
        if !self.can_ask() {
            self.authorise_offline(&asked);
            return;
        }
        if self.storage.configuration.is_true("LocalPreAuthorize")
            && let Known::Valid(info) = self.look_up(&asked.tag)
        {
            self.granted(&asked, info.parent);
            return;
        }
        let waiting = |other: &Asked| *other == asked;
        let queued = self.outbox.iter().any(|m| matches!(&m.purpose, Sent::Authorize(other) if waiting(other)))
            || self.exchange.purposes().any(|p| matches!(p, Sent::Authorize(other) if waiting(other)));
        if !queued {
            let payload = json!({ "idTag": asked.tag });
            self.post("Authorize", payload, Sent::Authorize(asked), false);
        }
    }

    pub(super) fn authorize_answered(&mut self, asked: &Asked, answer: &Value) {
        let info = members(answer).get("idTagInfo").and_then(TagInfo::read);
        let Some(info) = info else {
            return;
        };
        if !self.faults.hits("station-caches-no-answers-to-authorize") {
            self.learn(&asked.tag, &info);
        }
        let accepted =
            info.status == "Accepted" || (info.status == "Blocked" && self.faults.hits("station-charges-blocked-tag"));
        if accepted {
            self.granted(asked, info.parent);
        }
    }

    /// The CSMS cannot be asked, or did not answer (16-AUTH-16, 16-AUTH-17).
    pub(super) fn authorise_offline(&mut self, asked: &Asked) {
        if !self.is_powered() {
            return;
        }
        let local = self.storage.configuration.is_true("LocalAuthorizeOffline");
        let unknown_allowed = self.storage.configuration.is_true("AllowOfflineTxForUnknownId");
        let known = self.look_up(&asked.tag);
        let is_listed = self.listed(&asked.tag).is_some();
        match known {
            Known::Valid(info) if local => self.granted(asked, info.parent),
            Known::Refused
                if is_listed && unknown_allowed && self.faults.hits("station-overlooks-its-list-offline")
                    || self.faults.hits("station-charges-refused-tokens-offline") =>
            {
                self.granted(asked, None);
            }
            Known::Unknown if unknown_allowed && asked.wish == Wish::Start => {
                self.granted(asked, None);
            }
            _ => {}
        }
    }

    /// Keeps what the CSMS says about a token (16-AUTH-09, 16-AUTH-15, 16-AUTH-22).
    pub(super) fn learn(&mut self, tag: &str, info: &TagInfo) {
        if let Some(listed) = self.listed(tag) {
            // ConcurrentTx speaks of the moment, not of the token.
            if listed.status != info.status && info.status != "ConcurrentTx" {
                self.tell_list_conflict();
            }
            return;
        }
        if self.settings.authorization_cache && self.storage.configuration.is_true("AuthorizationCacheEnabled") {
            let mut info = info.clone();
            if info.expires.is_some() && self.faults.hits("station-caches-for-ever") {
                info.expires = None;
            }
            self.storage.cache.put(tag, info, self.now);
        }
    }

    /// Whether the token's parent, as far as it is known locally, is this one.
    pub(super) fn local_parent_is(&self, tag: &str, parent: &str) -> bool {
        matches!(self.look_up(tag), Known::Valid(TagInfo { parent: Some(own), .. }) if same_tag(&own, parent))
    }

    /// The link is open, the station accepted.
    pub(super) fn can_ask(&self) -> bool {
        self.is_online() && self.is_accepted()
    }

    fn look_up(&self, tag: &str) -> Known {
        let clock = self.clock();
        // The list wins over the cache (16-AUTH-15).
        let known = self.listed(tag).or_else(|| {
            let usable =
                self.settings.authorization_cache && self.storage.configuration.is_true("AuthorizationCacheEnabled");
            usable.then(|| self.storage.cache.find(tag)).flatten()
        });
        match known {
            Some(info) if info.is_valid(clock) => Known::Valid(info.clone()),
            Some(_) => Known::Refused,
            None => Known::Unknown,
        }
    }

    fn listed(&self, tag: &str) -> Option<&TagInfo> {
        let usable = self.settings.local_list && self.storage.configuration.is_true("LocalAuthListEnabled");
        usable.then(|| self.storage.list.find(tag)).flatten()
    }

    fn granted(&mut self, asked: &Asked, parent: Option<String>) {
        let driver = Authorised { tag: asked.tag.clone(), parent };
        match asked.wish {
            Wish::Start => self.let_in(asked.connector, driver),
            Wish::Stop => self.stop_for(asked.connector, &driver),
            Wish::Release => self.release_for(asked.connector, &driver),
        }
    }
}
