//! The real binary in a folder of its own: started, asked, killed, started again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::api::Api;

/// The installation-wide administrator's token in all tests.
pub(crate) const ADMIN: &str = "administrator-of-the-tests-0123456789";

/// Nothing that a test waits for takes longer; a debug build on a busy machine included.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A folder and settings: a place where one Relink after another may run.
pub(crate) struct Place {
    folder: TempDir,
    settings: BTreeMap<String, String>,
}

impl Place {
    /// A fresh one, whose deliveries may reach this machine.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let place = Self { folder, settings: BTreeMap::new() };
        place.set("RELINK_ADMIN_TOKEN", ADMIN).set("RELINK_ALLOW_PRIVATE", "127.0.0.0/8")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.settings.remove(name);
        self
    }

    /// Where the log is.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file beside it.
    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"))
            .env("RELINK_DATA", self.data())
            .env("RELINK_LISTEN", "127.0.0.1:0")
            .envs(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// One command, to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Done {
        let output = timeout(DEADLINE, self.command(arguments).output())
            .await
            .unwrap_or_else(|_| panic!("relink {arguments:?} does not end"))
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Done {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// One command that must succeed.
    pub(crate) async fn run_well(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments).await;
        assert_eq!(done.code, Some(0), "relink {arguments:?}: {done:?}");
        done.stdout
    }

    /// The service, listening.
    pub(crate) async fn serve(&self) -> Relink {
        Relink::start(self.command(&["serve"])).await
    }

    /// Everything in the log, as `relink log --json` prints it.
    pub(crate) async fn log(&self) -> Vec<Value> {
        let printed = self.run_well(&["log", "--json"]).await;
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The events of one wire name.
    pub(crate) async fn log_of(&self, kind: &str) -> Vec<Value> {
        self.log().await.into_iter().filter(|event| event["type"] == kind).collect()
    }

    /// Follows the log until as many events of the wire name are in it; the last one's position.
    pub(crate) async fn written(&self, kind: &str, count: usize) -> u64 {
        self.written_behind(0, kind, count).await
    }

    /// The same of what stands behind a position.
    pub(crate) async fn written_behind(&self, behind: u64, kind: &str, count: usize) -> u64 {
        let from = (behind + 1).to_string();
        let follow = ["log", "--follow", "--json", "--from", &from];
        let mut child = self.command(&follow).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let follow = async {
            let mut seen = 0;
            while let Some(line) = lines.next_line().await.unwrap() {
                let event: Value = serde_json::from_str(&line).unwrap();
                seen += usize::from(event["type"] == kind);
                if seen == count {
                    return event["position"].as_u64().unwrap();
                }
            }
            panic!("relink log --follow ended behind {seen} of {count} {kind}");
        };
        let position = timeout(DEADLINE, follow)
            .await
            .unwrap_or_else(|_| panic!("the log never has {count} {kind}"));
        child.kill().await.unwrap();
        position
    }

    /// A token made at the command line.
    pub(crate) async fn token(&self, account: u64, role: &str) -> String {
        let account = account.to_string();
        let arguments = ["token", "create", "--account", &account, "--role", role];
        let printed = self.run_well(&arguments).await;
        let longest = printed.split_whitespace().max_by_key(|word| word.len());
        longest.expect("a token is printed").to_owned()
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    /// Fails unless it ended with this status, in words and not in a panic.
    pub(crate) fn refused(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(!self.stderr.trim().is_empty(), "nothing was said: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// Everything that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// A running service.
pub(crate) struct Relink {
    child: Child,
    address: String,
    said: watch::Receiver<String>,
}

impl Relink {
    async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary can be started");
        let (say, said) = watch::channel(String::new());
        listen(child.stdout.take().unwrap(), say.clone());
        listen(child.stderr.take().unwrap(), say);
        let mut relink = Self { child, address: String::new(), said };
        let line = "listening on http://";
        let text = relink.says(|text| text.contains(line)).await;
        let (_, rest) = text.split_once(line).unwrap();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':');
        rest[..end.unwrap_or(rest.len())].clone_into(&mut relink.address);
        relink
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Account 1, as the administrator of the installation.
    pub(crate) fn api(&self) -> Api {
        Api::new(&self.address, ADMIN)
    }

    /// Waits until what it has printed is so; all that it has printed by then.
    pub(crate) async fn says(&self, so: impl Fn(&str) -> bool) -> String {
        let mut said = self.said.clone();
        match timeout(DEADLINE, said.wait_for(|text| so(text))).await {
            Ok(Ok(text)) => text.clone(),
            Ok(Err(_)) => panic!("the service ended and never said it"),
            Err(_) => panic!("the service does not say it"),
        }
    }

    /// `kill -9`; all that it has ever printed.
    pub(crate) async fn kill(mut self) -> String {
        self.child.kill().await.unwrap();
        while self.said.changed().await.is_ok() {}
        self.said.borrow().clone()
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        let process = i32::try_from(self.process()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(process, Signal::TERM).unwrap();
        let ended = timeout(DEADLINE, self.child.wait()).await;
        ended.expect("SIGTERM ends it").unwrap()
    }
}

impl Drop for Relink {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the service said:\n{}", *self.said.borrow());
        }
    }
}

fn listen(stream: impl AsyncRead + Unpin + Send + 'static, say: watch::Sender<String>) {
    let mut lines = BufReader::new(stream).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            say.send_modify(|said| {
                said.push_str(&line);
                said.push('\n');
            });
        }
    });
}

/// `RELINK_BIN`, else what lies beside this test, or what cargo built a folder above.
fn binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().unwrap();
        let name = format!("relink{}", std::env::consts::EXE_SUFFIX);
        let at = |up| test.ancestors().nth(up).map(|folder| folder.join(&name));
        let beside = at(1).filter(|binary| binary.is_file());
        beside.or_else(|| at(2)).unwrap_or_default()
    };
    let binary = std::env::var_os("RELINK_BIN").map_or_else(beside, PathBuf::from);
    assert!(binary.is_file(), "{} is not built, and RELINK_BIN names no other", binary.display());
    binary
}
