//! Rules that matter, as tests: arrows between the folders, length, names, and what the core may
//! not touch. The tree is read as it is when the tests run, and where they run: cargo starts them
//! in the folder of the package, and so must whoever starts the compiled binary.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const CORE: [&str; 3] = ["events", "actors", "projections"];
const FOLDERS: [&str; 5] = ["events", "actors", "projections", "src", "tests"];
const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 100;

/// Words that hide that nobody decided what belongs together.
const VAGUE: [&str; 10] =
    ["utils", "helpers", "common", "misc", "types", "models", "manager", "service", "core", "mod"];

/// What would make the core open something, or know what time it is. Clippy denies std's `Instant`;
/// tokio's is none of the world's, for a test can pause it.
const WORLD: [&str; 11] = [
    "reqwest",
    "axum",
    "rusqlite",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "tokio::fs",
    "tokio::net",
    "SystemTime",
    "getrandom",
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    fn is_test(&self) -> bool {
        self.path.starts_with("tests")
            || self.path.components().any(|part| part.as_os_str() == "tests")
            || self.path.ends_with("tests.rs")
    }

    fn lies_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The lines that are code, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    let root = std::env::current_dir().unwrap();
    let here = root.join("tests/tidy.rs").is_file();
    assert!(here, "{} is not the package that these rules are about", root.display());
    root
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in FOLDERS.into_iter().chain(["benches"]) {
        collect(&root, &root.join(folder), &mut found);
    }
    assert!(found.len() > 30, "only {} files were found: the rules see nothing", found.len());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                collect(root, &path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
        }
    }
}

/// Fails with every place at once, so that one run tells all there is to mend.
fn nothing_of(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}:\n  {}\n", offences.join("\n  "));
}

/// Every line of code in these sources that has one of the words.
fn lines_with<'a>(words: &[&str], within: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut offences = Vec::new();
    for source in within {
        for (number, line) in source.code() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                offences.push(format!("{}:{number}: {word}", source.path.display()));
            }
        }
    }
    offences
}

/// Whether the word stands in the line as a word, not as part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

fn dependencies(folder: &str) -> toml::Table {
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().clone()
}

#[test]
fn a_word_is_seen_only_when_it_stands_alone() {
    assert!(has_word("use ractor::Actor;", "ractor"));
    assert!(!has_word("// what a refractor does", "ractor"));
    assert!(!has_word("SystemTimes", "SystemTime"));
}

#[test]
fn events_depend_on_no_other_folder_and_on_tokio_only_for_the_contract() {
    let dependencies = dependencies("events");
    for folder in ["actors", "projections", "relink"] {
        assert!(!dependencies.contains_key(folder), "events depends on {folder}");
    }
    let optional = |tokio: &toml::Value| tokio.get("optional").and_then(toml::Value::as_bool);
    let tokio = dependencies.get("tokio");
    assert!(tokio.is_none_or(|tokio| optional(tokio) == Some(true)), "events always needs tokio");
}

#[test]
fn actors_and_projections_do_not_know_each_other() {
    for (folder, other) in [("actors", "projections"), ("projections", "actors")] {
        let dependencies = dependencies(folder);
        assert!(dependencies.contains_key("events"), "{folder} does not know what happened");
        assert!(!dependencies.contains_key(other), "{folder} depends on {other}");
        assert!(!dependencies.contains_key("relink"), "{folder} depends on the service");
    }
}

#[test]
fn the_core_opens_nothing_and_has_no_clock() {
    let sources = sources();
    let core = sources.iter().filter(|source| CORE.iter().any(|folder| source.lies_in(folder)));
    let code = core.filter(|source| !source.is_test());
    nothing_of("the core meets the world", lines_with(&WORLD, code));
}

#[test]
fn only_the_clock_knows_what_time_it_is() {
    let sources = sources();
    let code = sources.iter().filter(|source| {
        source.lies_in("src") && !source.path.ends_with("src/clock.rs") && !source.is_test()
    });
    nothing_of("a clock beside the clock", lines_with(&["SystemTime::now"], code));
}

#[test]
fn only_the_shell_the_registry_and_the_supervisor_name_the_actor_library() {
    let sources = sources();
    let others = sources.iter().filter(|source| {
        let own = ["shell", "registry", "supervisor"].iter().any(|name| {
            let file = Path::new("actors/src").join(name);
            source.path.starts_with(&file) || source.path == file.with_extension("rs")
        });
        !own && !source.path.ends_with("tests/tidy.rs")
    });
    nothing_of("the actor library is named", lines_with(&["ractor"], others));
}

#[test]
fn no_file_is_long_and_no_line_is_wide() {
    let mut offences = Vec::new();
    for source in sources() {
        let path = source.path.display();
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            offences.push(format!("{path} has {lines} lines"));
        }
        for (index, line) in source.text.lines().enumerate() {
            if line.chars().count() > COLUMNS_MAX {
                offences.push(format!("{path}:{} has {} columns", index + 1, line.chars().count()));
            }
        }
    }
    nothing_of("too long", offences);
}

