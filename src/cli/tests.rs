use super::*;

fn help(arguments: &[&str]) -> String {
    Cli::try_parse_from(arguments).unwrap_err().to_string()
}

fn listen(arguments: &[&str]) -> Option<String> {
    Cli::try_parse_from(arguments).unwrap().settings.listen
}

#[test]
fn the_address_is_a_flag_of_serve_and_shown_there_alone() {
    let address = Some("127.0.0.1:9".to_owned());
    assert_eq!(listen(&["relink", "serve", "--listen", "127.0.0.1:9"]), address);
    assert_eq!(listen(&["relink", "--listen", "127.0.0.1:9", "serve"]), address);
    assert_eq!(listen(&["relink", "serve"]), None);
    assert!(help(&["relink", "serve", "--help"]).contains("--listen <ADDR>"));
    for other in [&["relink", "log", "--help"][..], &["relink", "--help"]] {
        assert!(!help(other).contains("--listen"), "{}", help(other));
    }
}

#[test]
fn every_setting_is_in_the_help_of_serve_and_in_the_readme() {
    let readme = include_str!("../../README.md");
    let help = help(&["relink", "help", "serve"]);
    for variable in config::variables() {
        let row = |line: &&str| line.starts_with('|') && line.contains(&format!("`{variable}`"));
        assert!(help.contains(&format!("  {variable} ")), "{variable} is not in {help}");
        assert!(readme.lines().any(|line| row(&line)), "{variable} is not in the README");
    }
    assert!(help.contains("RELINK_CONFIG") && help.contains("RELINK_LOG "), "{help}");
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    for command in Cli::command().get_subcommands() {
        let (name, typed) = (command.get_name(), format!("| `relink {}", command.get_name()));
        assert!(readme.contains(&typed), "relink {name} is not in the README");
        for part in command.get_subcommands().filter(|_| name != "help") {
            let typed = format!("{typed} {}", part.get_name());
            assert!(readme.contains(&typed), "{typed} is not in the README");
        }
    }
}

#[test]
fn a_shell_completes_the_address_where_it_does_something() {
    let mut completed = completed();
    completed.build();
    let all = Cli::command();
    let names = |command: &clap::Command| {
        let subcommands = command.get_subcommands().map(|it| it.get_name().to_owned());
        subcommands.filter(|name| name != "help").collect::<Vec<_>>()
    };
    assert_eq!(names(&completed), names(&all), "no command is lost");
    let options: Vec<_> = completed.get_arguments().filter_map(|arg| arg.get_long()).collect();
    assert!(options.contains(&"data") && !options.contains(&"listen"), "{options:?}");
    for command in completed.get_subcommands() {
        let listens = command.get_arguments().any(|arg| arg.get_long() == Some("listen"));
        assert_eq!(listens, command.get_name() == "serve", "{}", command.get_name());
    }
}

#[test]
fn a_commands_own_options_stand_before_those_of_all() {
    let help = help(&["relink", "log", "--help"]);
    let place = |option: &str| help.find(option).unwrap();
    assert!(place("--json") < place("--data"), "{help}");
}

#[test]
fn what_an_actor_refuses_is_kept_as_it_is() {
    let refused = Refused::Rejected(actors::installation::Rejection::NoKey);
    let stop = Stop::from(crate::app::StartError::Installation(refused.clone()));
    assert_eq!(stop.status(), 1);
    assert_eq!(stop.error().downcast_ref(), Some(&refused));
    assert_eq!(format!("{:#}", stop.error()), refused.to_string());
}
