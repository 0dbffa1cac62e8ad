//! `plugfest doctor`

use engine::doctor::{Check, Grade, examine};
use protocol::Role;
use verdict::ExitCode;

use crate::args::Doctor;
use crate::failure::Failure;
use crate::output;
use crate::rig::Device;
use crate::{device, rig};

/// The longest line shown.
const LONGEST: usize = 600;

pub(crate) fn run(args: &Doctor) -> Result<ExitCode, Failure> {
    let target = rig::resolve(&args.target)?;
    let Device::Real(rig, side) = &target else {
        return Err(Failure::usage(
            "the embedded devices need no doctor; say --url ws://HOST:PORT/PATH, --listen ADDR or --rig FILE",
        ));
    };
    let redactor = output::redactor(&target);
    if *side == Role::Station {
        device::say_awaited(rig);
    }
    let operator = device::operator(args.operator);
    let (mut warnings, mut problems) = (0, 0);
    let mut report = |check: Check| {
        match check.grade {
            Grade::Ok => {}
            Grade::Warning => warnings += 1,
            Grade::Problem => problems += 1,
        }
        for line in lines(&check) {
            anstream::println!("{}", redactor.text(&line));
        }
    };
    device::runtime(&target)?.block_on(async {
        tokio::select! {
            () = examine(rig, *side, operator, &mut report) => Ok(()),
            () = crate::interrupt::asked() => Err(Failure::new(ExitCode::Interrupted, "interrupted")),
        }
    })?;
    anstream::println!();
    if problems > 0 {
        anstream::println!("{problems} problems, {warnings} warnings: a run would say little about the device");
        return Ok(ExitCode::NotJudged);
    }
    anstream::println!("{warnings} warnings, no problem: the rig is fit for `plugfest run`");
    Ok(ExitCode::Conforming)
}

/// A check as people read it.
fn lines(check: &Check) -> Vec<String> {
    let word = match check.grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    };
    let mut lines = vec![format!("{word:8} {}", verdict::safe_line(&check.found, LONGEST))];
    lines.extend(check.mend.iter().map(|mend| format!("{:8} mend: {}", "", verdict::safe_line(mend, LONGEST))));
    lines
}
