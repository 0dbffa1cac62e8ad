//! Where the events of a run go: the terminal, report files, a trace. Secrets are taken out on the way.

use std::path::Path;

use reports::terminal::{self, Terminal};
use reports::{Fanout, ReportError, Reporter};
use verdict::{ExitCode, Redactor, RunEvent};

use crate::args::{Colour, ReportFiles};
use crate::failure::Failure;
use crate::rig::Device;

/// The reports of a run.
pub(crate) struct Output(Fanout);

/// What an output is made of.
pub(crate) struct Plan<'a> {
    pub(crate) files: &'a ReportFiles,
    pub(crate) trace: Option<&'a Path>,
    pub(crate) colour: Colour,
    /// An operator is asked on standard error: nothing else is drawn there.
    pub(crate) asks: bool,
}

impl Output {
    /// Opens every report; one that cannot be written is said before anything is run.
    pub(crate) fn open(plan: &Plan<'_>, redactor: Redactor) -> Result<Output, Failure> {
        let colour = match plan.colour {
            Colour::Auto => terminal::Colour::Auto,
            Colour::Always => terminal::Colour::Always,
            Colour::Never => terminal::Colour::Never,
        };
        let mut options = terminal::Options::standard(colour);
        options.bar &= !plan.asks;
        let mut reporters: Vec<Box<dyn Reporter>> = vec![Box::new(Terminal::new(options))];
        let cannot = |error: ReportError| Failure::usage(error.to_string());
        if let Some(path) = &plan.files.report_junit {
            reporters.push(Box::new(reports::junit::Junit::to_file(path).map_err(cannot)?));
        }
        if let Some(path) = &plan.files.report_json {
            reporters.push(Box::new(reports::json_lines::JsonLines::to_file(path).map_err(cannot)?));
        }
        if let Some(path) = &plan.files.report_html {
            reporters.push(Box::new(reports::html::Html::to_file(path).map_err(cannot)?));
        }
        if let Some(path) = &plan.files.report_markdown {
            reporters.push(Box::new(reports::markdown::Markdown::to_file(path).map_err(cannot)?));
        }
        if let Some(path) = plan.trace {
            reporters.push(Box::new(reports::trace::Trace::to_file(path).map_err(cannot)?));
        }
        Ok(Output(Fanout::new(redactor, reporters)))
    }

    pub(crate) fn report(&mut self, event: &RunEvent) {
        self.0.event(event);
    }

    /// Ends every report.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let errors = self.0.finish();
        if errors.is_empty() {
            return Ok(());
        }
        let text = errors.iter().map(ReportError::to_string).collect::<Vec<_>>().join("\n");
        Err(Failure::new(ExitCode::NotJudged, text))
    }
}

/// What must never be shown of a device.
pub(crate) fn redactor(device: &Device) -> Redactor {
    match device {
        Device::Embedded(..) => Redactor::default(),
        Device::Real(rig, _) => Redactor::new(rig.secrets()).for_users(rig.identities.iter().map(String::as_str)),
    }
}
