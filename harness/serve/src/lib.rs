//! The reference peers as devices on a network.
//!
//! The WebSocket layer is tokio-tungstenite and not our own wire layer, so that a run of the suite against these
//! devices is also a check of that layer. A control endpoint over HTTP takes the stimuli.

mod control;
mod device;
mod server;
mod socket;
mod station;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use peers::{CsmsSettings, Fault, StationSettings};
use protocol::Role;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use device::Shared;

/// A reference CSMS to be served.
#[derive(Clone, Debug)]
pub struct CsmsOptions {
    /// Where stations connect; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the control endpoint listens; `None` has none.
    pub control: Option<SocketAddr>,
    /// What the CSMS is, also which versions it speaks.
    pub settings: CsmsSettings,
    /// Its defects.
    pub faults: Vec<Fault>,
}

/// A reference station to be served.
#[derive(Clone, Debug)]
pub struct StationOptions {
    /// The base URL of its CSMS, `ws://host:port/path`; the identity is appended.
    pub url: String,
    /// Where the control endpoint listens; `None` has none.
    pub control: Option<SocketAddr>,
    /// What the station is.
    pub settings: StationSettings,
    /// Its defects.
    pub faults: Vec<Fault>,
}

/// A device that runs until it is shut down or dropped.
#[derive(Debug)]
pub struct Served {
    listen: Option<SocketAddr>,
    control: Option<SocketAddr>,
    device: Shared,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// How long open links get for their closing handshakes at the end.
const GOODBYE: Duration = Duration::from_secs(2);

/// Starts a CSMS.
///
/// # Errors
///
/// If an address cannot be listened at.
pub async fn csms(options: CsmsOptions) -> io::Result<Served> {
    let listener = TcpListener::bind(options.listen).await?;
    let listen = listener.local_addr()?;
    let device = Shared::new(peers::Device::csms(options.settings, options.faults.clone()));
    let mut served = Served::start(device, Role::Csms, options.control, &options.faults).await?;
    served.listen = Some(listen);
    let (device, stop) = (served.device.clone(), served.stop.subscribe());
    served.tasks.push(tokio::spawn(server::accept(listener, device, stop)));
    Ok(served)
}

/// Starts a station. It connects, and connects again, by itself.
///
/// # Errors
///
/// If the URL cannot be used or the control address cannot be listened at.
pub async fn station(options: StationOptions) -> io::Result<Served> {
    let target = station::Target::parse(&options.url)
        .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {why}", options.url)))?;
    let device = Shared::new(peers::Device::station(options.settings, options.faults.clone()));
    let mut served = Served::start(device, Role::Station, options.control, &options.faults).await?;
    let (device, stop) = (served.device.clone(), served.stop.subscribe());
    served.tasks.push(tokio::spawn(station::dial_when_wanted(target, device, stop)));
    Ok(served)
}

impl Served {
    async fn start(device: Shared, side: Role, control: Option<SocketAddr>, faults: &[Fault]) -> io::Result<Served> {
        let (stop, stopped) = watch::channel(false);
        let mut served = Served { listen: None, control: None, device, stop, tasks: Vec::new() };
        if let Some(address) = control {
            let listener = TcpListener::bind(address).await?;
            served.control = Some(listener.local_addr()?);
            let routes = control::routes(served.device.clone(), side, faults);
            served.tasks.push(tokio::spawn(control::serve(listener, routes, stopped.clone())));
        }
        served.tasks.push(tokio::spawn(device::keep_time(served.device.clone(), stopped)));
        Ok(served)
    }

    /// Where stations connect; `None` for a station.
    pub fn listen(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// Where the control endpoint listens.
    pub fn control(&self) -> Option<SocketAddr> {
        self.control
    }

    /// The ids of the faults that have changed what it does so far.
    pub fn triggered(&self) -> Vec<&'static str> {
        self.device.with(|device, _| device.triggered())
    }

    /// Runs until `stop` is ready, then shuts down.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        stop.await;
        self.shutdown().await;
    }

    /// Says goodbye on every link and ends.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        self.device.with(|device, _| device.close_all());
        let tasks = std::mem::take(&mut self.tasks);
        let deadline = tokio::time::Instant::now() + GOODBYE;
        for mut task in tasks {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Ready when the process is asked to end: Ctrl-C, or SIGTERM where there is one.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
