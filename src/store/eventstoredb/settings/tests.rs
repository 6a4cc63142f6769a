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
    assert_eq!(refused("esdb://localhost?defaultDeadline=-1"), SettingsError::EndlessDeadline);
    for name in ["", "a-b", "a_b", "Acme", "$all", &"x".repeat(33)] {
        let text = format!("esdb://localhost?namespace={name}");
        assert_eq!(refused(&text), SettingsError::Namespace, "{name}");
    }
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
    for setting in ["keepAliveInterval=-1", "keepAliveTimeout=-1", "keepAliveInterval=60001"] {
        let text = format!("esdb://localhost?tls=false&{setting}");
        assert_eq!(refused(&text), Err(SettingsError::KeepAlive), "{setting}");
    }
}

#[test]
fn credentials_that_the_client_would_send_encoded_are_refused() {
    let refused = |text: &str| EventStoreDbSettings::parse(text).map(drop);
    for text in ["esdb://admin:change-it.(1)!@one:2113,two:2113", "esdb://admin@localhost"] {
        assert_eq!(refused(text), Ok(()), "{text}");
    }
    for password in ["p%40ss", "p@ss", "p:ss", "p/ss", "p,ss", "p#ss", "p ss", "pässe"] {
        let text = format!("esdb://admin:{password}@localhost:2113?tls=false");
        assert_eq!(refused(&text), Err(SettingsError::Credentials), "{password}");
    }
}

#[test]
fn the_debug_form_shows_no_password() {
    let found = EventStoreDbSettings::parse("esdb://admin:hunter2@localhost").unwrap();
    assert!(!format!("{found:?}").contains("hunter2"));
}
