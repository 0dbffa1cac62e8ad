//! Where the events of a run go: the terminal and files.

use verdict::RunEvent;

use crate::args::Run;
use crate::failure::Failure;
use crate::rig::Device;

pub(crate) struct Output {
    colour: bool,
}

pub(crate) fn for_run(_args: &Run, _device: &Device, colour: bool) -> Result<Output, Failure> {
    Ok(Output { colour })
}

impl Output {
    pub(crate) fn report(&mut self, event: &RunEvent) {
        match event {
            RunEvent::CaseFinished(result) => {
                anstream::println!(
                    "{:<15} {} {} {} {}",
                    result.verdict.name(),
                    result.ocpp,
                    result.device,
                    result.case,
                    result.reason
                );
                for diagnostic in &result.diagnostics {
                    anstream::println!("{}", diagnostic.render_as(result.verdict.name(), self.colour));
                }
                for line in &result.transcript {
                    anstream::println!("    {} {:?} {}", line.at, line.direction, line.text);
                }
                for note in &result.notes {
                    anstream::println!("    note {note}");
                }
                if !result.transcript.is_empty() {
                    anstream::println!("    {}", result.repeat);
                }
            }
            RunEvent::RunFinished { counts, duration_ms, .. } => anstream::println!("{counts:?} {duration_ms} ms"),
            _ => {}
        }
    }

    pub(crate) fn finish(self) -> Result<(), Failure> {
        Ok(())
    }
}
