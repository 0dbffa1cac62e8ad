//! The catalogue of cases, embedded into the binary.
