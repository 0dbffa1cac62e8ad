//! The terminal: a line for every case while the run goes on, and at the end what is to be done about it.

mod line;
mod progress;
mod summary;

use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use verdict::RunEvent;

use crate::details::Paint;
use crate::{Reporter, Run};
use progress::Progress;

/// How the terminal is written to.
pub struct Options {
    /// Where to.
    pub out: Box<dyn Write + Send>,
    /// Whether with colours.
    pub colour: bool,
    /// Whether a bar is drawn on standard error while the run goes on. Not when an operator is asked things there.
    pub bar: bool,
    /// Whether cases that went well have no line of their own.
    pub quiet: bool,
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` and its like say otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Options {
    /// Standard output; a bar where standard error is a terminal.
    pub fn standard(colour: Colour) -> Options {
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        };
        Options { out: Box::new(io::stdout()), colour, bar: io::stderr().is_terminal(), quiet: false }
    }
}

/// Writes to a terminal.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    paint: Paint,
    quiet: bool,
    progress: Progress,
    run: Run,
}

impl Terminal {
    /// Writes as these options say.
    pub fn new(options: Options) -> Terminal {
        Terminal {
            out: options.out,
            paint: Paint { colour: options.colour },
            quiet: options.quiet,
            progress: Progress::new(options.bar),
            run: Run::default(),
        }
    }
}

impl Reporter for Terminal {
    fn name(&self) -> String {
        "on the terminal".to_owned()
    }

    fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.run.take(event);
        self.progress.event(event);
        let Some(line) = line::line(event, self.paint, self.quiet) else { return Ok(()) };
        let out = &mut self.out;
        self.progress.aside(|| writeln!(out, "{line}").and_then(|()| out.flush()))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.progress.end();
        self.out.write_all(summary::summary(&self.run, self.paint).as_bytes())?;
        self.out.flush()
    }
}
