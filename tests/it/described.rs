//! What is answered is what `/openapi.json` says: every key is described, every promised one there.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use crate::api::{Answer, Api};
use crate::receiver::{Receiver, Reply};
use crate::relink::Place;
use crate::steps::invalidated;

/// The API's description of itself.
struct Document(Value);

impl Document {
    fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    /// The schema of an answer; an answer without one has no body.
    fn schema(&self, method: &str, path: &str, answer: &Answer) -> Option<&Value> {
        let operation = &self.0["paths"][path][method.to_lowercase()];
        let status = answer.status.as_u16().to_string();
        let response = self.resolve(&operation["responses"][status.as_str()]);
        assert!(response.is_object(), "{method} {path} never says {status}: {}", answer.body);
        let content = response.get("content")?;
        let kind = answer.header("content-type").split(';').next().unwrap();
        let found = content.get(kind);
        Some(&found.unwrap_or_else(|| panic!("{method} {path} {status} is no {kind}"))["schema"])
    }

    /// What is wrong with a value, and where.
    fn check(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = self.resolve(schema);
        if let Some(cases) = schema["oneOf"].as_array() {
            let mut wrong = cases.iter().map(|case| self.check(case, value, place));
            return match wrong.find(Result::is_ok) {
                Some(_) => Ok(()),
                None => Err(format!("{place} is none of its cases: {value}")),
            };
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.check(&self.together(parts), value, place);
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{place} may not be {value}"));
        }
        let kinds: Vec<_> = match schema["type"].as_array() {
            Some(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            None => schema["type"].as_str().into_iter().collect(),
        };
        if !kinds.is_empty() && !kinds.contains(&kind_of(value)) {
            return Err(format!("{place} is no {kinds:?}: {value}"));
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            values.iter().try_for_each(|value| self.check(items, value, &format!("{place}[]")))?;
        }
        match (schema["properties"].as_object(), value.as_object()) {
            (Some(described), Some(object)) => self.check_keys(schema, described, object, place),
            _ => Ok(()),
        }
    }

    fn check_keys(
        &self,
        schema: &Value,
        described: &Map<String, Value>,
        object: &Map<String, Value>,
        place: &str,
    ) -> Result<(), String> {
        for key in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(key.as_str().unwrap()) {
                return Err(format!("{place} has no {key}"));
            }
        }
        for (key, value) in object {
            let place = format!("{place}.{key}");
            match described.get(key) {
                Some(schema) => self.check(schema, value, &place)?,
                None => return Err(format!("{place} is not described")),
            }
        }
        Ok(())
    }

