//! `plugfest serve`

use std::net::SocketAddr;

use peers::{CsmsSettings, StationSettings};
use protocol::{Role, Version};
use verdict::ExitCode;

use crate::args::Serve;
use crate::device;
use crate::failure::Failure;

pub(crate) fn run(args: &Serve) -> Result<ExitCode, Failure> {
    let faults = device::faults(&args.fault)?;
    if let Some(other) = faults.iter().find(|fault| fault.info().side != args.device) {
        return Err(Failure::usage(format!("the fault {} is one of a {}", other.info().id, other.info().side)));
    }
    let control = Some(address("--control", &args.control)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(ExitCode::NotJudged, format!("the runtime does not start: {error}")))?;
    let cannot = |error: std::io::Error| Failure::new(ExitCode::NotJudged, format!("cannot serve: {error}"));
    runtime.block_on(async {
        let served = match args.device {
            Role::Csms => {
                let first = args.ocpp.first().copied().unwrap_or(Version::V16);
                let mut settings = CsmsSettings::standard(first);
                settings.versions =
                    if args.ocpp.is_empty() { vec![Version::V201, Version::V16] } else { args.ocpp.clone() };
                let listen = address("--listen", &args.listen)?;
                serve::csms(serve::CsmsOptions { listen, control, settings, faults }).await.map_err(cannot)?
            }
            Role::Station => {
                let version = match args.ocpp.as_slice() {
                    [] => Version::V16,
                    [one] => *one,
                    _ => return Err(Failure::usage("a station speaks one version: give --ocpp once")),
                };
                let mut settings = StationSettings::named(version, &args.equipment).ok_or_else(|| {
                    let names: Vec<&str> = peers::configurations(version).iter().map(|(name, ..)| *name).collect();
                    Failure::usage(format!(
                        "no equipment is called \"{}\"; one of {}",
                        args.equipment,
                        names.join(", ")
                    ))
                })?;
                if let Some(identity) = &args.identity {
                    settings.identity = identity.clone();
                }
                let url = args.url.clone();
                serve::station(serve::StationOptions { url, control, settings, faults }).await.map_err(cannot)?
            }
        };
        match (served.listen(), args.device) {
            (Some(listen), _) => anstream::println!("csms listening at ws://{listen}/"),
            (None, _) => anstream::println!("station connecting to {}", args.url),
        }
        if let Some(control) = served.control() {
            anstream::println!("control endpoint at http://{control}");
        }
        served.run_until(serve::interrupted()).await;
        Ok(ExitCode::Conforming)
    })
}

fn address(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    text.parse().map_err(|_| Failure::usage(format!("{flag} {text}: expected an address such as 127.0.0.1:9000")))
}
