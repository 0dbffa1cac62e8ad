//! The device of a command, brought within reach: a runtime with the right clock, and the site of the suite.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use engine::drivers::{Operator, Terminal};
use engine::rig::Rig;
use engine::suite::Site;
use link::Url;
use link::dial::Listener;
use peers::Fault;
use protocol::{Role, Version};
use streams::target::Target;
use tokio::runtime::{Builder, Runtime};
use verdict::ExitCode;

use crate::args::{OperatorMode, Run};
use crate::failure::Failure;
use crate::rig::Device;

/// The runtime for a device: virtual time for embedded ones, the system's for real ones.
pub(crate) fn runtime(device: &Device) -> Result<Runtime, Failure> {
    let built = match device {
        Device::Embedded(..) => Builder::new_current_thread().enable_all().start_paused(true).build(),
        // The other half is for the device, which often runs beside us. On a thread too many each answer has to wake one.
        Device::Real(..) => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Builder::new_multi_thread().worker_threads((cores / 2).clamp(1, 8)).enable_all().build()
        }
    };
    built.map_err(|error| Failure::new(ExitCode::NotJudged, format!("the runtime does not start: {error}")))
}

/// The faults of these ids.
pub(crate) fn faults(ids: &[String]) -> Result<Vec<Fault>, Failure> {
    ids.iter()
        .map(|id| {
            Fault::find(id).ok_or_else(|| {
                let names = || peers::faults().iter().map(|info| info.id);
                // The side that its name begins with is easily left out.
                let whole = || names().find(|name| name.split_once('-').is_some_and(|(_, rest)| rest == id));
                let near = protocol::catalogue::suggest(id, names()).or_else(whole);
                let near = near.map(|near| format!("; did you mean \"{near}\"?"));
                Failure::usage(format!("no fault is called \"{id}\"{}", near.unwrap_or_default()))
            })
        })
        .collect()
}

/// The device of a run, ready to be played against.
pub(crate) async fn site(args: &Run, device: &Device) -> Result<Site, Failure> {
    site_of(device, operator(args.operator), args.wait_for_dut).await
}

/// The same, and who is asked for what no driver does.
pub(crate) async fn site_of(
    device: &Device,
    operator: Option<Arc<dyn Operator>>,
    patience: Option<Duration>,
) -> Result<Site, Failure> {
    match device {
        Device::Embedded(_, faults) => Ok(Site::embedded(faults.clone())),
        Device::Real(rig, side) => real(rig, *side, operator, patience).await,
    }
}

/// The device as streams are played against it.
pub(crate) async fn target(
    device: &Device,
    (side, version): (Role, Version),
    patience: Option<Duration>,
) -> Result<Target, Failure> {
    match device {
        Device::Embedded(_, faults) => Ok(Target::embedded(side, version, faults.clone())),
        Device::Real(rig, Role::Csms) => {
            let url = Url::parse(rig.url.as_deref().unwrap_or_default())
                .map_err(|error| Failure::usage(format!("--url: {error}")))?;
            if let Some(patience) = patience {
                await_csms(&url, patience).await?;
            }
            Ok(Target::csms(rig, version, url))
        }
        Device::Real(rig, Role::Station) => {
            let (listener, rig) = await_station(rig, patience).await?;
            Ok(Target::station(&rig, version, listener))
        }
    }
}

/// Who is asked for what no driver does.
pub(crate) fn operator(mode: Option<OperatorMode>) -> Option<Arc<dyn Operator>> {
    operator_is_asked(mode).then(|| Arc::new(Terminal::new()) as Arc<dyn Operator>)
}

/// Whether there is somebody to ask.
pub(crate) fn operator_is_asked(mode: Option<OperatorMode>) -> bool {
    match mode {
        Some(OperatorMode::Prompt) => true,
        Some(OperatorMode::None) => false,
        None => std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
    }
}

async fn real(
    rig: &Rig,
    side: Role,
    operator: Option<Arc<dyn Operator>>,
    patience: Option<Duration>,
) -> Result<Site, Failure> {
    match side {
        Role::Csms => {
            let url = Url::parse(rig.url.as_deref().unwrap_or_default())
                .map_err(|error| Failure::usage(format!("--url: {error}")))?;
            if let Some(patience) = patience {
                await_csms(&url, patience).await?;
            }
            Ok(Site::csms(rig.clone(), url, operator))
        }
        Role::Station => {
            let (listener, rig) = await_station(rig, patience).await?;
            Ok(Site::station(rig, listener, operator))
        }
    }
}

/// Listens where the station should come, and says so: a station that has tried before may take its time.
async fn await_station(rig: &Rig, patience: Option<Duration>) -> Result<(Listener, Rig), Failure> {
    let address = rig.listen.as_deref().unwrap_or_default();
    let listener = Listener::bind(address).await.map_err(|error| {
        Failure::new(ExitCode::NotJudged, format!("no station can be awaited at {address}: {error}"))
    })?;
    let mut rig = rig.clone();
    if let Some(patience) = patience {
        rig.timeouts.reconnect = rig.timeouts.reconnect.max(patience);
    }
    say_awaited(&rig);
    Ok((listener, rig))
}

/// Says where the station is awaited, and how long.
pub(crate) fn say_awaited(rig: &Rig) {
    let address = rig.listen.as_deref().unwrap_or_default();
    anstream::eprintln!("waiting up to {} s for the station at {address}", rig.timeouts.reconnect.as_secs_f64());
}

/// Waits until something listens where the CSMS should be.
pub(crate) async fn await_csms(url: &Url, patience: Duration) -> Result<(), Failure> {
    if link::dial::await_listener(url, patience).await {
        return Ok(());
    }
    let text = format!("nothing answered at {} within {} s", url.authority(), patience.as_secs());
    Err(Failure::new(ExitCode::NotJudged, text))
}
