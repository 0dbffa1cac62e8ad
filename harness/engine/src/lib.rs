//! Projection of a case on a side, player, drivers and runner.
