//! What drivers, technicians and the world do to the station, and what they can see.

use protocol::stimulus::Stimulus;
use serde_json::Value;

use super::authorisation::Token;
use super::charging_station::ChargingStation;
use super::transaction::Cause;
use crate::Refusal;

impl ChargingStation {
    pub(super) fn stimulus(&mut self, stimulus: &Stimulus) -> Result<(), Refusal> {
        match stimulus.verb.as_str() {
            "plug in" => self.plug_in(self.place(stimulus)?),
            "unplug" => {
                let end = stimulus.with.get("end").and_then(Value::as_str);
                self.unplug(self.place(stimulus)?, end)
            }
            "present token" => self.present(stimulus),
            "charge" => self.charge_for(stimulus),
            "pause by ev" => self.pause(self.place(stimulus)?, true),
            "resume by ev" => self.pause(self.place(stimulus)?, false),
            "cause fault" => {
                let code = stimulus.with.get("code").and_then(Value::as_str).unwrap_or("GroundFailure");
                self.cause_fault(self.place(stimulus)?, code)
            }
            "clear fault" => {
                let id = self.place(stimulus)?;
                if let Some(evse) = self.evse_mut(id) {
                    evse.fault = None;
                }
                Ok(())
            }
            "jam lock" => self.jam(self.place(stimulus)?, true),
            "free lock" => self.jam(self.place(stimulus)?, false),
            "press emergency stop" => {
                if self.is_powered() {
                    self.end_all(&Cause::new("AbnormalCondition").stopped("EmergencyStop"));
                }
                Ok(())
            }
            "cut power" => {
                self.cut_power();
                Ok(())
            }
            "restore power" => {
                self.restore_power();
                Ok(())
            }
            "reboot" => {
                self.powered()?;
                self.reboot();
                Ok(())
            }
            other => Err(Refusal::never(format!("this station has nothing to \"{other}\" with"))),
        }
    }

    pub(super) fn observe(&self, observation: &Stimulus) -> Option<bool> {
        let evse = self.evse(self.place(observation).ok()?)?;
        let held = evse.locked || self.settings.fixed_cable;
        match observation.verb.as_str() {
            "cable is locked" => Some(held),
            "cable is free" => Some(!held),
            "energy flows" => Some(self.energy_flows(evse)),
            "energy is off" => Some(!self.energy_flows(evse)),
            _ => None,
        }
    }

    fn powered(&self) -> Result<(), Refusal> {
        if self.is_powered() { Ok(()) } else { Err(Refusal::not_now("the station has no power or is starting")) }
    }

    /// The EVSE that a stimulus is about, the first if it names none.
    fn place(&self, stimulus: &Stimulus) -> Result<u32, Refusal> {
        let Some(at) = stimulus.with.get("at") else {
            return Ok(1);
        };
        let id = at.get("evse").unwrap_or(at).as_u64().and_then(|id| u32::try_from(id).ok());
        id.filter(|id| self.evse(*id).is_some()).ok_or_else(|| Refusal::never(format!("there is no EVSE {at}")))
    }

    fn plug_in(&mut self, id: u32) -> Result<(), Refusal> {
        let powered = self.is_powered();
        let Some(evse) = self.evse_mut(id) else {
            return Err(Refusal::never("no such EVSE"));
        };
        if evse.ev_connected() {
            return Err(Refusal::not_now("a cable is plugged in already"));
        }
        evse.plugged = true;
        evse.ev_gone = false;
        evse.ev_paused = false;
        evse.untold.place = true;
        if let Some(driver) = &mut evse.authorised {
            driver.waiting_since = None;
        }
        if powered {
            self.happened(id, Cause::new("CablePluggedIn"));
        }
        Ok(())
    }

    fn unplug(&mut self, id: u32, end: Option<&str>) -> Result<(), Refusal> {
        let fixed = self.settings.fixed_cable;
        let Some(evse) = self.evse(id) else {
            return Err(Refusal::never("no such EVSE"));
        };
        if !evse.plugged {
            return Err(Refusal::not_now("no cable is plugged in"));
        }
        // Whoever just pulls, pulls where it gives way.
        let at_ev = end.map_or(evse.locked, |end| end == "ev");
        if !fixed && at_ev && evse.ev_gone {
            return Err(Refusal::not_now("the EV's end is out already"));
        }
        if !fixed && !at_ev && evse.locked {
            return Err(Refusal::not_now("the cable is locked at the station"));
        }
        self.pull(id, fixed || !at_ev);
        Ok(())
    }

