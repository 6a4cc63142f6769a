//! The command line; see `relink --help`.

/// glibc keeps the memory of actors that have gone to sleep; mimalloc gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    relink::cli::run()
}
