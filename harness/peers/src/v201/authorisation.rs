//! Who may charge: the cache, the CSMS, and the rules for being offline (use cases C01 to C15).

use std::time::Duration;

use protocol::Timestamp;
use serde_json::{Value, json};

use super::charging_station::{ChargingStation, Sent};
use super::evse::{Authorised, Evse};
use super::transaction::Cause;
use crate::frames::members;

/// A token. Two are equal if text and type are; the text is compared without case (C01.FR.25).
#[derive(Clone, Debug, Eq)]
pub(super) struct Token {
    id: String,
    kind: String,
}

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        self.kind == other.kind && self.id.to_lowercase() == other.id.to_lowercase()
    }
}

impl Token {
    pub(super) fn new(id: &str, kind: &str) -> Token {
        Token { id: id.to_owned(), kind: kind.to_owned() }
    }

    /// Reads an IdTokenType.
    pub(super) fn read(token: &Value) -> Option<Token> {
        Some(Token::new(token["idToken"].as_str()?, token["type"].as_str()?))
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "idToken": self.id, "type": self.kind })
    }

    /// Nobody is asked about these: the start button, and what the CSMS has made up itself (C02, C05).
    pub(super) fn needs_no_question(&self) -> bool {
        matches!(self.kind.as_str(), "NoAuthorization" | "Central")
    }
}

/// A question to the CSMS about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) token: Token,
    pub(super) evse: u32,
    pub(super) wish: Wish,
    /// The number of the remote start that asks.
    pub(super) remote_start: Option<i64>,
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
pub(super) struct TokenInfo {
    pub(super) status: String,
    pub(super) group: Option<Token>,
    expires: Option<Timestamp>,
    /// The EVSEs where it is good; empty for all (C01.FR.19, C01.FR.20).
    evses: Vec<u64>,
}

impl TokenInfo {
    /// Reads an IdTokenInfoType; `None` if there is no status in it.
    pub(super) fn read(info: &Value) -> Option<TokenInfo> {
        let evses = info["evseId"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        Some(TokenInfo {
            status: info["status"].as_str()?.to_owned(),
            group: Token::read(&info["groupIdToken"]),
            expires: info["cacheExpiryDateTime"].as_str().and_then(Timestamp::parse),
            evses,
        })
    }

    /// Whether it lets somebody charge at an EVSE (C01.FR.21).
    fn is_good_at(&self, evse: u32) -> bool {
        self.status == "Accepted" && (self.evses.is_empty() || self.evses.contains(&u64::from(evse)))
    }
}

/// The authorisation cache: tokens as the CSMS last judged them and until when that counts, oldest first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: Vec<(Token, TokenInfo, Timestamp)>,
}

/// How many tokens the cache holds.
const CACHE_CAPACITY: usize = 100;

impl Cache {
    fn find(&self, token: &Token, now: Timestamp) -> Option<&TokenInfo> {
        self.entries.iter().find(|(known, _, until)| known == token && now < *until).map(|(_, info, _)| info)
    }

    fn put(&mut self, token: &Token, info: TokenInfo, until: Timestamp) {
        self.entries.retain(|(known, ..)| known != token);
        if self.entries.len() >= CACHE_CAPACITY {
            // C10.FR.07
            self.entries.remove(0);
        }
        self.entries.push((token.clone(), info, until));
    }
}

impl ChargingStation {
    /// Finds out whether the wish is granted: at once where that is allowed, otherwise by asking the CSMS.
    pub(super) fn authorise(&mut self, asked: Asked) {
        if asked.token.needs_no_question() {
            self.granted(&asked, None);
            return;
        }
        if !self.can_ask() {
            self.authorise_offline(&asked);
            return;
        }
        // C12.FR.02
        let known = self.cached(&asked.token).filter(|info| info.is_good_at(asked.evse)).cloned();
        if let Some(info) = known.filter(|_| self.storage.model.is_true("AuthCtrlr", "LocalPreAuthorize")) {
            self.granted(&asked, info.group);
            return;
        }
        let same = |sent: &Sent| matches!(sent, Sent::Authorize(other) if *other == asked);
        let queued = self.outbox.iter().any(|message| same(&message.purpose)) || self.exchange.purposes().any(same);
        if !queued {
            let payload = json!({ "idToken": asked.token.to_json() });
            self.post("Authorize", payload, Sent::Authorize(asked), false);
        }
    }

    pub(super) fn authorize_answered(&mut self, asked: &Asked, answer: &Value) {
        let Some(info) = members(answer).get("idTokenInfo").and_then(TokenInfo::read) else {
            return;
        };
        self.learn(&asked.token, &info);
        let blocked = info.status == "Blocked" && self.faults.hits("station-charges-blocked-tokens");
        if info.is_good_at(asked.evse) || blocked {
            self.granted(asked, info.group);
        }
    }

    /// The CSMS cannot be asked, or did not answer (C13, C15).
    pub(super) fn authorise_offline(&mut self, asked: &Asked) {
        if !self.is_powered() {
            return;
        }
        let local = self.storage.model.is_true("AuthCtrlr", "LocalAuthorizeOffline");
        let unknown_allowed = self.storage.model.is_true("AuthCtrlr", "OfflineTxForUnknownIdEnabled");
        match self.cached(&asked.token).cloned() {
            Some(info) if local && info.is_good_at(asked.evse) => self.granted(asked, info.group),
            None if unknown_allowed && asked.wish == Wish::Start => self.granted(asked, None),
            _ => {}
        }
    }

