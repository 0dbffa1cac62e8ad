//! Property-based and fuzzed streams: what is sent, what it deserves, who notices, and how a finding is kept.
//!
//! A stream is a row of [`Act`]s: frozen bytes and deeds, so that whatever was found can be repeated without the
//! generator and the seed that made it.
//!
//! 1. [`generate`]: one stream of choices becomes acts, on seven layers from raw bytes to several stations at once.
//! 2. [`model`]: what is known of the device's state, which moves are legal in it and which are not.
//! 3. [`stage`]: the only place with I/O: does the acts on the way to a [`target`], and tells what was [`seen`];
//!    [`play`] has an episode watched.
//! 4. [`deserved`]: what a message deserves, read off its bytes alone.
//! 5. [`oracles`]: rules over what was seen; they raise suspicions, and may ask for acts of their own. [`canary`] and
//!    [`monitor`] are their ears beside the wire.
//! 6. [`shrink`], [`finding`]: a suspicion that is confirmed becomes small, gets a name, and is kept.
//! 7. [`campaign`]: goes on until time or runs are used up.
//!
//! [`property`] searches with sequences of moves and makes them small; [`coverage`] counts what was met.
//! [`choreography`] mutates the cases of the suite; [`mutator`] and [`in_process`] serve coverage-guided fuzzing.

pub mod act;
pub mod campaign;
pub mod choreography;
pub mod coverage;
pub mod deserved;
pub mod finding;
pub mod generate;
pub mod in_process;
pub mod model;
pub mod monitor;
pub mod mutants;
pub mod mutator;
pub mod oracles;
pub mod play;
pub mod property;
pub mod seen;
pub mod shrink;
pub mod stage;
pub mod target;
pub mod view;

pub use act::{Act, Sequence};
pub use engine::canary;
pub use seen::{Seen, What};
