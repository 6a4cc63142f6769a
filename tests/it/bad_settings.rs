//! Settings, folders and ports that cannot be: a clear message, the right status, nothing written.

use std::fs;

use tokio::net::TcpListener;

use crate::relink::Place;
use crate::steps::register;

#[tokio::test]
async fn all_mistakes_are_told_at_once_each_with_its_key() {
    let wrong = [
        ("RELINK_LISTEN", "nowhere"),
        ("RELINK_STORE", "carrier-pigeon"),
        ("RELINK_RETRY_SCHEDULE", "5s,soon"),
        ("RELINK_WEBHOOK_TIMEOUT", "patience"),
        ("RELINK_ALLOW_PRIVATE", "127.0.0.0/99"),
        ("RELINK_LOG_FORMAT", "verse"),
        ("RELINK_SECRET_KEY", "too-short"),
        ("RELINK_LOG", "=["),
        ("ENABLE_INBOX_EVENTS", "perhaps"),
    ];
    let place = wrong.iter().fold(Place::new(), |place, (name, value)| place.set(name, value));
    let done = place.run(&["serve"]).await;
    done.refused(2);
    for (name, _) in wrong {
        assert!(done.stderr.contains(name), "{name} is not named:\n{}", done.stderr);
    }
    assert!(!done.stderr.contains("too-short"), "a secret is never shown:\n{}", done.stderr);
    assert!(!place.data().exists(), "nothing is written");
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_told_with_the_other_mistakes() {
    let missing = "file:/nowhere/relink.key";
    let place = Place::new().set("RELINK_SECRET_KEY", missing).set("RELINK_WEBHOOK_TIMEOUT", "0");
    let done = place.run(&["serve"]).await;
    done.refused(2);
    for told in ["RELINK_SECRET_KEY", "/nowhere/relink.key", "RELINK_WEBHOOK_TIMEOUT"] {
        assert!(done.stderr.contains(told), "{told} is not told:\n{}", done.stderr);
    }
    // Who needs no key reads without.
    place.unset("RELINK_WEBHOOK_TIMEOUT").run(&["verify"]).await.refused(3);
}

#[tokio::test]
async fn what_can_be_used_and_is_hardly_meant_is_told_at_the_start() {
    let place = Place::new().set("RELINK_RETENTON", "off").set("RELINK_TEST_SOMETHING", "1");
    let relink = place.set("RELINK_ADMIN_TOKEN", "guess-me").serve().await;
    let said = relink.kill().await;
    let told = "RELINK_RETENTON is set, and there is no such setting: it does nothing; \
        RELINK_RETENTION is one";
    assert!(said.contains(told), "{said}");
    assert!(said.contains("RELINK_ADMIN_TOKEN has less than 16 characters"), "{said}");
    assert!(!said.contains("RELINK_TEST") && !said.contains("guess-me"), "{said}");
}

#[tokio::test]
async fn what_the_system_says_is_told_once() {
    let place = Place::new().set("RELINK_DATA", "/proc/relink-data");
    let said = place.run(&["serve"]).await.stderr;
    assert_eq!(said.matches("os error").count(), 1, "{said}");
    let said = Place::new().set("RELINK_LOG", "=[").run(&["serve"]).await.stderr;
    assert_eq!(said.matches("filter").count(), 1, "{said}");
}

#[tokio::test]
async fn a_log_to_copy_to_that_is_none_is_told_with_its_option() {
    // There is no log to copy either, which is the smaller mistake.
    let place = Place::new();
    for (target, told) in [("hunter2", "--to: neither"), ("embedded:", "--to: embedded:")] {
        let done = place.run(&["copy", "--to", target]).await;
        done.refused(2);
        assert!(done.stderr.contains(told) && !done.stderr.contains("hunter2"), "{done:?}");
    }
}

#[tokio::test]
async fn a_mistake_in_the_file_is_told_with_its_key() {
    let place = Place::new();
    let file = place.data().with_file_name("relink.toml");
    fs::write(&file, "webhook_timeout = \"patience\"\nparrot = true\n").unwrap();
    let done = place.run(&["serve"]).await;
    done.refused(2);
    assert!(done.stderr.contains("webhook_timeout"), "{}", done.stderr);
    assert!(done.stderr.contains("parrot"), "an unknown key is a mistake: {}", done.stderr);
    fs::write(&file, "= nonsense").unwrap();
    let done = place.run(&["serve"]).await;
    done.refused(2);
    assert!(done.stderr.contains("relink.toml"), "{}", done.stderr);
}

#[tokio::test]
async fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let place = Place::new().set("RELINK_WEBHOOK_TIMEOUT", "15s");
    let file = place.data().with_file_name("relink.toml");
    fs::write(&file, "webhook_timeout = \"patience\"\nlisten = \"nowhere\"\n").unwrap();
    // The environment hides both mistakes of the file, until a flag makes one of its own.
    let done = place.run(&["serve", "--listen", "also-nowhere"]).await;
    done.refused(2);
    assert!(done.stderr.contains("also-nowhere"), "{}", done.stderr);
    assert!(!done.stderr.contains("patience"), "{}", done.stderr);
    assert!(!done.stderr.contains("\"nowhere\""), "{}", done.stderr);
}

