//! Conversations with a server of a few lines; `tests/it/mail.rs` has a real one.

use std::sync::Arc;

use actors::ports::Endpoint;
use bytes::Bytes;
use events::{AccountId, DeliveryId, EndpointId, EventId};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use uuid::Uuid;

use super::*;
use crate::clock::SystemClock;
use crate::config::Secret;

/// Answers each command by its first word, recipients by their address; what it was told.
async fn server(answer: fn(&str) -> &'static str) -> (String, Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let heard = Arc::new(std::sync::Mutex::new(vec![]));
    let told = heard.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let mut within = false;
            write.write_all(b"220 here\r\n").await.unwrap();
            while let Ok(Some(line)) = lines.next_line().await {
                told.lock().unwrap().push(line.clone());
                let said = match (within, line.as_str()) {
                    (true, ".") => "250 taken",
                    (true, _) => continue,
                    (false, line) => answer(line),
                };
                within = said.starts_with("354");
                write.write_all(format!("{said}\r\n").as_bytes()).await.unwrap();
            }
        }
    });
    (address, heard)
}

fn willing(line: &str) -> &'static str {
    match line.split_whitespace().next() {
        Some("DATA") => "354 go on",
        Some("RCPT") if line.contains("gone@") => "550 nobody of that name",
        Some("RCPT") if line.contains("full@") => "452 come again",
        Some("QUIT") => "221 bye",
        Some(_) | None => "250 fine",
    }
}

async fn send(address: &str, to: &[&str]) -> Ended {
    send_over(&sender(address), to).await
}

fn sender(address: &str) -> SmtpMail {
    let settings = MailSettings {
        server: Secret::new(format!("smtp://{address}")),
        from: "Relink <relink@example.com>".parse().unwrap(),
        frontend: None,
    };
    SmtpMail::new(&settings, Duration::from_secs(10), Arc::new(SystemClock)).unwrap()
}

async fn send_over(mail: &SmtpMail, to: &[&str]) -> Ended {
    let body = json!({
        "to": to, "locale": "pt_BR", "account": { "id": 1, "name": "Acme" },
        "inbox": { "id": 42, "name": "Support", "channel_type": "Channel::Line" },
        "reason": null, "since": "2026-11-21T12:00:00.000Z", "until": null,
        "evidence_count": 2, "event": "inbox_disconnected",
    });
    let id = EndpointId::Mail(AccountId(1));
    let endpoint = Endpoint {
        id,
        account: AccountId(1),
        url: String::new(),
        keys: events::signing::SigningKeys::none(),
        headers: vec![],
        timeout: None,
        concurrency: None,
        rate_per_second: None,
        retry_schedule: None,
    };
    let attempt = Attempt {
        delivery: DeliveryId::of(EventId(Uuid::nil()), id),
        number: 1,
        event: "inbox_disconnected".into(),
        body: Bytes::from(body.to_string()),
        at: events::Timestamp::from_micros(1_795_262_400_000_000),
        endpoint: endpoint.into(),
    };
    mail.attempt(&attempt).await
}

fn class(ended: Ended) -> AttemptClass {
    match ended {
        Ended::Failed { class, .. } => class,
        Ended::Delivered(response) => panic!("{response:?}"),
    }
}

#[tokio::test]
async fn all_administrators_are_written_to_in_one_mail() {
    let (address, heard) = server(willing).await;
    let ended = send(&address, &["a@acme.test", "b@acme.test"]).await;
    let expected = Response { status: 250, body: "taken".into(), truncated: false };
    assert_eq!(ended, Ended::Delivered(expected));
    let heard = heard.lock().unwrap().join("\n");
    assert_eq!(heard.matches("DATA").count(), 1, "{heard}");
    assert!(heard.contains("To: a@acme.test, b@acme.test"), "{heard}");
    assert!(heard.contains("Auto-Submitted: auto-generated"), "{heard}");
    assert!(heard.contains("Message-ID: <") && heard.contains("@example.com>"), "{heard}");
}

#[tokio::test]
async fn an_address_that_is_no_more_keeps_nobody_else_from_being_told() {
    let (address, _) = server(willing).await;
    match send(&address, &["gone@acme.test", "b@acme.test"]).await {
        Ended::Delivered(Response { status, body, .. }) => {
            assert_eq!(status, 250);
            assert!(body.contains("gone@acme.test: ") && body.contains("nobody"), "{body}");
            assert!(body.contains("b@acme.test: taken"), "{body}");
        }
        failed @ Ended::Failed { .. } => panic!("{failed:?}"),
    }
    assert_eq!(class(send(&address, &["gone@acme.test"]).await), AttemptClass::Client);
}

/// As many mails as were taken for this address.
fn mails_to(heard: &std::sync::Mutex<Vec<String>>, address: &str) -> usize {
    let header = format!("To: {address}");
    heard.lock().unwrap().iter().filter(|line| **line == header).count()
}

#[tokio::test]
async fn who_takes_nothing_now_is_written_to_again_and_who_was_told_is_not() {
    static HAS_ROOM: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    let (address, heard) = server(|line| match line {
        line if line.starts_with("RCPT") && line.contains("full@") => {
            let room = HAS_ROOM.load(std::sync::atomic::Ordering::SeqCst);
            if room { "250 fine" } else { "452 come again" }
        }
        line => willing(line),
    })
    .await;
    let mail = sender(&address);
    let all = ["gone@acme.test", "full@acme.test", "b@acme.test"];
    for _ in 0..2 {
        match send_over(&mail, &all).await {
            Ended::Failed { class: AttemptClass::Server, detail, .. } => {
                assert!(detail.contains("b@acme.test: taken"), "{detail}");
                assert!(detail.contains("come again"), "{detail}");
            }
            other @ (Ended::Failed { .. } | Ended::Delivered(_)) => panic!("{other:?}"),
        }
    }
    HAS_ROOM.store(true, std::sync::atomic::Ordering::SeqCst);
    match send_over(&mail, &all).await {
        Ended::Delivered(Response { body, .. }) => {
            assert!(body.contains("full@acme.test: taken"), "{body}");
            assert!(body.contains("gone@acme.test: ") && body.contains("nobody"), "{body}");
        }
        failed @ Ended::Failed { .. } => panic!("{failed:?}"),
    }
    assert_eq!((mails_to(&heard, "b@acme.test"), mails_to(&heard, "full@acme.test")), (1, 1));
}

#[tokio::test]
async fn what_is_no_address_keeps_nobody_else_from_being_told() {
    let (address, heard) = server(willing).await;
    match send(&address, &["a..b@acme.test", "b@acme.test"]).await {
        Ended::Delivered(Response { body, .. }) => {
            assert!(body.contains("is no address") && body.contains("taken"), "{body}");
        }
        failed @ Ended::Failed { .. } => panic!("{failed:?}"),
    }
    assert_eq!(mails_to(&heard, "b@acme.test"), 1);
    // It is not ours to mend, so it comes to an end.
    assert_eq!(class(send(&address, &["a..b@acme.test"]).await), AttemptClass::Client);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_failure_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    assert_eq!(class(send(&address, &["a@acme.test"]).await), AttemptClass::Connect);
}
