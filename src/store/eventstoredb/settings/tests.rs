use eventstore::Credentials;

use super::*;

#[test]
fn one_node_and_a_cluster_are_read_as_the_client_does() {
    let one = EventStoreDbSettings::parse("esdb://localhost:2113?tls=false").unwrap();
    assert_eq!(one.client.hosts().len(), 1);
    assert!(!one.client.is_secure_mode_enabled());
    assert_eq!(one.namespace, None);
    let three = "esdb://admin:changeit@one:2111,two:2112,three:2113?nodePreference=leader";
    assert_eq!(EventStoreDbSettings::parse(three).unwrap().client.hosts().len(), 3);
}

#[test]
fn the_namespace_is_taken_out_wherever_it_stands() {
    for text in [
        "esdb://localhost?tls=false&namespace=acme2",
        "esdb://localhost?namespace=acme2&tls=false",
        "esdb://localhost?tls=false&Namespace=acme2",
    ] {
        let found = EventStoreDbSettings::parse(text).unwrap();
        assert_eq!(found.namespace.as_deref(), Some("acme2"), "{text}");
        assert!(!found.client.is_secure_mode_enabled(), "{text}");
    }
}

#[test]
fn the_size_of_an_append_is_taken_out_too() {
    let found = EventStoreDbSettings::parse("esdb://localhost?maxAppendSize=8388608&tls=false");
    let found = found.unwrap();
    assert_eq!(found.append_size, Some(8 << 20));
    assert!(!found.client.is_secure_mode_enabled());
    for size in ["", "1 MiB", "-1", "1000"] {
        let text = format!("esdb://localhost?maxAppendSize={size}");
        let refused = EventStoreDbSettings::parse(&text).unwrap_err();
        assert_eq!(refused, SettingsError::AppendSize, "{size}");
    }
}

#[test]
fn what_the_client_could_not_use_is_refused_without_repeating_it() {
    let refused = |text: &str| EventStoreDbSettings::parse(text).unwrap_err();
    assert_eq!(refused("http://hunter2@localhost"), SettingsError::Unreadable);
    for deadline in ["-1", "%2D1", "9000000000000000000", ""] {
        let text = format!("esdb://localhost?defaultDeadline={deadline}");
        assert_eq!(refused(&text), SettingsError::Deadline, "{deadline}");
    }
    for name in ["", "a-b", "a_b", "Acme", "$all", &"x".repeat(33)] {
        let text = format!("esdb://localhost?namespace={name}");
        assert_eq!(refused(&text), SettingsError::Namespace, "{name}");
    }
}

#[test]
fn a_parameter_that_nobody_knows_is_refused_with_the_nearest_that_is_known() {
    for (query, name, nearest) in [
        ("tlss=false", "tlss", "tls"),
        ("tls=false&tlsVerify=false", "tlsVerify", "tlsVerifyCert"),
        ("NAMESPACES=acme", "NAMESPACES", "namespace"),
        ("maxAppendsize_=1048576", "maxAppendsize_", "maxAppendSize"),
        ("nodepreferenc=leader", "nodepreferenc", "nodePreference"),
    ] {
        let refused = EventStoreDbSettings::parse(&format!("esdb://localhost?{query}"));
        let (name, nearest) = (name.to_owned(), Some(nearest));
        assert_eq!(refused.unwrap_err(), SettingsError::Unknown { name, nearest }, "{query}");
    }
}

#[test]
fn a_parameter_that_is_like_none_is_told_which_there_are() {
    let refused = EventStoreDbSettings::parse("esdb://localhost?colour=red").unwrap_err();
    let told = refused.to_string();
    assert!(told.starts_with("colour is no parameter of a connection string; there are tls, "));
    assert!(told.ends_with(", namespace, maxAppendSize"), "{told}");
}

