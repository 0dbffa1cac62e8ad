//! Consumers of the event stream: terminal, JUnit, JSON lines.
