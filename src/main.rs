//! The `engine` command; everything it does is in the library.

fn main() -> std::process::ExitCode {
    engine::cli::main()
}
