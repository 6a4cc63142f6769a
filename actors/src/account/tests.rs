use super::*;
use crate::aggregate::Next;
use crate::testing::{fresh, given};

const OURS: WebhookId = WebhookId(7);
const THEIRS: WebhookId = WebhookId(8);
const URL: &str = "https://example.com/hook";

fn registered() -> Event {
    Registered { name: "Acme".into(), administrator_emails: vec!["a@acme.test".into()] }.into()
}

fn claimed(webhook: WebhookId) -> Event {
    WebhookUrlClaimed { webhook, url: URL.into() }.into()
}

fn released(webhook: WebhookId) -> Event {
    WebhookUrlReleased { webhook, url: URL.into() }.into()
}

fn register(name: Option<&str>, emails: Option<&[&str]>) -> Command {
    Command::Register {
        name: name.map(Into::into),
        administrator_emails: emails.map(|emails| emails.iter().copied().map(Into::into).collect()),
        locale: None,
    }
}

fn speak(locale: Option<&str>) -> Command {
    let locale = Some(locale.map(Into::into));
    Command::Register { name: None, administrator_emails: None, locale }
}

fn claim(webhook: WebhookId, instead_of: Option<WebhookId>) -> Command {
    Command::ClaimUrl { webhook, url: URL.into(), instead_of }
}

fn release(webhook: WebhookId) -> Command {
    Command::ReleaseUrl { webhook, url: URL.into() }
}

#[test]
fn an_account_is_registered_once() {
    fresh::<Account>()
        .when(register(Some("Acme"), Some(&["a@acme.test"])))
        .then([registered()])
        .and_when(register(Some("Acme"), Some(&["a@acme.test"])))
        .then_nothing()
        .then_owes(crate::testing::NOON, &Next::Idle);
}

#[test]
fn an_account_needs_a_name_but_no_administrators() {
    fresh::<Account>()
        .when(register(None, Some(&["a@acme.test"])))
        .then_refused(&Rejection::Nameless);
    let lonely = Registered { name: "Acme".into(), administrator_emails: vec![] };
    fresh::<Account>().when(register(Some("Acme"), None)).then([lonely]);
}

#[test]
fn registering_again_changes_only_what_differs() {
    let renamed = Event::from(Renamed { name: "Apex".into() });
    let changed = Event::from(AdministratorsChanged { administrator_emails: vec![] });
    given::<Account>([registered()])
        .when(register(Some("Apex"), Some(&["a@acme.test"])))
        .then([renamed.clone()]);
    given::<Account>([registered()])
        .when(register(Some("Acme"), Some(&[])))
        .then([changed.clone()]);
    given::<Account>([registered()])
        .when(register(Some("Apex"), Some(&[])))
        .then([renamed, changed])
        .and_when(register(Some("Apex"), Some(&[])))
        .then_nothing();
    given::<Account>([registered()]).when(register(None, None)).then_nothing();
}

#[test]
fn a_url_belongs_to_one_webhook() {
    given::<Account>([registered()])
        .when(claim(OURS, None))
        .then([claimed(OURS)])
        .and_when(claim(OURS, None))
        .then_nothing()
        .and_when(claim(THEIRS, None))
        .then_refused(&Rejection::UrlTaken { by: OURS });
}

#[test]
fn whether_a_url_is_free_is_found_out_without_taking_it() {
    let find = || Command::FindUrlFree { url: URL.into() };
    fresh::<Account>().when(find()).then_refused(&Rejection::Unregistered);
    given::<Account>([registered()]).when(find()).then_nothing();
    given::<Account>([registered(), claimed(OURS), released(OURS)]).when(find()).then_nothing();
    given::<Account>([registered(), claimed(OURS)])
        .when(find())
        .then_refused(&Rejection::UrlTaken { by: OURS });
}

#[test]
fn an_unregistered_account_has_no_urls() {
    fresh::<Account>().when(claim(OURS, None)).then_refused(&Rejection::Unregistered);
}

#[test]
fn a_url_is_taken_over_from_a_webhook_that_does_not_live_at_it() {
    given::<Account>([registered(), claimed(OURS)])
        .when(claim(THEIRS, Some(OURS)))
        .then([released(OURS), claimed(THEIRS)])
        .and_when(claim(THEIRS, Some(OURS)))
        .then_nothing();
}

#[test]
fn a_url_is_not_taken_over_from_anybody_else() {
    given::<Account>([registered(), claimed(OURS)])
        .when(claim(THEIRS, Some(WebhookId(9))))
        .then_refused(&Rejection::UrlTaken { by: OURS });
}

#[test]
fn a_released_url_can_be_claimed_by_another() {
    given::<Account>([registered(), claimed(OURS)])
        .when(release(OURS))
        .then([released(OURS)])
        .and_when(release(OURS))
        .then_nothing()
        .and_when(claim(THEIRS, None))
        .then([claimed(THEIRS)]);
}

#[test]
fn nobody_releases_the_url_of_another() {
    given::<Account>([registered(), claimed(OURS)]).when(release(THEIRS)).then_nothing();
}

#[test]
fn looking_changes_nothing_and_tells_the_profile() {
    let account = given::<Account>([registered()]);
    let profile = account.state().answer(&Command::Look).unwrap();
    assert_eq!(profile.name, "Acme");
    assert_eq!(profile.administrator_emails, ["a@acme.test"]);
    account.when(Command::Look).then_nothing();
}

#[test]
fn an_account_is_written_to_in_its_language_once_it_has_said_which() {
    let set = |locale: Option<&str>| LocaleSet { locale: locale.map(Into::into) };
    given::<Account>([registered()])
        .when(speak(None))
        .then_nothing()
        .and_when(speak(Some("pt_BR")))
        .then([set(Some("pt_BR"))])
        .and_when(speak(Some("pt_BR")))
        .then_nothing()
        .and_when(speak(None))
        .then([set(None)]);
}

#[test]
fn an_application_belongs_to_one_hook_until_it_is_released() {
    let app = || "slack".to_owned();
    let claim = |hook, instead_of| Command::ClaimIntegration { hook, app: app(), instead_of };
    let release = |hook| Command::ReleaseIntegration { hook, app: app() };
    let claimed = |hook| Event::from(IntegrationClaimed { hook, app: app() });
    let released = |hook| Event::from(IntegrationReleased { hook, app: app() });
    let (ours, theirs) = (HookId(3), HookId(4));
    fresh::<Account>().when(claim(ours, None)).then_refused(&Rejection::Unregistered);
    given::<Account>([registered()])
        .when(claim(ours, None))
        .then([claimed(ours)])
        .and_when(claim(ours, None))
        .then_nothing()
        .and_when(claim(theirs, None))
        .then_refused(&Rejection::IntegrationTaken { by: ours })
        .and_when(release(theirs))
        .then_nothing()
        .and_when(claim(theirs, Some(ours)))
        .then([released(ours), claimed(theirs)])
        .and_when(release(theirs))
        .then([released(theirs)]);
}
