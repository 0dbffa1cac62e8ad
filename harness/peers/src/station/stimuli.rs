//! What drivers, technicians and the world do to the station, and what they can see.

use protocol::stimulus::Stimulus;
use serde_json::Value;

use super::charge_point::ChargePoint;
use crate::Refusal;

impl ChargePoint {
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
                let code = stimulus.with.get("code").and_then(Value::as_str);
                self.set_fault(stimulus, Some(code.unwrap_or("GroundFailure").to_owned()))
            }
            "clear fault" => self.set_fault(stimulus, None),
            "jam lock" => self.jam(self.place(stimulus)?, true),
            "free lock" => self.jam(self.place(stimulus)?, false),
            "press emergency stop" => {
                if self.is_powered() {
                    self.end_all("EmergencyStop");
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
        let number = self.place(observation).ok()?;
        let connector = self.connector(number)?;
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        match observation.verb.as_str() {
            "cable is locked" => Some(connector.locked || self.settings.fixed_cable),
            "cable is free" => Some(!connector.locked && !self.settings.fixed_cable),
            "energy flows" => Some(self.energy_flows(index)),
            "energy is off" => Some(!self.energy_flows(index)),
            _ => None,
        }
    }

    fn powered(&self) -> Result<(), Refusal> {
        if self.is_powered() { Ok(()) } else { Err(Refusal::not_now("the station has no power or is starting")) }
    }

    /// The connector that a stimulus is about, the first if it names none.
    fn place(&self, stimulus: &Stimulus) -> Result<u32, Refusal> {
        let Some(at) = stimulus.with.get("at") else {
            return Ok(1);
        };
        let number = at.get("connector").unwrap_or(at).as_u64().and_then(|number| u32::try_from(number).ok());
        number
            .filter(|number| self.connector(*number).is_some())
            .ok_or_else(|| Refusal::never(format!("there is no connector {at}")))
    }

    fn plug_in(&mut self, number: u32) -> Result<(), Refusal> {
        let now = self.now;
        let powered = self.is_powered();
        let inoperative = self.is_inoperative(number);
        let Some(connector) = self.connector_mut(number) else {
            return Err(Refusal::never("no such connector"));
        };
        if connector.ev_connected() {
            return Err(Refusal::not_now("a cable is plugged in already"));
        }
        let cable_was_in = connector.plugged;
        connector.plugged = true;
        connector.ev_gone = false;
        connector.ev_paused = false;
        if powered && !cable_was_in && !inoperative && connector.preparing_since.is_none() {
            connector.preparing_since = Some(now);
        }
        Ok(())
    }

    fn unplug(&mut self, number: u32, end: Option<&str>) -> Result<(), Refusal> {
        let fixed = self.settings.fixed_cable;
        let Some(connector) = self.connector_mut(number) else {
            return Err(Refusal::never("no such connector"));
        };
        if !connector.plugged {
            return Err(Refusal::not_now("no cable is plugged in"));
        }
        let at_ev = match end {
            Some(end) => end == "ev",
            // Whoever just pulls, pulls where it gives way.
            None => connector.locked,
        };
        if fixed || at_ev {
            if connector.ev_gone {
                return Err(Refusal::not_now("the EV's end is out already"));
            }
            self.pull_ev_end(number);
            return Ok(());
        }
        if connector.locked {
            return Err(Refusal::not_now("the cable is locked at the station"));
        }
        self.pull_station_end(number);
        Ok(())
    }

    /// The EV's end comes out (16-STAT-13, 16-STAT-14). With a fixed cable nothing stays in.
    fn pull_ev_end(&mut self, number: u32) {
        let fixed = self.settings.fixed_cable;
        let configuration = &self.storage.configuration;
        let stops = configuration.is_true("StopTransactionOnEVSideDisconnect");
        let unlocks = configuration.is_true("UnlockConnectorOnEVSideDisconnect");
        let powered = self.is_powered();
        let Some(connector) = self.connector_mut(number) else {
            return;
        };
        connector.ev_gone = true;
        connector.ev_paused = false;
        let driver = connector.transaction.as_ref().map(|transaction| transaction.driver.clone());
        if driver.is_some() && stops && powered {
            let was_locked = connector.locked;
            self.end_transaction(number, "EVDisconnected", None);
            self.tell_states();
            if let Some(connector) = self.connector_mut(number)
                && !unlocks
                && was_locked
            {
                connector.locked = true;
                connector.held_for = driver;
            }
        }
        if fixed && self.connector(number).is_some_and(|connector| connector.transaction.is_none()) {
            self.pull_station_end(number);
        }
    }

    fn pull_station_end(&mut self, number: u32) {
        if let Some(connector) = self.connector_mut(number) {
            connector.plugged = false;
            connector.ev_gone = false;
            connector.ev_paused = false;
            connector.locked = false;
            connector.finishing = false;
            connector.held_for = None;
            if connector.authorised.is_none() {
                connector.preparing_since = None;
            }
        }
        // Without a lock the cable can leave in the middle of a transaction.
        self.end_transaction(number, "EVDisconnected", None);
    }

    fn present(&mut self, stimulus: &Stimulus) -> Result<(), Refusal> {
        self.powered()?;
        let number = self.place(stimulus)?;
        let token = stimulus.with.get("token");
        let tag = token
            .and_then(|token| token.get("idToken").unwrap_or(token).as_str())
            .ok_or_else(|| Refusal::never("the argument \"token\" has no text \"idToken\""))?;
        if tag.is_empty() || tag.chars().count() > 20 {
            return Err(Refusal::never("a 1.6 idTag has 1 to 20 characters"));
        }
        // Before the first registration nobody is served (16-BOOT-18).
        if self.storage.accepted_once {
            self.token_presented(number, tag);
        }
        Ok(())
    }

    fn charge_for(&mut self, stimulus: &Stimulus) -> Result<(), Refusal> {
        let number = self.place(stimulus)?;
        let seconds = stimulus.with.get("for").and_then(Value::as_f64);
        let Some(seconds) = seconds.filter(|s| s.is_finite() && (0.0..=1e7).contains(s)) else {
            return Err(Refusal::never("the argument \"for\" is not a number of seconds"));
        };
        let index = usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
        if !self.energy_flows(index) {
            return Err(Refusal::not_now("no energy flows at this connector"));
        }
        self.charge(index, f64::from(self.settings.power_w) * seconds / 3600.0);
        Ok(())
    }

    fn pause(&mut self, number: u32, paused: bool) -> Result<(), Refusal> {
        let Some(connector) = self.connector_mut(number) else {
            return Err(Refusal::never("no such connector"));
        };
        if !connector.ev_connected() {
            return Err(Refusal::not_now("no EV is connected"));
        }
        connector.ev_paused = paused;
        Ok(())
    }

    fn set_fault(&mut self, stimulus: &Stimulus, code: Option<String>) -> Result<(), Refusal> {
        if let Some(code) = &code
            && !ERROR_CODES.contains(&code.as_str())
        {
            return Err(Refusal::never(format!("\"{code}\" is not an error code")));
        }
        let station = stimulus.with.get("at").and_then(|at| at.get("connector").unwrap_or(at).as_u64()) == Some(0);
        if station {
            self.fault = code;
            return Ok(());
        }
        let number = self.place(stimulus)?;
        if let Some(connector) = self.connector_mut(number) {
            connector.fault = code;
            connector.lock_fault = false;
            if connector.is_faulted() {
                // Nobody's wish outlives a fault, nor does a reservation (16-RES-06).
                connector.authorised = None;
                connector.preparing_since = None;
                self.cancel_reservations_of(number);
            }
        }
        Ok(())
    }

    fn jam(&mut self, number: u32, jammed: bool) -> Result<(), Refusal> {
        if !self.settings.lock || self.settings.fixed_cable {
            return Err(Refusal::never("there is no lock"));
        }
        if let Some(connector) = self.connector_mut(number) {
            connector.jammed = jammed;
            if !jammed && connector.lock_fault {
                connector.fault = None;
                connector.lock_fault = false;
            }
        }
        Ok(())
    }
}

/// Error codes that a fault may have; `NoError` is none.
const ERROR_CODES: [&str; 15] = [
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "OtherError",
    "OverCurrentFailure",
    "OverVoltage",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "WeakSignal",
];
