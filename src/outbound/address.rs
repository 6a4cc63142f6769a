//! Which addresses an attempt may reach: globally reachable unicast, and what the operator allows.
//!
//! The table is IANA's special-purpose registries (RFC 6890 and its successors) plus the metadata
//! services of clouds that stand at public addresses.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::IpNet;
use url::{Host, Url};

use super::failure::Failure;

const SPECIAL: [(&str, &str); 33] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by carriers"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "a metadata service"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "for protocols"),
    ("192.0.2.0/24", "for documentation"),
    ("192.88.99.0/24", "a 6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "for benchmarks"),
    ("198.51.100.0/24", "for documentation"),
    ("203.0.113.0/24", "for documentation"),
    ("224.0.0.0/4", "multicast"),
    ("255.255.255.255/32", "broadcast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::/96", "an IPv4 address in disguise"),
    ("64:ff9b::/96", "an IPv4 address in disguise"),
    ("64:ff9b:1::/48", "an IPv4 address in disguise"),
    ("100::/64", "discarded"),
    ("2001::/32", "an IPv4 address in disguise"),
    ("2001::/23", "for protocols"),
    ("2001:db8::/32", "for documentation"),
    ("2002::/16", "an IPv4 address in disguise"),
    ("3fff::/20", "for documentation"),
    ("5f00::/16", "for segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
];

static REFUSED: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| {
    let parse = |(net, why): (&str, _)| (net.parse().expect("the table holds networks"), why);
    SPECIAL.into_iter().map(parse).collect()
});

/// All of IPv6 that is assigned as global unicast.
static GLOBAL_V6: LazyLock<IpNet> =
    LazyLock::new(|| "2000::/3".parse().expect("this is a network"));

/// An address that may not be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("{address} may not be reached: it is {why}")]
    Address { address: IpAddr, why: &'static str },
    #[error("{name} may not be reached: its address {address} is {why}")]
    Name { name: String, address: IpAddr, why: &'static str },
}

impl Refused {
    /// The same, said of the name that led to the address.
    pub(super) fn of(self, name: &str) -> Self {
        match self {
            Self::Address { address, why } | Self::Name { address, why, .. } => {
                Self::Name { name: name.to_owned(), address, why }
            }
        }
    }
}

/// What may be reached.
#[derive(Debug)]
pub(super) struct Rules {
    allowed: Vec<IpNet>,
}

impl Rules {
    /// Everything public, and these networks.
    pub(super) fn allowing(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether this address may be reached.
    pub(super) fn permit(&self, address: IpAddr) -> Result<(), Refused> {
        let plain = address.to_canonical();
        let allows = |net: &IpNet| net.contains(&address) || net.contains(&plain);
        if self.allowed.iter().any(allows) {
            return Ok(());
        }
        match special(plain) {
            Some(why) => Err(Refused::Address { address, why }),
            None => Ok(()),
        }
    }

    /// Whether this url may be called. Names are checked when they are resolved; addresses in the
    /// url itself never are resolved, so they are checked here.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Failure::blocked(format!("{} is neither http nor https", url.scheme())));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(Failure::blocked("the url names no host".to_owned())),
        };
        self.permit(address).map_err(|refused| Failure::blocked(refused.to_string()))
    }
}

/// What an address is when it is not globally reachable unicast.
fn special(address: IpAddr) -> Option<&'static str> {
    let listed = REFUSED.iter().find(|(net, _)| net.contains(&address));
    match (listed, address) {
        (Some((_, why)), _) => Some(why),
        (None, IpAddr::V6(address)) if !global(address) => Some("not global"),
        (None, _) => None,
    }
}

fn global(address: Ipv6Addr) -> bool {
    GLOBAL_V6.contains(&IpAddr::V6(address))
}

#[cfg(test)]
mod tests;
