//! What operators do to the CSMS.

use protocol::stimulus::Stimulus;
use serde_json::{Map, Value};

use super::asks::Ask;
use super::{Csms, text};
use crate::{Output, Refusal, Token};

impl Csms {
    pub(super) fn stimulus(&mut self, identity: &str, stimulus: &Stimulus) {
        let station = self.station_of(identity, &stimulus.with);
        let tell = if identity.is_empty() { station.clone().unwrap_or_default() } else { identity.to_owned() };
        let outcome = match stimulus.verb.as_str() {
            // Confirmed when it is on the wire, which may be later.
            "send" => match self.send(station.as_deref(), &stimulus.with, &tell) {
                Ok(()) => return,
                refused => refused,
            },
            "add token" => self.add_token(&stimulus.with),
            "remove token" => {
                let id = token_text(&stimulus.with).to_lowercase();
                self.tokens.retain(|token| token.id.to_lowercase() != id);
                Ok(())
            }
            "set password" => match station {
                Some(station) => {
                    let value = text(&stimulus.with, "value").as_bytes().to_vec();
                    self.settings.passwords.insert(station, value);
                    Ok(())
                }
                None => Err(Refusal::not_now("it is not said for which station")),
            },
            "decide boot" => self.set_boot_decision(&stimulus.with),
            "decide" => {
                let (action, status) =
                    (text(&stimulus.with, "action").to_owned(), text(&stimulus.with, "status").to_owned());
                self.decisions.insert(action, status);
                Ok(())
            }
            "restart" => {
                self.restart();
                Ok(())
            }
            other => Err(Refusal::never(format!("this CSMS has nothing to \"{other}\" with"))),
        };
        self.put(&tell, Output::StimulusDone(outcome));
    }

    /// The station that a stimulus is about: the one named, else the one whose link it came with, else the only
    /// one there is.
    fn station_of(&self, identity: &str, with: &Map<String, Value>) -> Option<String> {
        if let Some(named) = with.get("station").and_then(Value::as_str) {
            return Some(named.to_owned());
        }
        if self.sessions.contains_key(identity) {
            return Some(identity.to_owned());
        }
        let mut online = self.sessions.iter().filter(|(_, session)| session.online);
        match (online.next(), online.next()) {
            (Some((only, _)), None) => Some(only.clone()),
            _ => None,
        }
    }

    fn send(&mut self, station: Option<&str>, with: &Map<String, Value>, tell: &str) -> Result<(), Refusal> {
        let Some(station) = station else {
            return Err(Refusal::not_now("it is not said to which station, and not exactly one is connected"));
        };
        let action = text(with, "action");
        let empty = Map::new();
        let given = with.get("fields").and_then(Value::as_object).unwrap_or(&empty);
        let request = if self.is_v16(station) {
            self.fill_v16(station, action, given)
        } else {
            self.fill_v201(station, action, given)
        };
        self.ask(Ask {
            station: station.to_owned(),
            action: action.to_owned(),
            request,
            confirm: Some(tell.to_owned()),
        })
    }

    fn add_token(&mut self, with: &Map<String, Value>) -> Result<(), Refusal> {
        let id = token_text(with).to_owned();
        if id.is_empty() {
            return Err(Refusal::never("the argument \"token\" has no text \"idToken\""));
        }
        let group = with
            .get("group")
            .or_else(|| with.get("token").and_then(|token| token.get("group")))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let status = with.get("status").and_then(Value::as_str).unwrap_or("Accepted").to_owned();
        let lower = id.to_lowercase();
        self.tokens.retain(|token| token.id.to_lowercase() != lower);
        self.tokens.push(Token { id, status, group });
        Ok(())
    }

    fn set_boot_decision(&mut self, with: &Map<String, Value>) -> Result<(), Refusal> {
        let status = text(with, "status");
        if !matches!(status, "Accepted" | "Pending" | "Rejected") {
            return Err(Refusal::never(format!("a boot is not answered with \"{status}\"")));
        }
        let station = with.get("station").and_then(Value::as_str).unwrap_or("");
        self.boot_decisions.insert(station.to_owned(), status.to_owned());
        Ok(())
    }

    /// The service restarts: connections go, what is known stays.
    fn restart(&mut self) {
        let online: Vec<String> =
            self.sessions.iter().filter(|(_, session)| session.online).map(|(identity, _)| identity.clone()).collect();
        for identity in online {
            self.put(&identity, Output::Close { code: 1001 });
            self.disconnected(&identity);
        }
    }
}

fn token_text(with: &Map<String, Value>) -> &str {
    with.get("token").and_then(|token| token.get("idToken").unwrap_or(token).as_str()).unwrap_or("")
}
