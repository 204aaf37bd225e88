//! The `tenantry` program: hands the process's arguments and surroundings to the library.

use std::process::ExitCode;

use tenantry::environment::{Environment, Stream};

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = Stream::Stderr.write(format!("error: the runtime does not start: {error}\n").as_bytes());
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(tenantry::run(std::env::args_os(), Environment::of_process()));
    // After Ctrl-C a blocking task may still be at work; the process ends without waiting for it.
    runtime.shutdown_background();
    exit
}
