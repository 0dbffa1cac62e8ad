//! `plugfest schema`

use verdict::ExitCode;

use crate::args::{Schema, SchemaKind};
use crate::failure::Failure;

pub(crate) fn run(args: &Schema) -> Result<ExitCode, Failure> {
    let schema = match args.of {
        SchemaKind::Rig => engine::rig::schema(),
        SchemaKind::Case => script::schema(),
    };
    anstream::println!("{schema:#}");
    Ok(ExitCode::Conforming)
}
