//! The tests' double of EventStoreDB, standing until it is stopped: to try `--store esdb://` where
//! no server is. It is no server, and forgets everything when it ends.
//!
//! ```sh
//! cargo run --release --example double
//! ```

#[path = "../tests/it"]
mod tests {
    #[allow(dead_code, clippy::unwrap_used, reason = "it is of the tests, which make troubles")]
    pub(super) mod double;
}

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let double = tests::double::Double::start();
    writeln!(std::io::stdout(), "{}", double.url())?;
    loop {
        std::thread::park();
    }
}
