//! The slice of OCPP 2.0.1 that the reference station speaks. What 2.1 has in common with it is spoken alike.

mod authorisation;
mod availability;
mod boot;
mod calls;
mod charging_station;
mod device_model;
mod evse;
mod link;
mod meter;
mod power;
mod queue;
mod remote;
mod report;
mod status;
mod stimuli;
mod transaction;
mod variables;

pub(crate) use charging_station::ChargingStation;
