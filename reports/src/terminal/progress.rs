//! The bar that is drawn while the run goes on.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use verdict::{RunEvent, safe_line};

/// A bar on standard error, or nothing.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(shown: bool) -> Progress {
        let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>12} {wide_bar} {pos}/{len}  {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress { bar }
    }

    pub(super) fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { selected, .. } => {
                self.bar.set_length(u64::try_from(*selected).unwrap_or(u64::MAX));
                if !self.bar.is_hidden() {
                    self.bar.enable_steady_tick(Duration::from_millis(250));
                }
            }
            RunEvent::PlanStarted { plan, .. } => self.bar.set_message(safe_line(&plan.case, 40)),
            RunEvent::CaseFinished(_) | RunEvent::FaultFinished(_) => self.bar.inc(1),
            RunEvent::Finding(_) | RunEvent::Happened { .. } | RunEvent::RunFinished { .. } => {}
        }
    }

    /// Writes beside the bar.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
