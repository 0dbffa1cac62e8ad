//! `plugfest show`

use verdict::ExitCode;

use crate::args::Show;
use crate::catalogue;
use crate::failure::Failure;

pub(crate) fn run(args: &Show) -> Result<ExitCode, Failure> {
    let library = catalogue::load(&args.cases)?;
    let pages: Vec<String> =
        library.cases().iter().filter(|case| case.id.value == args.case).map(|case| script::page(case)).collect();
    if pages.is_empty() {
        let ids = library.cases().iter().map(|case| case.id.value.as_str());
        let near = protocol::catalogue::suggest(&args.case, ids).map(|near| format!("; did you mean \"{near}\"?"));
        return Err(Failure::usage(format!("there is no case \"{}\"{}", args.case, near.unwrap_or_default())));
    }
    anstream::println!("{}", pages.join("\n").trim_end());
    Ok(ExitCode::Conforming)
}
