//! One stream of events to many reporters, without the secrets.

use verdict::{Redactor, RunEvent};

use crate::{ReportError, Reporter};

/// Tells every reporter of every event. The secrets are taken out here, before any of them sees anything.
pub struct Fanout {
    redactor: Redactor,
    reporters: Vec<Box<dyn Reporter>>,
    errors: Vec<ReportError>,
}

impl Fanout {
    /// Takes the secrets that this redactor knows out of what these reporters are told.
    pub fn new(redactor: Redactor, reporters: Vec<Box<dyn Reporter>>) -> Fanout {
        Fanout { redactor, reporters, errors: Vec::new() }
    }

    /// Tells the reporters. One that fails is told nothing more, and does not stop the others.
    pub fn event(&mut self, event: &RunEvent) {
        if self.redactor.is_empty() {
            self.tell(event);
        } else {
            let event = self.redactor.event(event);
            self.tell(&event);
        }
    }

    /// Ends the reports, and says which of them could not be written.
    #[must_use]
    pub fn finish(mut self) -> Vec<ReportError> {
        self.end();
        std::mem::take(&mut self.errors)
    }

    fn tell(&mut self, event: &RunEvent) {
        let errors = &mut self.errors;
        self.reporters.retain_mut(|reporter| keep(errors, reporter.event(event), reporter.as_ref()));
    }

    fn end(&mut self) {
        for mut reporter in std::mem::take(&mut self.reporters) {
            let done = reporter.finish();
            keep(&mut self.errors, done, reporter.as_ref());
        }
    }
}

/// Reports are ended also where the run is left by another door.
impl Drop for Fanout {
    fn drop(&mut self) {
        self.end();
    }
}

fn keep(errors: &mut Vec<ReportError>, done: std::io::Result<()>, reporter: &dyn Reporter) -> bool {
    match done {
        Ok(()) => true,
        Err(error) => {
            errors.push(ReportError { report: reporter.name(), error });
            false
        }
    }
}
