//! `plugfest init`

use std::io::Write;

use verdict::ExitCode;

use crate::args::Init;
use crate::failure::Failure;

pub(crate) fn run(args: &Init) -> Result<ExitCode, Failure> {
    if let Some(side @ ("csms" | "station")) = args.file.to_str() {
        return Err(Failure::usage(format!("\"{side}\" would be the file; is `plugfest init --device {side}` meant?")));
    }
    let text = engine::rig::template(args.device);
    let cannot = |error: std::io::Error| Failure::usage(format!("{}: {error}", args.file.display()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(&args.file).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{} is there already; --force writes over it", args.file.display()))
        }
        _ => cannot(error),
    })?;
    file.write_all(text.as_bytes()).map_err(cannot)?;
    anstream::println!("wrote {}; next: edit it, then `plugfest doctor`", args.file.display());
    Ok(ExitCode::Conforming)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use protocol::Role;

    use super::*;

    #[test]
    fn a_side_is_no_name_of_a_file() {
        for side in ["csms", "station"] {
            let args = Init { device: Role::Csms, file: PathBuf::from(side), force: false };
            let refused = run(&args).unwrap_err().text;
            assert!(refused.contains(&format!("plugfest init --device {side}")), "{refused}");
        }
    }
}
