//! Reference station and CSMS as state machines without I/O, and their seeded faults.