    /// One schema with the properties of several.
    fn together(&self, parts: &[Value]) -> Value {
        let (mut properties, mut required) = (Map::new(), vec![]);
        for part in parts.iter().map(|part| self.resolve(part)) {
            properties.extend(part["properties"].as_object().unwrap().clone());
            required.extend(part["required"].as_array().unwrap().clone());
        }
        json!({ "properties": properties, "required": required })
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A caller who compares each answer with the description.
struct Reader {
    api: Api,
    document: Document,
}

impl Reader {
    /// `path` with its `{names}` replaced by what `filled` says in their order, and any query.
    async fn call(&self, method: Method, path: &str, filled: &[&str], body: &str) -> Answer {
        let kind = if body.contains('\n') { "application/x-ndjson" } else { "application/json" };
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        let mut filled = filled.iter();
        let parts = route.split('/').map(|part| match part.starts_with('{') {
            true => filled.next().unwrap(),
            false => part,
        });
        let address = format!("{}?{query}", parts.collect::<Vec<_>>().join("/"));
        let call = self.api.call(method.clone(), &address).header(CONTENT_TYPE, kind);
        let answer = Answer::to(call.body(body.to_owned())).await;
        let route = match route.strip_prefix('/') {
            Some(operators) if operators.starts_with('/') => operators.to_owned(),
            _ => format!("/api/v1/accounts/{{account}}{route}"),
        };
        let Some(schema) = self.document.schema(method.as_str(), &route, &answer) else {
            assert_eq!(answer.body, "", "{method} {route} describes no body");
            return answer;
        };
        // A body of one line is JSON, one of several NDJSON.
        for line in answer.body.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let place = format!("{method} {route} {}: ", answer.status);
            self.document.check(schema, &value, &place).unwrap_or_else(|wrong| panic!("{wrong}"));
        }
        answer
    }

    async fn get(&self, path: &str, filled: &[&str]) -> Answer {
        self.call(Method::GET, path, filled, "").await
    }
}

/// Everything that can be said of inbox 42, well and badly.
async fn tell_of_an_inbox(reader: &Reader) {
    let inbox = json!({ "name": "Support", "channel_type": "Channel::Whatsapp" }).to_string();
    for (body, status) in [(inbox.as_str(), 201), (&inbox, 200), (r#"{"name":""}"#, 422)] {
        reader.call(Method::PUT, "/inboxes/{inbox}", &["42"], body).await.json(status);
    }
    let reports = [
        "authorization_errors",
        "authorization_successes",
        "prompt_reauthorization",
        "reauthorized",
    ];
    for report in reports {
        let path = format!("/inboxes/{{inbox}}/{report}");
        let evidence = invalidated().to_string();
        for (id, body, status) in [("42", evidence.as_str(), 200), ("42", "", 200), ("7", "", 404)]
        {
            reader.call(Method::POST, &path, &[id], body).await.json(status);
        }
    }
    for path in ["/inboxes/{inbox}", "/inboxes/{inbox}/timeline?limit=2"] {
        reader.get(path, &["42"]).await.json(200);
        reader.get(path, &["7"]).await.json(404);
    }
    reader.get("/inboxes", &[]).await.json(200);
    tell_of_its_trouble(reader).await;
}

/// Its policies, incidents and end, and why it is as it is.
async fn tell_of_its_trouble(reader: &Reader) {
    let policy = r#"{"threshold":3,"window":"1h","at_once":["190/460"],"expiring_days":[7]}"#;
    for (route, filled) in [
        ("/policies/{kind}", ["Channel::Email"]),
        ("/inboxes/{inbox}/policy", ["42"]),
        ("//api/v1/policies/{kind}", ["Channel::Line"]),
    ] {
        reader.call(Method::PUT, route, &filled, policy).await.json(200);
        reader.call(Method::PUT, route, &filled, r#"{"threshold":0}"#).await.json(422);
    }
    let ends = r#"{"expires_at":1}"#;
    reader.call(Method::PUT, "/inboxes/{inbox}", &["42"], ends).await.json(200);
    let errors = "/inboxes/{inbox}/authorization_errors";
    let secret = r#"{"provider":"google","code":"invalid_client"}"#;
    for evidence in [invalidated().to_string().as_str(), secret] {
        reader.call(Method::POST, errors, &["42"], evidence).await.json(200);
    }
    let of_installation = ["//api/v1/policies", "//api/v1/incidents", "//api/v1/nodes"];
    for path in ["/policies", "/incidents", "/expiring"].into_iter().chain(of_installation) {
        reader.get(path, &[]).await.json(200);
    }
    reader.get("/incidents?state=x", &[]).await.json(400);
    for path in ["/inboxes/{inbox}/policy", "/inboxes/{inbox}/why"] {
        reader.get(path, &["42"]).await.json(200);
        reader.get(path, &["7"]).await.json(404);
    }
    for (word, status) in [("mute", 200), ("unmute", 200), ("close", 200), ("close", 409)] {
        let path = format!("//api/v1/incidents/{{incident}}/{word}");
        reader.call(Method::POST, &path, &["app-1"], "").await.json(status);
        reader.call(Method::POST, &path, &["app-9"], "").await.json(404);
    }
    reader.get("//api/v1/incidents?at=1", &[]).await.json(200);
    reader.get("//api/v1/incidents?state=x", &[]).await.json(400);
    let open = reader.get("/incidents?state=open", &[]).await.json(200);
    let id = open["incidents"][0]["id"].as_str().unwrap();
    for (word, status) in [("mute", 200), ("unmute", 200), ("close", 200), ("close", 409)] {
        let path = format!("/incidents/{{incident}}/{word}");
        reader.call(Method::POST, &path, &[id], "").await.json(status);
        reader.call(Method::POST, &path, &["inbox-7-1"], "").await.json(404);
    }
}

/// The webhook of an API inbox, and mail.
async fn tell_of_other_endpoints(reader: &Reader) {
    let inbox = r#"{"name":"Bot","channel_type":"Channel::Api","webhook_url":"http://x.example"}"#;
    reader.call(Method::PUT, "/inboxes/{inbox}", &["5"], inbox).await.json(201);
    for (path, filled) in [("/inboxes/{inbox}/webhook", &["5"][..]), ("/mail", &[])] {
        for verb in ["pause", "disable", "enable"] {
            reader.call(Method::POST, &format!("{path}/{verb}"), filled, "").await.json(200);
            reader.get(&format!("{path}/why"), filled).await.json(200);
        }
    }
    let health = reader.get("/health", &[]).await.json(200);
    let endpoints = health["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 2, "that of the inbox, and mail: {health}");
    for verb in ["pause", "disable", "enable"] {
        let path = format!("/inboxes/{{inbox}}/webhook/{verb}");
        reader.call(Method::POST, &path, &["7"], "").await.json(404);
    }
}

/// A hook, a rule, and what was changed.
async fn tell_of_subjects(reader: &Reader) {
    let hook = r#"{"app_id":"slack","settings":{"channel_name":"support"}}"#;
    let rule = r#"{"name":"n","event_name":"e","actions":[{"action_name":"add_label"}]}"#;
    let one = "/integrations/hooks/{hook}";
    for (path, body, wrong) in [
        ("/integrations/hooks", hook, r#"{"app_id":"telegraph"}"#),
        ("/automation_rules", rule, r#"{"name":""}"#),
    ] {
        reader.call(Method::POST, path, &[], body).await.json(200);
        reader.call(Method::POST, path, &[], wrong).await.json(422);
        reader.call(Method::POST, path, &[], "{").await.json(400);
    }
    for (path, body) in [(one, r#"{"status":true}"#), ("/automation_rules/{rule}", rule)] {
        for (id, status) in [("1", 200), ("9", 404)] {
            reader.call(Method::PATCH, path, &[id], body).await.json(status);
            for word in ["timeline", "policy", "why"] {
                reader.get(&format!("{path}/{word}"), &[id]).await.json(status);
            }
            let (policy, own) = (r#"{"threshold":3}"#, format!("{path}/policy"));
            reader.call(Method::PUT, &own, &[id], policy).await.json(status);
            reader.call(Method::PUT, &own, &[id], r#"{"threshold":0}"#).await.json(422);
            let prompt = format!("{path}/prompt_reauthorization");
            reader.call(Method::POST, &prompt, &[id], "").await.json(status);
        }
    }
    reader.get(one, &["1"]).await.json(404);
    reader.call(Method::POST, &format!("{one}/process_event"), &["1"], "{}").await.json(422);
    reader.get("/integrations/apps", &[]).await.json(200);
    reader.get("/integrations/apps/{app}", &["slack"]).await.json(200);
    reader.get("/automation_rules", &[]).await.json(200);
    reader.get("/automation_rules/{rule}", &["1"]).await.json(200);
    reader.call(Method::POST, "/automation_rules/{rule}/clone", &["1"], "").await.json(200);
    reader.get("/audit_logs?page=1", &[]).await.json(200);
}

/// A webhook that was sent two events, and everything that is shown of it.
async fn tell_of_a_webhook(reader: &Reader, place: &Place, receiver: &Receiver) {
    receiver.answer("/bad", Reply::Status(500));
    for path in ["/good", "/bad"] {
        let wanted = json!({ "url": receiver.url(path), "inbox_id": 42 }).to_string();
        let made = reader.call(Method::POST, "/webhooks", &[], &wanted).await.json(200);
        let id = made["payload"]["webhook"]["id"].to_string();
        let change = r#"{"delivery":{"timeout":"5s"}}"#;
        reader.call(Method::PATCH, "/webhooks/{webhook}", &[&id], change).await.json(200);
    }
    reader.call(Method::POST, "/webhooks", &[], r#"{"url":"nowhere"}"#).await.json(422);
    reader.call(Method::POST, "/webhooks", &[], "{").await.json(400);

    let event = r#"{"event":"message_created","data":{"id":1}}"#;
    reader.call(Method::POST, "/events", &[], event).await.json(202);
    reader.call(Method::POST, "/events", &[], "{").await.json(400);
    let lines = format!("{event}\n{{\"event\":\n{{\"event\":\"?\",\"data\":{{}}}}\n");
    let answer = reader.call(Method::POST, "/events", &[], &lines).await;
    assert_eq!(answer.body.lines().count(), 3, "{}", answer.body);
    place.written("delivery.delivered", 2).await;
    let seen = place.written("delivery.abandoned", 2).await;

    let listed = reader.get(&format!("/webhooks?consistent_to={seen}"), &[]).await.json(200);
    for webhook in listed["payload"]["webhooks"].as_array().unwrap() {
        let id = webhook["id"].to_string();
        reader.get("/webhooks/{webhook}/timeline", &[&id]).await.json(200);
        let owed = reader.get("/webhooks/{webhook}/deliveries", &[&id]).await.json(200);
        let owed = owed["deliveries"].as_array().unwrap();
        assert_eq!(owed.len(), 2);
        let delivery = owed[0]["id"].as_str().unwrap();
        reader.get("/deliveries/{delivery}", &[delivery]).await.json(200);
        reader.get("/deliveries/{delivery}/explain", &[delivery]).await.json(200);
        tell_of_its_keys(reader, &id).await;
        let gone = reader.call(Method::DELETE, "/webhooks/{webhook}", &[&id], "").await;
        assert_eq!(gone.status, 200);
    }
    reader.get("/deliveries/{delivery}", &["x"]).await.json(404);
}

/// Its keys, its state, and a test of it.
async fn tell_of_its_keys(reader: &Reader, id: &str) {
    reader.get("/webhooks/{webhook}/why", &[id]).await.json(200);
    for (body, status) in [("", 200), (r#"{"algorithm":"ed25519"}"#, 200), (r#"{"x":1}"#, 422)] {
        let path = "/webhooks/{webhook}/rotate_secret";
        reader.call(Method::POST, path, &[id], body).await.json(status);
    }
    reader.get("/webhooks/{webhook}/secret", &[id]).await.json(200);
    reader.call(Method::POST, "/webhooks/{webhook}/test", &[id], "").await.json(202);
    for path in ["secret", "why"] {
        reader.get(&format!("/webhooks/{{webhook}}/{path}"), &["9"]).await.json(404);
    }
}

#[tokio::test]
async fn every_answer_is_as_it_is_described() {
    let place = Place::new().set("RELINK_RETRY_SCHEDULE", "10ms");
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    let document = Document(api.get("//openapi.json").await.json(200));
    let reader = Reader { api, document };

    let account = r#"{"name":"Acme","administrator_emails":["ops@acme.example"]}"#;
    reader.call(Method::PUT, "", &[], account).await.json(201);
    reader.get("", &[]).await.json(200);
    tell_of_an_inbox(&reader).await;
    tell_of_a_webhook(&reader, &place, &receiver).await;
    tell_of_subjects(&reader).await;
    tell_of_other_endpoints(&reader).await;
    reader.get("/health", &[]).await.json(200);
    reader.get("/health?at=6", &[]).await.json(200);
    reader.get("/health?at=noon", &[]).await.json(400);
    reader.get("/cache_keys", &[]).await.json(200);
    reader.call(Method::DELETE, "/inboxes/{inbox}", &["42"], "").await.json(200);
    reader.call(Method::DELETE, "/inboxes/{inbox}", &["42"], "").await.json(404);
    for path in ["//readyz", "//healthz"] {
        reader.get(path, &[]).await.json(200);
    }

    let nobody = Reader { api: reader.api.by_nobody(), document: reader.document };
    for path in ["/health", "/webhooks", "/inboxes"] {
        nobody.get(path, &[]).await.json(401);
    }
}

#[tokio::test]
async fn a_delivery_that_is_no_webhooks_of_the_account_is_as_it_is_described() {
    let place = Place::new();
    let (relink, receiver) = (place.serve().await, Receiver::start().await);
    let api = relink.api();
    let document = Document(api.get("//openapi.json").await.json(200));
    let reader = Reader { api, document };
    reader.call(Method::PUT, "", &[], r#"{"name":"Acme"}"#).await.json(201);
    let url = receiver.url("/bot");
    let inbox = json!({ "name": "Bot", "channel_type": "Channel::Api", "webhook_url": url });
    reader.call(Method::PUT, "/inboxes/{inbox}", &["5"], &inbox.to_string()).await.json(201);
    let event = r#"{"event":"conversation_created","data":{"id":1,"inbox_id":5}}"#;
    reader.call(Method::POST, "/events", &[], event).await.json(202);
    let seen = place.written("delivery.delivered", 1).await;

    let path = format!("/inboxes/{{inbox}}/deliveries?consistent_to={seen}");
    let owed = reader.get(&path, &["5"]).await.json(200);
    let delivery = owed["deliveries"][0]["id"].as_str().unwrap();
    let shown = reader.get("/deliveries/{delivery}", &[delivery]).await.json(200);
    assert_eq!(shown["webhook_id"], Value::Null);
    reader.get("/deliveries/{delivery}/explain", &[delivery]).await.json(200);
    reader.get("/mail/deliveries", &[]).await.json(200);
}
