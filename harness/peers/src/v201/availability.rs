//! Availability (use cases G03 and G04).

use serde_json::{Map, Value, json};

use super::charging_station::ChargingStation;

/// What is Inoperative, each level for itself (G03.FR.07), and what will be.
#[derive(Debug)]
pub(super) struct Availability {
    station: bool,
    evses: Vec<bool>,
    connectors: Vec<bool>,
    scheduled: Vec<(Target, bool)>,
}

/// What an availability is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Station,
    Evse(u32),
    /// The connector of this EVSE.
    Connector(u32),
}

impl Target {
    fn covers(self, id: u32) -> bool {
        match self {
            Target::Station => true,
            Target::Evse(own) | Target::Connector(own) => own == id,
        }
    }
}

impl Availability {
    pub(super) fn new(evses: usize) -> Availability {
        Availability {
            station: false,
            evses: vec![false; evses],
            connectors: vec![false; evses],
            scheduled: Vec::new(),
        }
    }

    fn flag(&mut self, target: Target) -> Option<&mut bool> {
        let at = |id: u32| usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        match target {
            Target::Station => Some(&mut self.station),
            Target::Evse(id) => self.evses.get_mut(at(id)?),
            Target::Connector(id) => self.connectors.get_mut(at(id)?),
        }
    }
}

impl ChargingStation {
    pub(super) fn is_inoperative(&self, id: u32) -> bool {
        let at = usize::try_from(id).unwrap_or(0).saturating_sub(1);
        let availability = &self.storage.availability;
        let own = |list: &[bool]| list.get(at).copied().unwrap_or(false);
        availability.station || own(&availability.evses) || own(&availability.connectors)
    }

    pub(super) fn has_inoperative(&self) -> bool {
        let availability = &self.storage.availability;
        availability.station || availability.evses.contains(&true) || availability.connectors.contains(&true)
    }

    /// Everything at once, without a word.
    pub(super) fn make_operative(&mut self) {
        let availability = &mut self.storage.availability;
        availability.station = false;
        availability.evses.fill(false);
        availability.connectors.fill(false);
    }

    pub(super) fn is_station_inoperative(&self) -> bool {
        self.storage.availability.station
    }

    /// It becomes Inoperative as soon as it is free.
    pub(super) fn has_scheduled(&self, id: u32) -> bool {
        self.storage.availability.scheduled.iter().any(|(target, inoperative)| *inoperative && target.covers(id))
    }

    pub(super) fn change_availability(&mut self, request: &Map<String, Value>) -> Value {
        let inoperative = request.get("operationalStatus").and_then(Value::as_str) == Some("Inoperative");
        let Some(target) = self.target(request.get("evse")) else {
            if self.faults.hits("station-switches-evses-that-it-lacks") {
                return json!({ "status": "Accepted" });
            }
            return json!({ "status": "Rejected" });
        };
        self.storage.availability.scheduled.retain(|(other, _)| *other != target);
        // G03.FR.03
        let reached = self.storage.availability.flag(target).is_some_and(|flag| *flag == inoperative);
        if !reached && inoperative && self.is_target_charging(target) {
            if !self.faults.hits("station-forgets-scheduled-availability") {
                self.storage.availability.scheduled.push((target, inoperative));
            }
            return json!({ "status": "Scheduled" });
        }
        let is_off = inoperative && target == Target::Station;
        let switched =
            if is_off && self.faults.hits("station-switches-only-its-first-evse") { Target::Evse(1) } else { target };
        if inoperative || !self.faults.hits("station-never-comes-back-into-operation") {
            self.set_availability(switched, inoperative);
        }
        json!({ "status": "Accepted" })
    }

    pub(super) fn apply_scheduled_availability(&mut self) {
        for (target, inoperative) in std::mem::take(&mut self.storage.availability.scheduled) {
            if self.is_target_charging(target) {
                self.storage.availability.scheduled.push((target, inoperative));
            } else {
                self.set_availability(target, inoperative);
            }
        }
    }

    fn set_availability(&mut self, target: Target, inoperative: bool) {
        if let Some(flag) = self.storage.availability.flag(target) {
            *flag = inoperative;
        }
        if !inoperative {
            return;
        }
        // Nobody's wish outlives it.
        for evse in self.evses.iter_mut().filter(|evse| target.covers(evse.id) && evse.transaction.is_none()) {
            evse.let_go();
            evse.untold.token = None;
            evse.untold.remote_start = None;
        }
    }

    fn target(&self, evse: Option<&Value>) -> Option<Target> {
        let Some(evse) = evse else {
            return Some(Target::Station);
        };
        let id = evse["id"].as_u64().and_then(|id| u32::try_from(id).ok()).filter(|id| self.evse(*id).is_some())?;
        match evse.get("connectorId") {
            None => Some(Target::Evse(id)),
            Some(number) if *number == 1 => Some(Target::Connector(id)),
            Some(_) => None,
        }
    }

    fn is_target_charging(&self, target: Target) -> bool {
        self.evses.iter().any(|evse| target.covers(evse.id) && evse.transaction.is_some())
    }
}