    /// The EV loses its cable: at its own end, or both ends come out (E09, E10).
    fn pull(&mut self, id: u32, both_ends: bool) {
        let now = self.now;
        let fixed = self.settings.fixed_cable;
        let powered = self.is_powered();
        let stops = self.storage.model.is_true("TxCtrlr", "StopTxOnEVSideDisconnect");
        let unlocks = self.storage.model.is_true("OCPPCommCtrlr", "UnlockOnEVSideDisconnect");
        let Some(evse) = self.evse_mut(id) else {
            return;
        };
        let was_connected = evse.ev_connected();
        let was_locked = evse.locked;
        evse.plugged = !both_ends;
        evse.ev_gone = !both_ends;
        evse.ev_paused = false;
        if both_ends {
            evse.locked = false;
            evse.held_for = None;
        }
        if !was_connected || !powered {
            return;
        }
        let cause = Cause::new("EVCommunicationLost").stopped("EVDisconnected");
        let Some(driver) = evse.authorised.clone() else {
            self.happened(id, Cause::new("EVCommunicationLost"));
            return;
        };
        if stops || (both_ends && !fixed) {
            self.deauthorise(id, cause);
            if let Some(evse) = self.evse_mut(id).filter(|_| !unlocks && was_locked && !both_ends) {
                evse.locked = true;
                evse.held_for = Some(driver);
            }
            return;
        }
        // A fixed cable is waited for like a driver's (E10.FR.02); a loose one stays where it is (E10.FR.01).
        if let Some(driver) = evse.authorised.as_mut().filter(|_| fixed) {
            driver.waiting_since = Some(now);
        }
        self.happened(id, cause);
    }

    fn present(&mut self, stimulus: &Stimulus) -> Result<(), Refusal> {
        self.powered()?;
        let id = self.place(stimulus)?;
        let token = stimulus.with.get("token");
        let text = token
            .and_then(|token| token.get("idToken").unwrap_or(token).as_str())
            .ok_or_else(|| Refusal::never("the argument \"token\" has no text \"idToken\""))?;
        let kind = token.and_then(|token| token.get("type")).and_then(Value::as_str).unwrap_or("ISO14443");
        if text.chars().count() > 36 || (text.is_empty() && kind != "NoAuthorization") {
            return Err(Refusal::never("an idToken has 1 to 36 characters"));
        }
        // Before the first registration nobody is served.
        if self.storage.accepted_once {
            self.token_presented(id, &Token::new(text, kind));
        }
        Ok(())
    }

    fn charge_for(&mut self, stimulus: &Stimulus) -> Result<(), Refusal> {
        let id = self.place(stimulus)?;
        let seconds = stimulus.with.get("for").and_then(Value::as_f64);
        let Some(seconds) = seconds.filter(|s| s.is_finite() && (0.0..=1e7).contains(s)) else {
            return Err(Refusal::never("the argument \"for\" is not a number of seconds"));
        };
        if !self.evse(id).is_some_and(|evse| self.energy_flows(evse)) {
            return Err(Refusal::not_now("no energy flows at this EVSE"));
        }
        self.charge(id, f64::from(self.settings.power_w) * seconds / 3600.0);
        Ok(())
    }

    fn pause(&mut self, id: u32, paused: bool) -> Result<(), Refusal> {
        match self.evse_mut(id) {
            Some(evse) if evse.ev_connected() => {
                evse.ev_paused = paused;
                Ok(())
            }
            _ => Err(Refusal::not_now("no EV is connected")),
        }
    }

    /// E06.FR.16
    fn cause_fault(&mut self, id: u32, code: &str) -> Result<(), Refusal> {
        let Some(evse) = self.evse_mut(id) else {
            return Err(Refusal::never("no such EVSE"));
        };
        evse.fault = Some(code.to_owned());
        evse.let_go();
        let reason = match code {
            "GroundFailure" => "GroundFault",
            "OverCurrentFailure" => "OvercurrentFault",
            "OverVoltage" | "UnderVoltage" => "PowerQuality",
            _ => "Other",
        };
        if self.is_powered() {
            self.happened(id, Cause::new("AbnormalCondition").stopped(reason).ends());
        }
        Ok(())
    }

    fn jam(&mut self, id: u32, jammed: bool) -> Result<(), Refusal> {
        if !self.is_lockable() {
            return Err(Refusal::never("there is no lock"));
        }
        if let Some(evse) = self.evse_mut(id) {
            evse.jammed = jammed;
            if !jammed && std::mem::take(&mut evse.lock_failed) {
                self.tell_lock_problem(id, false);
            }
        }
        Ok(())
    }
}