#[test]
fn a_piece_of_a_password_that_a_question_mark_stands_in_is_not_repeated() {
    for password in ["20?hunter2=x@", "12?hunter2%40", "12?hunter2&tlss%40"] {
        let refused = EventStoreDbSettings::parse(&format!("esdb://admin:{password}localhost"));
        let told = refused.unwrap_err().to_string();
        assert!(told.starts_with("what follows the question mark is no parameter"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn every_parameter_of_the_client_is_taken() {
    let query = "tls=true&TLSVERIFYCERT=false&tlsCaFile=ca.crt&userCertFile=a&userKeyFile=b\
        &nodePreference=leader&maxDiscoverAttempts=3&discoveryInterval=500&gossipTimeout=3000\
        &keepAliveInterval=10000&keepAliveTimeout=20000&defaultDeadline=5000&connectionName=relink";
    let found = EventStoreDbSettings::parse(&format!("esdb://localhost:2113?{query}"));
    assert!(found.unwrap().client.is_secure_mode_enabled());
}

#[test]
fn a_value_that_the_client_cannot_read_is_told_by_its_parameter() {
    for (query, name) in [("tls=no", "tls"), ("gossipTimeout=3s", "gossipTimeout")] {
        let refused = EventStoreDbSettings::parse(&format!("esdb://localhost?{query}"));
        assert_eq!(refused.unwrap_err(), SettingsError::Value(name), "{query}");
    }
    let half = EventStoreDbSettings::parse("esdb://localhost?userCertFile=a").unwrap_err();
    assert_eq!(half, SettingsError::Unreadable);
}

#[test]
fn only_the_leader_is_asked() {
    let refused = |text: &str| EventStoreDbSettings::parse(text).map(drop);
    assert_eq!(refused("esdb://one,two?tls=false&nodePreference=Leader"), Ok(()));
    for preference in ["follower", "random", "readOnlyReplica", ""] {
        let text = format!("esdb://one,two,three?nodepreference={preference}");
        assert_eq!(refused(&text), Err(SettingsError::NodePreference), "{preference}");
    }
}

#[test]
fn a_node_that_is_gone_is_noticed_in_time() {
    let refused = |text: &str| EventStoreDbSettings::parse(text).map(drop);
    assert_eq!(refused("esdb://one?keepAliveInterval=10000&keepAliveTimeout=60000"), Ok(()));
    for setting in [
        "keepAliveInterval=-1",
        "keepAliveTimeout=-1",
        "keepAliveInterval=60001",
        "keepAliveTimeout=9999",
    ] {
        let text = format!("esdb://localhost?tls=false&{setting}");
        assert_eq!(refused(&text), Err(SettingsError::KeepAlive), "{setting}");
    }
}

#[test]
fn user_and_password_are_sent_as_they_are_and_not_as_they_stand_in_the_address() {
    for (text, password) in [
        ("esdb://admin:change-it.(1)!@one:2113,two:2113", "change-it.(1)!"),
        (
            "esdb://admin:p%40ss%3A%2F%3f%23%25%2C%20p%C3%A4sse@one:2113,two?tls=false",
            "p@ss:/?#%, pässe",
        ),
        ("esdb://admin:p@ss@localhost:2113", "p@ss"),
        ("esdb://admin:2024#secret@localhost:2113", "2024#secret"),
        ("esdb://admin:1,b@one:2113,two:2113", "1,b"),
        ("esdb://admin@localhost", ""),
    ] {
        let client = EventStoreDbSettings::parse(text).unwrap().client;
        let sent = client.default_authenticated_user().clone();
        assert_eq!(sent, Some(Credentials::new("admin".to_owned(), password.to_owned())), "{text}");
        let hosts: Vec<_> = client.hosts().iter().map(|it| it.host.as_str()).collect();
        assert!(matches!(hosts[..], ["localhost"] | ["one", "two"]), "{text}: {hosts:?}");
    }
    let refused = |text: &str| EventStoreDbSettings::parse(text).map(drop).unwrap_err();
    assert_eq!(refused("esdb://admin:%FF@localhost"), SettingsError::Credentials);
    assert_eq!(refused("esdb://:password@localhost"), SettingsError::Credentials);
    assert_eq!(refused("esdb://localhost#tls=false"), SettingsError::Unreadable);
}

#[test]
fn nothing_else_of_an_address_depends_on_who_is_named_in_it() {
    let query = "tls=false&gossipTimeout=4000&defaultDeadline=5000&connectionName=relink\
        &keepAliveInterval=20000&keepAliveTimeout=15000&discoveryInterval=600\
        &userCertFile=a&userKeyFile=b";
    let parse = |who: &str| {
        let text = format!("esdb+discover://{who}one:2113?{query}");
        serde_json::to_value(EventStoreDbSettings::parse(&text).unwrap().client).unwrap()
    };
    let (mut named, nobody) = (parse("admin:changeit@"), parse(""));
    assert!(!named["default_user_name"].take().is_null());
    assert_eq!(named, nobody);
}

#[test]
fn the_debug_form_shows_no_password() {
    let found = EventStoreDbSettings::parse("esdb://admin:hunter2@localhost").unwrap();
    assert!(!format!("{found:?}").contains("hunter2"));
}
