//! The slice of OCPP 2.0.1 that the reference peers speak.

mod charging_station;

pub(crate) use charging_station::ChargingStation;
