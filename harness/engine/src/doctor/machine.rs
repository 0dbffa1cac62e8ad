//! The machine that we run on.

use protocol::{Role, Timestamp};

use super::{Check, Report};
use crate::clock::system_now;
use crate::rig::Rig;

/// No clock that is right shows less than this: 2025-01-01.
const EARLIEST: Timestamp = Timestamp(1_735_689_600_000_000);

/// Files that the program itself has open: reports, catalogues, the terminal.
const OWN_FILES: u64 = 32;

pub(super) fn examine(rig: &Rig, device: Role, report: Report<'_>) {
    let links = if device == Role::Csms { rig.identities.len().max(1) } else { 1 };
    report(files(u64::try_from(links).unwrap_or(u64::MAX)));
    report(clock(system_now()));
}

/// Each link takes a file descriptor, and so may its driver.
fn files(links: u64) -> Check {
    let wanted = links.saturating_mul(2).saturating_add(OWN_FILES);
    match most_files() {
        Some(most) if most < wanted => Check::problem(
            format!("this process may open {most} files, and {links} links want {wanted}"),
            format!("raise the limit: ulimit -n {wanted}"),
        ),
        Some(most) => Check::ok(format!("this process may open {most} files")),
        None => Check::ok("there is no limit of open files"),
    }
}

#[cfg(unix)]
fn most_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn most_files() -> Option<u64> {
    None
}

fn clock(now: Timestamp) -> Check {
    if now < EARLIEST {
        return Check::problem(
            format!("the clock of this machine shows {now}"),
            "set the clock, best by NTP: every time of a run is told by it",
        );
    }
    Check::ok(format!("the clock of this machine shows {now}"))
}
