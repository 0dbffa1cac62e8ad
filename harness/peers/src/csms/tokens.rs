//! Tokens: what the CSMS thinks of them.

use serde_json::{Value, json};

use super::Csms;
use crate::Token;

impl Csms {
    /// The token with this text, compared without case (16-AUTH-07).
    pub(super) fn token(&mut self, id: &str) -> Option<Token> {
        let exact = self.tokens.iter().find(|token| token.id == id).cloned();
        if exact.is_some() {
            return exact;
        }
        if id.contains(['%', '*']) && self.faults.hits("csms-takes-tags-for-patterns") {
            return self.tokens.iter().find(|token| token.status == "Accepted").cloned();
        }
        let lower = id.to_lowercase();
        let begins = self.tokens.iter().find(|token| lower.starts_with(&token.id.to_lowercase())).cloned();
        if let Some(begins) = begins.filter(|token| token.id.len() < id.len())
            && self.faults.hits("csms-knows-tags-by-their-beginning")
        {
            return Some(begins);
        }
        let found = self.tokens.iter().find(|token| token.id.to_lowercase() == lower).cloned();
        if found.is_some() && self.faults.hits("csms-compares-tags-with-case") {
            return None;
        }
        found
    }

    /// The status of a token; `unknown` if nobody knows it.
    pub(super) fn token_status(&mut self, id: &str, unknown: &str) -> String {
        match self.token(id) {
            None if self.faults.hits("csms-accepts-unknown-tags") => "Accepted".to_owned(),
            None => unknown.to_owned(),
            Some(token) if token.status == "Blocked" && self.faults.hits("csms-accepts-blocked-tags") => {
                "Accepted".to_owned()
            }
            Some(token) if token.status == "Expired" && self.faults.hits("csms-overlooks-expiry") => {
                "Accepted".to_owned()
            }
            Some(token) => token.status,
        }
    }

    /// The idTagInfo of 1.6 (16-AUTH-08), with this status.
    pub(super) fn id_tag_info(&mut self, id: &str, status: &str) -> Value {
        let mut info = json!({ "status": status });
        if let Some(group) = self.token(id).and_then(|token| token.group) {
            let group = if self.faults.hits("csms-mixes-groups") { id.to_owned() } else { group };
            info["parentIdTag"] = Value::String(group);
        } else if self.faults.hits("csms-writes-empty-groups") {
            info["parentIdTag"] = Value::from("");
        }
        info
    }

    /// The decision that the operator has made for the next call of this action.
    pub(super) fn decided(&mut self, action: &str) -> Option<String> {
        self.decisions.remove(action)
    }
}