#[tokio::test]
async fn bad_usage_is_2() {
    let place = Place::new();
    for arguments in [
        &["parrot"][..],
        &["serve", "--parrot"],
        &["at"],
        &["log", "--from", "noon"],
        &["token", "create", "--account", "1"],
        &["token", "create", "--account", "1", "--role", "king"],
    ] {
        place.run(arguments).await.refused(2);
    }
    assert!(place.run_well(&["--help"]).await.contains("serve"));
    assert!(place.run_well(&["--version"]).await.contains("relink"));
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_3() {
    let place = Place::new();
    fs::write(place.data(), "a file, not a folder").unwrap();
    let done = place.run(&["serve"]).await;
    done.refused(3);
    let folder = place.data().display().to_string();
    assert!(done.stderr.contains(&folder), "it names the folder: {}", done.stderr);
    assert_eq!(fs::read_to_string(place.data()).unwrap(), "a file, not a folder");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_3() {
    // Not even root can make a folder there.
    let place = Place::new().set("RELINK_DATA", "/proc/relink-data");
    for command in [&["serve"][..], &["token", "create", "--account", "1", "--role", "agent"]] {
        let done = place.run(command).await;
        done.refused(3);
        assert!(done.stderr.contains("/proc/relink-data"), "{}", done.stderr);
    }
}

#[tokio::test]
async fn reading_a_log_that_is_not_there_is_3_and_makes_none() {
    let place = Place::new();
    for command in [&["log"][..], &["at", "inbox/42", "1"], &["verify"], &["rebuild"]] {
        place.run(command).await.refused(3);
    }
    assert!(!place.data().exists(), "nothing is written");
}

#[tokio::test]
async fn a_port_in_use_is_2_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let done = place.run(&["serve", "--listen", &address]).await;
    done.refused(2);
    assert!(done.stderr.contains(&address), "it names the address: {}", done.stderr);
    assert!(done.stderr.contains("--listen"), "and the option: {}", done.stderr);
    assert!(!place.data().exists(), "nothing is written");
}

#[tokio::test]
async fn a_second_serve_is_refused_and_names_the_first() {
    let place = Place::new();
    let relink = place.serve().await;
    register(&relink.api()).await;
    let before = place.log().await.len();

    let done = place.run(&["serve"]).await;
    done.refused(3);
    let process = relink.process().to_string();
    assert!(done.stderr.contains(&process), "not process {process}: {}", done.stderr);
    assert_eq!(place.log().await.len(), before);
    assert_eq!(relink.api().get("//healthz").await.status, 200, "the first goes on");

    relink.kill().await;
    place.serve().await;
}
