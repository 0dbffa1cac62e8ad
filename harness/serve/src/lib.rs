//! The reference peers as devices on a network, with an HTTP control endpoint for stimuli.
