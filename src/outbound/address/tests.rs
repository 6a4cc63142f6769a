use super::*;
use crate::outbound::resolve::allowed;

fn public() -> Rules {
    Rules::allowing(Vec::new())
}

#[test]
fn only_globally_reachable_unicast_is_permitted() {
    let cases = [
        ("1.1.1.1", None),
        ("93.184.216.34", None),
        ("172.32.0.1", None),
        ("100.128.0.1", None),
        ("192.0.1.1", None),
        ("223.255.255.255", None),
        ("0.0.0.0", Some("this network")),
        ("10.1.2.3", Some("private")),
        ("100.100.100.200", Some("shared by carriers")),
        ("127.0.0.1", Some("loopback")),
        ("127.255.255.254", Some("loopback")),
        ("168.63.129.16", Some("a metadata service")),
        ("169.254.169.254", Some("link-local")),
        ("172.31.255.255", Some("private")),
        ("192.0.0.192", Some("for protocols")),
        ("192.0.2.1", Some("for documentation")),
        ("192.88.99.1", Some("a 6to4 relay")),
        ("192.168.0.1", Some("private")),
        ("198.19.0.1", Some("for benchmarks")),
        ("198.51.100.9", Some("for documentation")),
        ("203.0.113.9", Some("for documentation")),
        ("224.0.0.1", Some("multicast")),
        ("239.255.255.255", Some("multicast")),
        ("240.0.0.1", Some("reserved")),
        ("255.255.255.255", Some("broadcast")),
        ("2606:4700:4700::1111", None),
        ("2a00:1450::1", None),
        ("::", Some("unspecified")),
        ("::1", Some("loopback")),
        ("::ffff:127.0.0.1", Some("loopback")),
        ("::ffff:10.0.0.1", Some("private")),
        ("::ffff:1.1.1.1", None),
        ("::127.0.0.1", Some("an IPv4 address in disguise")),
        ("::ffff:0:127.0.0.1", Some("not global")),
        ("64:ff9b::7f00:1", Some("an IPv4 address in disguise")),
        ("64:ff9b:1::7f00:1", Some("an IPv4 address in disguise")),
        ("100::1", Some("discarded")),
        ("2001::1", Some("an IPv4 address in disguise")),
        ("2001:2::1", Some("for protocols")),
        ("2001:20::1", Some("for protocols")),
        ("2001:db8::1", Some("for documentation")),
        ("2002:7f00:1::", Some("an IPv4 address in disguise")),
        ("3fff::1", Some("for documentation")),
        ("5f00::1", Some("for segment routing")),
        ("fd00:ec2::254", Some("private")),
        ("fe80::1", Some("link-local")),
        ("fec0::1", Some("site-local")),
        ("ff02::1", Some("multicast")),
        ("4000::1", Some("not global")),
    ];
    for (text, expected) in cases {
        let found = public().permit(text.parse().unwrap()).err().map(|refused| match refused {
            Refused::Address { why, .. } | Refused::Name { why, .. } => why,
        });
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn what_the_operator_allows_is_permitted() {
    let rules = Rules::allowing(vec!["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()]);
    for (text, expected) in
        [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::1", true), ("10.2.0.1", false)]
    {
        assert_eq!(rules.permit(text.parse().unwrap()).is_ok(), expected, "{text}");
    }
}

#[test]
fn an_address_in_the_url_is_checked_however_it_is_written() {
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]:8080/",
        "https://169.254.169.254/latest/meta-data",
        "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
    ] {
        let refused = public().check(&Url::parse(url).unwrap());
        assert!(refused.is_err_and(|failure| failure.is_blocked()), "{url}");
    }
    for url in ["https://1.1.1.1/", "https://example.com/", "http://[2606:4700:4700::1111]/"] {
        assert!(public().check(&Url::parse(url).unwrap()).is_ok(), "{url}");
    }
}

#[test]
fn a_name_is_refused_only_when_no_allowed_address_remains() {
    let found = |texts: &[&str]| -> Vec<_> {
        texts.iter().map(|text| (text.parse::<IpAddr>().unwrap(), 0).into()).collect()
    };
    let mixed = found(&["10.0.0.1", "1.1.1.1", "::1"]);
    let left = allowed(&public(), "mixed.example", mixed.into_iter()).unwrap();
    assert_eq!(left, found(&["1.1.1.1"]));
    let inside = found(&["10.0.0.1", "::1"]);
    let refused = allowed(&public(), "inside.example", inside.into_iter()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "inside.example may not be reached: its address 10.0.0.1 is private"
    );
    assert!(allowed(&public(), "nothing.example", std::iter::empty()).is_err());
}
