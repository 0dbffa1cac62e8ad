//! The only place with I/O: does acts, and tells what was seen. To come.