    /// Keeps what the CSMS says about a token, whatever it says (C10.FR.01, C10.FR.04).
    pub(super) fn learn(&mut self, token: &Token, info: &TokenInfo) {
        if !self.has_cache() || token.needs_no_question() {
            return;
        }
        let clock = self.clock();
        let lifetime: Duration = self.storage.model.seconds("AuthCacheCtrlr", "LifeTime");
        // C10.FR.08, C10.FR.13
        let until = info.expires.unwrap_or(clock + lifetime);
        self.storage.cache.put(token, info.clone(), until);
    }

    pub(super) fn clear_cache(&mut self) -> Value {
        // C11.FR.03, C11.FR.04
        if !self.has_cache() {
            return json!({ "status": "Rejected" });
        }
        if !self.faults.hits("station-keeps-cache-when-cleared") {
            self.storage.cache.entries.clear();
        }
        json!({ "status": "Accepted" })
    }

    /// A token is shown at an EVSE.
    pub(super) fn token_presented(&mut self, id: u32, token: &Token) {
        let Some(evse) = self.evse(id) else {
            return;
        };
        let ask = |wish| Asked { token: token.clone(), evse: id, wish, remote_start: None };
        let group = self.cached(token).filter(|info| info.is_good_at(id)).and_then(|info| info.group.clone());
        if let Some(driver) = &evse.authorised {
            // C01.FR.03: no question for the same token, nor for a known one of the same group.
            if driver.agrees_with(token, group.as_ref()) {
                self.stop_for(id, token);
            } else {
                self.authorise(ask(Wish::Stop));
            }
            return;
        }
        if let Some(owner) = &evse.held_for {
            if owner.agrees_with(token, group.as_ref()) {
                self.release(id);
            } else {
                self.authorise(ask(Wish::Release));
            }
            return;
        }
        // A transaction that lost its authorisation is nobody else's (C01.FR.23).
        let strange = evse.transaction.as_ref().is_some_and(|transaction| transaction.belongs_to_other(token));
        if !strange && self.may_start(id) {
            self.authorise(ask(Wish::Start));
        }
    }

    fn granted(&mut self, asked: &Asked, group: Option<Token>) {
        let agrees = |driver: &Authorised| driver.agrees_with(&asked.token, group.as_ref());
        match asked.wish {
            Wish::Start => self.let_in(asked.evse, &asked.token, group, asked.remote_start),
            Wish::Stop => {
                if self.evse(asked.evse).and_then(|evse| evse.authorised.as_ref()).is_some_and(agrees) {
                    self.stop_for(asked.evse, &asked.token);
                }
            }
            Wish::Release => {
                if self.evse(asked.evse).and_then(|evse| evse.held_for.as_ref()).is_some_and(agrees) {
                    self.release(asked.evse);
                }
            }
        }
    }

    /// A wish of which nobody is to be asked (F01.FR.02).
    pub(super) fn grant(&mut self, asked: &Asked) {
        self.granted(asked, None);
    }

    /// A driver may charge at this EVSE.
    fn let_in(&mut self, id: u32, token: &Token, group: Option<Token>, remote_start: Option<i64>) {
        if !self.may_start(id) {
            return;
        }
        let now = self.now;
        if let Some(evse) = self.evse_mut(id) {
            let waiting_since = (!evse.ev_connected()).then_some(now);
            evse.authorised = Some(Authorised { token: token.clone(), group, waiting_since });
            evse.held_for = None;
            evse.untold.token = Some(token.clone());
            evse.untold.remote_start = remote_start.or(evse.untold.remote_start);
        }
        self.happened(id, Cause::new("Authorized"));
    }

    /// The driver ends his session (E07).
    fn stop_for(&mut self, id: u32, token: &Token) {
        self.deauthorise(id, Cause::new("StopAuthorized").stopped("Local").by(token.clone()));
    }

    /// The owner frees a cable that was held for him.
    fn release(&mut self, id: u32) {
        if let Some(evse) = self.evse_mut(id) {
            evse.held_for = None;
            evse.locked = false;
        }
    }

    /// When the wait of a driver for his EV ends (C01.FR.26, E03.FR.05, E10.FR.02).
    pub(super) fn connection_timeout_of(&self, evse: &Evse) -> Option<Timestamp> {
        let since = evse.authorised.as_ref()?.waiting_since?;
        Some(since + self.storage.model.seconds("TxCtrlr", "EVConnectionTimeOut"))
    }

    pub(super) fn pass_connection_timeouts(&mut self) {
        for id in self.ids() {
            let due = self.evse(id).and_then(|evse| self.connection_timeout_of(evse));
            if due.is_none_or(|due| due > self.now) {
                continue;
            }
            if !self.faults.hits("station-ignores-ev-connection-time-out") {
                self.deauthorise(id, Cause::new("EVConnectTimeout").stopped("Timeout").ends());
            } else if let Some(driver) = self.evse_mut(id).and_then(|evse| evse.authorised.as_mut()) {
                driver.waiting_since = None;
            }
        }
    }

    fn cached(&self, token: &Token) -> Option<&TokenInfo> {
        self.storage.cache.find(token, self.clock()).filter(|_| self.has_cache())
    }

    fn has_cache(&self) -> bool {
        self.settings.authorization_cache && self.storage.model.is_true("AuthCacheCtrlr", "Enabled")
    }
}
