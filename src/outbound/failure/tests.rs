use std::time::Duration;

use rustls::CertificateError;

use super::*;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[test]
fn an_expired_certificate_is_told_with_its_date() {
    let (time, not_after) = (at(1_795_262_400), at(1_767_225_600));
    let error = rustls::Error::from(CertificateError::ExpiredContext { time, not_after });
    assert_eq!(no_tls(&error), "no TLS: the certificate expired at 2026-01-01T00:00:00Z");
}

#[test]
fn a_certificate_of_the_future_is_told_with_its_date() {
    let (time, not_before) = (at(1), at(1_767_225_600));
    let error = rustls::Error::from(CertificateError::NotValidYetContext { time, not_before });
    let told = "no TLS: the certificate is not valid before 2026-01-01T00:00:00Z";
    assert_eq!(no_tls(&error), told);
}

#[test]
fn any_other_trouble_is_told_in_the_words_of_tls() {
    let error = rustls::Error::from(CertificateError::UnknownIssuer);
    assert_eq!(no_tls(&error), "no TLS: invalid peer certificate: UnknownIssuer");
}
