//! The `keywright` program: see [`keywright::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    keywright::secret::memory::protect();
    keywright::cli::main(std::env::args_os())
}
