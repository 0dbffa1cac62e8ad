//! The process of a device that runs on this machine.

use std::io::Error;
use std::time::Duration;

use link::Url;
use protocol::{Role, Version};
use streams::monitor::Monitor;
use streams::target::Target;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use verdict::ExitCode;

use crate::args::Process;
use crate::device;
use crate::failure::Failure;
use crate::rig::Device;

/// How long a device that we start may take to be there.
const STARTING: Duration = Duration::from_secs(60);

impl Process {
    /// Whether there is a process to be watched.
    fn is_watched(&self) -> bool {
        self.start.is_some() || self.pid.is_some()
    }

    /// How many cases are played at once, of so many that are asked for: what the process shows is put down to the only one
    /// that is played.
    pub(crate) fn jobs_at_once(&self, asked: Option<u16>) -> usize {
        if self.is_watched() { 1 } else { asked.map_or(usize::MAX, usize::from) }
    }

    /// Who watches it, if that is asked for; it is started now if it is ours.
    pub(crate) fn monitor(&self) -> Result<Option<Monitor>, Failure> {
        let cannot = |what: String, error: Error| Failure::new(ExitCode::NotJudged, format!("{what}: {error}"));
        if let Some(command) = &self.start {
            let shell = ["-c".to_owned(), format!("exec {command}")];
            let started = Monitor::start("sh", &shell, &self.pattern);
            return started.map(Some).map_err(|error| cannot(format!("--start {command}"), error));
        }
        match self.pid {
            Some(pid) => Monitor::watch(pid).map(Some).map_err(|error| cannot(format!("--pid {pid}"), error)),
            None => Ok(None),
        }
    }

    /// How long the device may take to be there: what is asked for, else long enough for one that we start.
    pub(crate) fn patience(&self, asked: Option<Duration>) -> Option<Duration> {
        asked.or(self.start.is_some().then_some(STARTING))
    }
}

/// The device as streams are played against it, and its process watched.
pub(crate) async fn target(
    process: &Process,
    device: &Device,
    course: (Role, Version),
    patience: Option<Duration>,
) -> Result<Target, Failure> {
    let monitor = process.monitor()?;
    let target = device::target(device, course, process.patience(patience)).await?;
    Ok(match monitor {
        Some(monitor) => target.with_monitor(monitor),
        None => target,
    })
}

/// Starts the process again and waits until the device is there.
pub(crate) fn is_started_again(monitor: &mut Monitor, device: &Device) -> bool {
    if monitor.restart().is_err() {
        return false;
    }
    let Device::Real(rig, Role::Csms) = device else { return true };
    let Some(url) = rig.url.as_deref().and_then(|url| Url::parse(url).ok()) else { return false };
    // Only real devices have a process, and their runtime has threads.
    block_in_place(|| Handle::current().block_on(link::dial::await_listener(&url, STARTING)))
}
