use std::collections::BTreeMap;

use clap::Parser;

use super::*;

fn settings(
    args: &Args,
    variables: &[(&str, &str)],
    file: Option<&str>,
) -> Result<Settings, Mistakes> {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    let file = file.map(|text| File { name: "relink.toml".to_owned(), text: text.to_owned() });
    resolve(args, |name| variables.get(name).map(|&text| text.to_owned()), file.as_ref())
}

fn set(variables: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    settings(&Args::default(), variables, None)
}

#[test]
fn without_anything_the_defaults_hold() {
    let found = set(&[]).unwrap();
    assert_eq!(found.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(found.data, PathBuf::from("./data"));
    assert_eq!(found.store, StoreSetting::Embedded);
    assert_eq!((&found.admin_token, &found.secret_key), (&None, &None));
    assert!(!found.inbox_events);
    let waits: Vec<_> = found.retry_schedule.iter().map(|wait| duration::format(*wait)).collect();
    assert_eq!(waits.join(","), "5s,5m,30m,2h,5h,10h,14h,20h,1d");
    assert_eq!(found.webhook_timeout, Duration::from_secs(15));
    assert!(found.allow_private.is_empty());
    assert_eq!(found.log_format, LogFormat::Auto);
    assert_eq!(found.mail, None);
    assert_eq!(found.delivery_concurrency, 256);
    assert_eq!((found.endpoint_concurrency, found.mailbox_limit), (8, 1024));
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = Some("listen = \"127.0.0.1:1\"\ndata = \"from-file\"\nstore = \"embedded\"");
    let args = Args { listen: Some("127.0.0.1:3".to_owned()), ..Args::default() };
    let variables = [("RELINK_LISTEN", "127.0.0.1:2"), ("RELINK_DATA", "from-env")];
    let found = settings(&args, &variables, file).unwrap();
    assert_eq!((found.listen.port(), found.data), (3, PathBuf::from("from-env")));
    let found = settings(&Args::default(), &variables[..1], file).unwrap();
    assert_eq!((found.listen.port(), found.data), (2, PathBuf::from("from-file")));
    let found = settings(&Args::default(), &[], file).unwrap();
    assert_eq!(found.listen.port(), 1);
}

#[test]
fn everything_can_be_set_in_the_file() {
    let file = r#"
        store = "esdb://admin:changeit@db:2113?tls=false"
        admin_token = "t0ken"
        secret_key = "file:/run/secrets/relink"
        enable_inbox_events = true
        retry_schedule = ["1s", "250ms"]
        webhook_timeout = "5s"
        allow_private = ["127.0.0.0/8", "fd00::1"]
        log_format = "json"
        delivery_concurrency = 16
        endpoint_concurrency = "4"
        mailbox_limit = 10
    "#;
    let found = settings(&Args::default(), &[], Some(file)).unwrap();
    let store = Secret::new("esdb://admin:changeit@db:2113?tls=false");
    assert_eq!(found.store, StoreSetting::EventStoreDb(store));
    assert_eq!(found.admin_token.as_ref().unwrap().expose(), "t0ken");
    assert_eq!(found.secret_key.as_ref().unwrap().expose(), "file:/run/secrets/relink");
    assert!(found.inbox_events);
    assert_eq!(found.retry_schedule, [1000, 250].map(Duration::from_millis));
    assert_eq!(found.webhook_timeout, Duration::from_secs(5));
    assert_eq!(found.allow_private, ["127.0.0.0/8", "fd00::1/128"].map(|net| net.parse().unwrap()));
    assert_eq!(found.log_format, LogFormat::Json);
    assert_eq!((found.delivery_concurrency, found.endpoint_concurrency), (16, 4));
    assert_eq!(found.mailbox_limit, 10);
    let shown = format!("{found:?}");
    assert!(!shown.contains("changeit") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn inbox_events_are_a_boolean() {
    for (text, expected) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        ("on", true),
        ("false", false),
        ("0", false),
        ("no", false),
        ("off", false),
        ("", false),
    ] {
        let variables = [("ENABLE_INBOX_EVENTS", text)];
        assert_eq!(set(&variables).unwrap().inbox_events, expected, "{text:?}");
    }
    let file = Some("enable_inbox_events = true");
    let found = settings(&Args::default(), &[("ENABLE_INBOX_EVENTS", "")], file).unwrap();
    assert!(!found.inbox_events);
}

#[test]
fn an_empty_variable_is_as_good_as_none() {
    let empty = [("RELINK_RETRY_SCHEDULE", ""), ("RELINK_LISTEN", " "), ("RELINK_SECRET_KEY", "")];
    assert_eq!(set(&empty), set(&[]));
}

#[test]
fn a_timeout_has_a_limit() {
    assert!(set(&[("RELINK_WEBHOOK_TIMEOUT", "1h")]).is_ok());
    let Mistakes(mistakes) = set(&[("RELINK_WEBHOOK_TIMEOUT", "2h")]).unwrap_err();
    assert_eq!(mistakes[0].problem, "2h is longer than 1h");
}

#[test]
fn what_is_empty_in_the_file_was_meant() {
    let found = settings(&Args::default(), &[], Some("retry_schedule = []")).unwrap();
    assert!(found.retry_schedule.is_empty());
    for file in ["admin_token = \"\"", "secret_key = \"\"", "data = \"\"", "listen = \"\""] {
        assert!(settings(&Args::default(), &[], Some(file)).is_err(), "{file}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_key() {
    let args = Args { listen: Some("nowhere".to_owned()), ..Args::default() };
    let variables = [
        ("RELINK_STORE", "esdb:hunter2"),
        ("RELINK_ADMIN_TOKEN", "hunter 2"),
        ("RELINK_SECRET_KEY", "hunter2"),
        ("ENABLE_INBOX_EVENTS", "maybe"),
        ("RELINK_RETRY_SCHEDULE", "5s,soon"),
        ("RELINK_WEBHOOK_TIMEOUT", "0s"),
        ("RELINK_ALLOW_PRIVATE", "127.0.0.0/33"),
        ("RELINK_LOG", "=["),
    ];
    let file = "log_format = \"xml\"\ndelivery_concurrency = 0\nendpoint_concurrency = 1.5\n\
        mailbox_limit = -1\nlisten_on = \"x\"";
    let Mistakes(mistakes) = settings(&args, &variables, Some(file)).unwrap_err();
    let keys: Vec<_> = mistakes.iter().map(|mistake| mistake.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "listen_on in relink.toml",
            "--listen",
            "RELINK_STORE",
            "RELINK_ADMIN_TOKEN",
            "RELINK_SECRET_KEY",
            "ENABLE_INBOX_EVENTS",
            "RELINK_RETRY_SCHEDULE",
            "RELINK_WEBHOOK_TIMEOUT",
            "RELINK_ALLOW_PRIVATE",
            "RELINK_LOG",
            "log_format in relink.toml",
            "delivery_concurrency in relink.toml",
            "endpoint_concurrency in relink.toml",
            "mailbox_limit in relink.toml",
        ]
    );
    let told = Mistakes(mistakes).to_string();
    assert_eq!(told.lines().count(), 14);
    assert!(told.contains("--listen: \"nowhere\" is no IP address with a port"), "{told}");
    assert!(!told.contains("hunter"), "{told}");
}

#[test]
fn a_file_that_is_no_toml_is_one_mistake_that_quotes_no_secret() {
    let broken = "listen = \"127.0.0.1:1\"\nadmin_token = \"hunter2";
    let told = settings(&Args::default(), &[("RELINK_LISTEN", "x")], Some(broken)).unwrap_err();
    assert_eq!(told.0.len(), 2);
    assert!(told.to_string().starts_with("relink.toml: line 2 is no TOML"), "{told}");
    assert!(!told.to_string().contains("hunter"), "{told}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let args = Args { config: Some("/nowhere/relink.toml".to_owned()), ..Args::default() };
    let Mistakes(mistakes) = load(&args, &[]).unwrap_err();
    assert_eq!(mistakes[0].key, "--config");
}

#[test]
fn the_flags_are_where_they_are_promised() {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }
    let cli = Cli::parse_from(["relink", "--listen", "a", "--data", "b", "--store", "c"]);
    assert_eq!(cli.args.listen.as_deref(), Some("a"));
    assert!(Cli::try_parse_from(["relink", "--admin-token", "x"]).is_err());
}

#[test]
fn mail_needs_a_server_and_a_sender() {
    let server = ("RELINK_SMTP_URL", "smtp://u:pass@mail.example.com:2525?tls=required");
    let from = ("RELINK_MAIL_FROM", "Relink <relink@example.com>");
    let found = set(&[server, from]).unwrap().mail.unwrap();
    assert_eq!(found.server.expose(), server.1);
    assert_eq!((found.from.to_string().as_str(), found.frontend), (from.1, None));
    assert_eq!(set(&[from]).unwrap().mail, None);
    let Mistakes(mistakes) = set(&[server]).unwrap_err();
    assert_eq!(mistakes.iter().map(|it| it.key.as_str()).collect::<Vec<_>>(), ["RELINK_MAIL_FROM"]);
}

#[test]
fn mistakes_about_mail_are_told_without_the_password() {
    for (key, text) in [
        ("RELINK_SMTP_URL", "http://u:pass@mail.example.com"),
        ("RELINK_SMTP_URL", "smtp://u:pass@mail.example.com?tls=perhaps"),
        ("RELINK_SMTP_URL", "pass"),
        ("RELINK_MAIL_FROM", "nobody"),
        ("RELINK_FRONTEND_URL", "chat.example.com"),
        ("SMTP_ADDRESS", "a b"),
    ] {
        let Mistakes(mistakes) = set(&[(key, text)]).unwrap_err();
        assert_eq!(mistakes[0].key, key);
        assert!(!mistakes[0].problem.contains("pass@"), "{mistakes:?}");
    }
}

#[test]
fn the_mail_settings_of_chatwoot_do_too() {
    let theirs = [
        ("SMTP_ADDRESS", "mail.example.com"),
        ("SMTP_USERNAME", "a@b"),
        ("SMTP_PASSWORD", "p/w"),
        ("MAILER_SENDER_EMAIL", "Acme <a@example.com>"),
        ("FRONTEND_URL", "https://chat.example.com"),
    ];
    let server = |more: &[(&str, &str)]| {
        let mail = set(&[&theirs, more].concat()).unwrap().mail.unwrap();
        assert_eq!(mail.frontend.unwrap().as_str(), "https://chat.example.com/");
        mail.server.expose().to_owned()
    };
    let to = "a%40b:p%2Fw@mail.example.com";
    assert_eq!(server(&[]), format!("smtp://{to}:587?tls=opportunistic"));
    assert_eq!(server(&[("SMTP_TLS", "true"), ("SMTP_PORT", "465")]), format!("smtps://{to}:465"));
    let ours = [("RELINK_SMTP_URL", "smtps://other"), ("SMTP_PORT", "465")];
    assert_eq!(server(&ours), "smtps://other");
}

#[test]
fn no_password_leaves_the_machine_in_clear_unless_somebody_says_so() {
    let from = ("RELINK_MAIL_FROM", "Relink <relink@example.com>");
    let read = |url: &str| set(&[("RELINK_SMTP_URL", url), from]);
    for url in ["smtp://u:pass@mail.example.com", "smtp://u:pass@10.0.0.1:25?x=tls"] {
        let mistakes = read(url).unwrap_err().0;
        let said = &mistakes[0].problem;
        assert!(said.contains("in clear") && !said.contains("pass@"), "{url}: {said}");
    }
    for url in [
        "smtp://u:pass@mail.example.com?tls=required",
        "smtp://u:pass@mail.example.com?tls=opportunistic",
        "smtp://u:pass@mail.example.com?tls=none",
        "smtps://u:pass@mail.example.com",
        "smtp://mail.example.com:25",
        "smtp://u:pass@127.0.0.1:2525",
        "smtp://u:pass@[::1]:2525",
        "smtp://u:pass@localhost",
    ] {
        let settings = read(url).unwrap().mail.unwrap();
        let clock = std::sync::Arc::new(crate::clock::SystemClock);
        crate::mail::SmtpMail::new(&settings, Duration::from_secs(1), clock).unwrap();
    }
    let theirs = |host| {
        let user = ("SMTP_USERNAME", "u");
        let auto = ("SMTP_ENABLE_STARTTLS_AUTO", "false");
        set(&[("SMTP_ADDRESS", host), user, ("SMTP_PASSWORD", "pass"), auto, from])
    };
    let mistakes = theirs("mail.example.com").unwrap_err().0;
    assert_eq!(mistakes[0].key, "SMTP_ENABLE_STARTTLS_AUTO");
    assert!(theirs("127.0.0.1").unwrap().mail.is_some());
}

#[test]
fn what_is_logged_is_a_level_or_names_modules() {
    assert_eq!(set(&[("RELINK_LOG", "debug")]).unwrap().log.as_deref(), Some("debug"));
    assert_eq!(set(&[("RELINK_LOG", "")]).unwrap().log, None);
    let Mistakes(mistakes) = set(&[("RELINK_LOG", "nonsense")]).unwrap_err();
    let told = "\"nonsense\" is no filter such as info or relink=debug,hyper=warn";
    assert_eq!((mistakes[0].key.as_str(), mistakes[0].problem.as_str()), ("RELINK_LOG", told));
}

#[test]
fn a_key_that_is_about_to_be_opened_must_be_readable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let (setting, name) = (format!("file:{}", file.display()), "RELINK_SECRET_KEY");
    let opening = |keys: &[&str]| {
        let variable = |asked: &str| (asked == name).then(|| setting.clone());
        sources::resolve_opening(keys, &Args::default(), variable, None)
    };
    assert!(opening(&[]).is_ok(), "who does not need it may do without");
    assert!(opening(&["RELINK_NEW_SECRET_KEY"]).is_ok(), "nor who needs another");
    let missing = opening(&[name]).unwrap_err().to_string();
    assert!(missing.starts_with("RELINK_SECRET_KEY: cannot read the secret key in"), "{missing}");
    assert!(missing.contains("No such file"), "{missing}");
    std::fs::write(&file, "hunter2").unwrap();
    let wrong = opening(&[name]).unwrap_err().to_string();
    assert!(wrong.contains("does not hold 32 bytes") && !wrong.contains("hunter"), "{wrong}");
    std::fs::write(&file, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    assert!(opening(&[name]).is_ok());
}

#[test]
fn a_variable_that_looks_like_ours_and_is_none_is_noticed() {
    let names = [
        "RELINK_RETENTON",
        "RELINK_RETENTION",
        "RELINK_CONFIG",
        "RELINK_LOG",
        "RELINK_TEST_ESDB",
        "RELINK_SERVICE_HOST",
        "RELINK_PORT_4000_TCP",
        "RELINK_PORT",
        "RELINK_ADMIN_TOKENS",
        "PATH",
    ];
    let found = unknown(names.into_iter().map(str::to_owned));
    assert_eq!(found, ["RELINK_ADMIN_TOKENS", "RELINK_RETENTON"]);
}
