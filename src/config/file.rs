//! Finds the settings file and asks the process's environment.

use std::fs;
use std::io::ErrorKind;

use super::sources::resolve_opening;
use super::{Args, File, Mistake, Mistakes, Settings};

const DEFAULT: &str = "relink.toml";

/// The settings of this process: its flags, its environment, and the file that they name. The keys
/// behind these variables are about to be opened.
///
/// # Errors
/// All mistakes of all sources; a file that was named and cannot be read is one.
pub fn load(args: &Args, keys: &[&str]) -> Result<Settings, Mistakes> {
    let variable = |name: &str| std::env::var_os(name).map(|os| os.to_string_lossy().into_owned());
    let named = match &args.config {
        Some(path) => Some(("--config", path.clone())),
        None => variable("RELINK_CONFIG")
            .filter(|path| !path.is_empty())
            .map(|path| ("RELINK_CONFIG", path)),
    };
    let (key, name) = named.clone().unwrap_or((DEFAULT, DEFAULT.to_owned()));
    match fs::read_to_string(&name) {
        Ok(text) => resolve_opening(keys, args, variable, Some(&File { name, text })),
        Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => {
            resolve_opening(keys, args, variable, None)
        }
        Err(error) => {
            let problem = format!("cannot read {name}: {error}");
            let mut mistakes = vec![Mistake { key: key.to_owned(), problem }];
            let others = resolve_opening(keys, args, variable, None);
            mistakes.extend(others.err().map_or(vec![], |Mistakes(all)| all));
            Err(Mistakes(mistakes))
        }
    }
}