#[test]
fn every_file_says_first_what_it_is_for() {
    // A `tests.rs` is for what it is named after.
    let silent = sources()
        .into_iter()
        .filter(|source| !source.path.ends_with("tests.rs") && !source.text.starts_with("//! "));
    nothing_of("no first line", silent.map(|source| source.path.display().to_string()).collect());
}

#[test]
fn no_name_is_vague() {
    let vague = sources().into_iter().filter(|source| {
        source.path.with_extension("").iter().any(|part| VAGUE.iter().any(|name| part == *name))
    });
    nothing_of("vague names", vague.map(|source| source.path.display().to_string()).collect());
}

#[test]
fn nothing_is_left_open_and_no_test_is_passed_over() {
    // Put together here, so that this file does not offend against itself.
    let open = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore")];
    let mut offences = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            for word in open.iter().filter(|word| line.contains(**word)) {
                offences.push(format!("{}:{}: {word}", source.path.display(), index + 1));
            }
        }
    }
    nothing_of("left open", offences);
}

#[test]
fn no_test_sleeps() {
    let sources = sources();
    let tests = || sources.iter().filter(|source| source.is_test());
    nothing_of("a test sleeps", lines_with(&[concat!("thread::", "sleep")], tests()));
    // Where time is paused, to sleep is to put the clock forward.
    let real = tests().filter(|source| !source.text.contains("start_paused = true"));
    nothing_of("a test sleeps", lines_with(&[concat!("time::", "sleep")], real));
}

#[test]
fn a_category_on_the_wire_has_no_hyphen() {
    let mut seen = 0;
    for source in sources().iter().filter(|source| source.lies_in("events/src")) {
        for (number, line) in source.code() {
            let Some(name) = line.trim().strip_prefix("category \"") else { continue };
            let name = name.trim_end_matches("\";");
            seen += 1;
            let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(plain, "{}:{number}: category {name:?}", source.path.display());
        }
    }
    assert!(seen >= 8, "only {seen} categories were found: the rule sees nothing");
}

/// Whether a file defines a test of this name, and lies where `place` says: all of its parts are
/// among the file's folders and its own name.
fn has_test(source: &Source, place: &[&str], name: &str) -> bool {
    let parts: Vec<_> = source.path.with_extension("").iter().map(ToOwned::to_owned).collect();
    source.is_test()
        && place.iter().all(|wanted| parts.iter().any(|part| part == *wanted))
        && source.text.contains(&format!("fn {name}("))
}

#[test]
fn the_tests_that_the_table_of_compatibility_names_are_there() {
    let text = fs::read_to_string(root().join("docs/compatibility.md")).unwrap();
    let sources = sources();
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|quoted| quoted.rsplit_once("::"));
    let named: Vec<_> = named.filter(|(_, name)| name.len() > "NAME".len()).collect();
    assert!(named.len() > 40, "only {} tests were found: the rule sees nothing", named.len());
    let missing = named.into_iter().filter(|(place, name)| {
        let place: Vec<_> = place.split("::").collect();
        !sources.iter().any(|source| has_test(source, &place, name))
    });
    nothing_of("no such test", missing.map(|(place, name)| format!("{place}::{name}")).collect());
}

/// The paths of all `.route("...")` and `under!("...")` in a source.
fn routes(source: &Source) -> impl Iterator<Item = String> {
    let stems = [(".route(\"", ""), ("under!(\"", "/api/v1/accounts/{account}")];
    stems.into_iter().flat_map(|(before, stem)| {
        let found = source.text.split(before).skip(1).filter_map(|rest| rest.split('"').next());
        found.map(move |route| format!("{stem}{route}"))
    })
}

#[test]
fn every_route_that_is_there_is_described() {
    // The console's are in a file of their own.
    let console = ["/", "/console.css", "/console.js"];
    let sources = sources();
    let code = sources.iter().filter(|source| source.lies_in("src/http") && !source.is_test());
    let there: BTreeSet<_> = code.flat_map(routes).chain(console.map(str::to_owned)).collect();
    let document = fs::read_to_string(root().join("src/http/openapi.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let described: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, there);
}

#[test]
fn every_golden_file_is_one_that_the_tests_hold_events_to() {
    let named = fs::read_to_string(root().join("events/src/codec/tests/golden.rs")).unwrap();
    let files = fs::read_dir(root().join("events/golden")).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let shapes: BTreeSet<_> = files.map(|file| stem(file.unwrap().path())).collect();
    let unnamed = shapes.into_iter().filter(|shape| !named.contains(&format!("\"{shape}\"")));
    nothing_of("not named in golden.rs", unnamed.collect());
}
