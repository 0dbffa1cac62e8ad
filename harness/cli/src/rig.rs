//! The rig of a command: from its file, its flags, or both.

use std::path::Path;
use std::time::Duration;

use engine::rig::{Binding, Bindings, Endpoint, Rig, Secret, Token};
use peers::Fault;
use protocol::{Role, Version};
use verdict::{ExitCode, Severity};

use crate::args::Target;
use crate::catalogue;
use crate::failure::Failure;

/// The rig file that is used if there is one.
const DEFAULT: &str = "plugfest.yaml";

/// What is to be tested.
pub(crate) enum Device {
    /// Reference peers in this process, with these faults; both sides if none is named.
    Embedded(Option<Role>, Vec<Fault>),
    /// A device on the network.
    Real(Box<Rig>, Role),
}

impl Device {
    /// The sides and versions that it has, or of these versions those that are asked for.
    pub(crate) fn courses(&self, asked: &[Version]) -> (Vec<Role>, Vec<Version>) {
        match self {
            Device::Embedded(side, _) => {
                let sides = side.map_or(vec![Role::Csms, Role::Station], |side| vec![side]);
                let spoken = |version: &Version| *version != Version::V21;
                let all = || Version::ALL.into_iter().filter(spoken).collect();
                (sides, if asked.is_empty() { all() } else { asked.to_vec() })
            }
            Device::Real(rig, side) => {
                let versions = if rig.versions.is_empty() { vec![Version::V16] } else { rig.versions.clone() };
                (vec![*side], versions)
            }
        }
    }
}

/// What the flags and the rig file amount to.
pub(crate) fn resolve(target: &Target) -> Result<Device, Failure> {
    let named = target.rig.as_deref();
    let by_default = (named.is_none() && !target.embedded && Path::new(DEFAULT).is_file()).then(|| Path::new(DEFAULT));
    let file = named.or(by_default);
    if target.embedded && file.is_some() {
        return Err(Failure::usage("--embedded is a device of its own: it takes no --rig"));
    }
    let nothing = target.device.is_none() && target.url.is_none() && target.listen.is_none() && file.is_none();
    if target.embedded || nothing {
        if target.url.is_some() || target.listen.is_some() {
            return Err(Failure::usage("--embedded is a device of its own: it takes no --url and no --listen"));
        }
        return Ok(Device::Embedded(target.device, crate::device::faults(&target.fault)?));
    }
    let mut rig = match file {
        Some(file) => read(file)?,
        None => Rig::default_for(target.device.or(match (&target.url, &target.listen) {
            (Some(_), _) => Some(Role::Csms),
            (None, Some(_)) => Some(Role::Station),
            (None, None) => None,
        })),
    };
    flags(&mut rig, target)?;
    let Some(device) = rig.device else {
        return Err(Failure::usage(
            "which side is the device? Say --device csms or --device station, or `device:` in the rig",
        ));
    };
    match device {
        Role::Csms if rig.url.is_none() => {
            return Err(Failure::usage("where is the CSMS? Say --url ws://HOST:PORT/PATH, or `url:` in the rig"));
        }
        Role::Station if rig.listen.is_none() => {
            return Err(Failure::usage(
                "where does the station come to? Say --listen 127.0.0.1:9000, or `listen:` in the rig",
            ));
        }
        _ => {}
    }
    let problems: Vec<_> = rig.problems().into_iter().filter(|problem| problem.severity == Severity::Error).collect();
    if !problems.is_empty() {
        return Err(Failure::diagnosed(ExitCode::InvalidFile, problems));
    }
    Ok(Device::Real(Box::new(rig), device))
}

/// Reads a rig file.
pub(crate) fn read(file: &Path) -> Result<Rig, Failure> {
    let source = catalogue::read(file)?;
    Rig::read(&source, &|name| std::env::var(name).ok())
        .map_err(|diagnostics| Failure::diagnosed(ExitCode::InvalidFile, diagnostics))
}

/// Flags win over the file.
fn flags(rig: &mut Rig, target: &Target) -> Result<(), Failure> {
    if let Some(device) = target.device {
        rig.device = Some(device);
    }
    if let Some(url) = &target.url {
        rig.url = Some(url.clone());
        rig.device = target.device.or(Some(Role::Csms));
    }
    if let Some(listen) = &target.listen {
        rig.listen = Some(listen.clone());
        rig.device = target.device.or(Some(Role::Station));
    }
    if !target.ocpp.is_empty() {
        rig.versions = target.ocpp.clone();
    }
    if !target.identity.is_empty() {
        rig.identities = target.identity.clone();
    }
    if let Some(variable) = &target.password_env {
        let password = std::env::var(variable).map_err(|_| {
            Failure::usage(format!(
                "--password-env {variable}: there is no such variable in the environment, or it is not UTF-8"
            ))
        })?;
        rig.password = Some(Secret::new(variable, password));
    }
    if let Some(ca) = &target.ca {
        rig.tls.ca = Some(ca.display().to_string());
    }
    for (name, value) in &target.tag {
        let group = rig.tags.get(name).and_then(|token| token.group.clone());
        rig.tags.insert(name.clone(), Token { group, ..Token::new(value) });
        rig.stated_tags.insert(name.clone());
    }
    if let Some(url) = &target.driver_url {
        rig.drivers = Bindings::all(binding(url, rig.device));
    }
    Ok(())
}

/// How long a control interface has to say what it is.
const RECOGNITION: Duration = Duration::from_secs(2);

/// The control interface at a URL. `plugfest+http:`, `octt+http:` and `tzi+http:` say which; otherwise it is asked
/// whether it is that of `plugfest serve`, and if not it is the one that vendors of this side have.
fn binding(url: &str, device: Option<Role>) -> Binding {
    let named = ["plugfest", "octt", "tzi"]
        .into_iter()
        .find_map(|kind| Some((kind, url.strip_prefix(kind)?.strip_prefix('+')?)));
    let (kind, url) = named.unwrap_or(("", url));
    let endpoint = Endpoint::at(url);
    match (kind, device) {
        ("plugfest", _) => Binding::Plugfest(endpoint),
        ("octt", _) => Binding::OcttSut(endpoint),
        ("tzi", _) => Binding::TziTrigger(endpoint),
        _ if is_plugfest(url) => Binding::Plugfest(endpoint),
        (_, Some(Role::Station)) => Binding::OcttSut(endpoint),
        _ => Binding::TziTrigger(endpoint),
    }
}

fn is_plugfest(url: &str) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.is_ok_and(|runtime| runtime.block_on(engine::drivers::is_plugfest(url, RECOGNITION)))
}
