//! The command line; see `relink --help`.

fn main() {}
