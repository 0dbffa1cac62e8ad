//! How many messages a second the reference peers take in the process, on one core, with everything that is watched:
//! `cargo run --release --example rate -- fuzz/corpus`. Processor time counts, not the clock on the wall.

use std::fs;
use std::io::Error;
use std::path::{Path, PathBuf};

use protocol::generate::Seeded;
use streams::in_process::reference::{Csms16, Csms201, Station16, Station201};
use streams::in_process::{BEGIN, InProcessDevice, play};
use streams::mutator;

fn main() -> Result<(), Error> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("corpus"), PathBuf::from);
    device::<Station16>("station_16", &folder)?;
    device::<Station201>("station_201", &folder)?;
    device::<Csms16>("csms_16", &folder)?;
    device::<Csms201>("csms_201", &folder)?;
    let seeds = read(&folder.join("frame"))?;
    let mut size = 0;
    let began = processor_time()?;
    let mut count = 0_u64;
    while processor_time()? - began < 2.0 {
        for seed in &seeds {
            size += mutator::mutate(seed, 4096, &mut Seeded::new(count)).len();
            count += 1;
        }
    }
    let seconds = processor_time()? - began;
    println!("mutator: {:.0} mutants a second of {} bytes", count as f64 / seconds, size / count.max(1) as usize);
    Ok(())
}

fn device<D: InProcessDevice>(name: &str, folder: &Path) -> Result<(), Error> {
    let seeds = read(&folder.join(name))?;
    let (mut inputs, mut messages) = (0_u64, 0_u64);
    let began = processor_time()?;
    while processor_time()? - began < 2.0 {
        for seed in &seeds {
            let mut device = D::power_on(BEGIN);
            let played = play(&mut device, seed).map_err(|violation| Error::other(violation.to_string()))?;
            inputs += 1;
            messages += (played.sent + played.received) as u64;
        }
    }
    let seconds = processor_time()? - began;
    let each = |count: u64| count as f64 / seconds;
    println!("{name}: {:.0} messages a second, {:.0} conversations", each(messages), each(inputs));
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let mut seeds = Vec::new();
    for file in fs::read_dir(folder)? {
        seeds.push(fs::read(file?.path())?);
    }
    Ok(seeds)
}

/// Seconds that this process has computed, as Linux tells it.
fn processor_time() -> Result<f64, Error> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    Ok(nanoseconds / 1e9)
}
