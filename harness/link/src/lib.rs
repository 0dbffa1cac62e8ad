//! The wire layer towards a device under test: handshake, frames, recorded bytes, in-memory pipes.
