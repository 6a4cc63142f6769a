use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::response::Parts;
use serde_json::Value;
use tower::ServiceExt;

use super::*;

async fn get(path: &str) -> (Parts, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (head, body) = routes::<()>().oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    (head, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn page_style_and_script_are_served_as_what_they_are_and_let_nothing_else_in() {
    for (path, kind) in
        [("/", "text/html"), ("/console.css", "text/css"), ("/console.js", "text/javascript")]
    {
        let (head, text) = get(path).await;
        assert_eq!(head.status, 200, "{path}");
        assert!(!text.is_empty());
        let header = |name: &str| head.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), format!("{kind}; charset=utf-8"));
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[test]
fn nothing_is_taken_from_elsewhere_and_nothing_stands_inline() {
    for text in [PAGE, STYLE, SCRIPT] {
        assert!(!text.contains("http:") && !text.contains("https:"));
    }
    for inline in ["style=", "<style", "onclick", "onload", "<script>"] {
        assert!(!PAGE.contains(inline), "{inline}");
    }
    for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
        assert!(!SCRIPT.contains(markup), "{markup}");
    }
}

#[test]
fn whatever_the_script_reads_is_an_operation_of_the_api() {
    let document: Value = serde_json::from_str(include_str!("../http/openapi.json")).unwrap();
    let quoted = SCRIPT.split(['"', '`', '?']);
    let paths: BTreeSet<_> = quoted
        .filter(|text| text.starts_with('/') || text.starts_with("${base}/"))
        .filter(|text| !text.contains(' ') && !text.contains("encodeURIComponent"))
        .map(|text| text.replace("${base}", "/api/v1/accounts/{account}"))
        .collect();
    assert_eq!(paths.len(), 4, "{paths:?}");
    for path in paths {
        assert!(document["paths"][&path]["get"].is_object(), "{path} is not described");
    }
}

#[test]
fn whatever_the_script_looks_for_is_in_the_page() {
    let asked = SCRIPT.split("$(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let shown = SCRIPT.split("show(\"").skip(1).filter_map(|rest| rest.split('"').next());
    for id in asked.chain(shown) {
        assert!(PAGE.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

/// The body of a function of the script.
fn function(name: &str) -> &'static str {
    let start = SCRIPT.find(&format!("function {name}(")).unwrap_or_else(|| panic!("no {name}"));
    let body = &SCRIPT[start..];
    &body[..body.find("\n}\n").unwrap()]
}

/// What the last rule for these in the style says.
fn rule(selector: &str) -> &'static str {
    let (_, rest) = STYLE.rsplit_once(&format!("\n{selector} {{")).unwrap();
    &rest[..rest.find('}').unwrap()]
}

#[test]
fn whatever_the_script_shows_of_something_is_described() {
    let document: Value = serde_json::from_str(include_str!("../http/openapi.json")).unwrap();
    let schemas = &document["components"]["schemas"];
    for (rows, kinds, own) in [
        ("subjectRows", &["InboxHealth", "HookHealth", "RuleHealth"][..], &["kind"][..]),
        ("endpointRows", &["WebhookHealth", "EndpointHealth"], &[]),
        ("incidentRows", &["Incident", "AppIncident"], &["name", "size"]),
    ] {
        for rest in function(rows).split("one.").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap();
            let field = &rest[..end];
            let mut kinds = kinds.iter().map(|kind| &schemas[kind]["properties"][field]);
            let known = own.contains(&field) || kinds.any(|shape| !shape.is_null());
            assert!(known, "{rows} shows {field}, which nothing has");
        }
    }
    assert!(function("endpointsOf").contains("health.endpoints"));
}

#[test]
fn states_and_moments_are_not_broken_and_names_are_wherever_they_must() {
    assert!(rule("td").contains("white-space: nowrap"));
    assert!(rule("tbody th,\ntd.words").contains("overflow-wrap: anywhere"));
    assert!(STYLE.contains("content: attr(data-label)"), "a cell of a block says what it is");
}
