//! `plugfest schema`

use verdict::ExitCode;

use crate::args::{Schema, SchemaKind};
use crate::failure::Failure;

pub(crate) fn run(args: &Schema) -> Result<ExitCode, Failure> {
    let schema = match args.of {
        SchemaKind::Rig => engine::rig::schema(),
        SchemaKind::Case => return Err(Failure::usage("the schema of case files is not built yet")),
    };
    anstream::println!("{schema:#}");
    Ok(ExitCode::Conforming)
}
