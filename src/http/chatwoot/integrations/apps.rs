//! The applications that an account can connect: Chatwoot's, with what their settings must be.

use serde_json::{Map, Value};

/// Of which type a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Object,
    Flag,
    Integer,
}

/// What a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Setting {
    name: &'static str,
    of: Type,
    required: bool,
    /// Whether administrators are shown it; every other one is sealed.
    visible: bool,
}

/// One application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct App {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// Whether each of its hooks works for one inbox.
    pub(super) of_inbox: bool,
    /// Whether an account may have several hooks of it.
    pub(super) multiple: bool,
    /// Whether there are no settings but those.
    closed: bool,
    settings: &'static [Setting],
}

const fn required(name: &'static str, of: Type) -> Setting {
    Setting { name, of, required: true, visible: false }
}

const fn optional(name: &'static str, of: Type) -> Setting {
    Setting { name, of, required: false, visible: false }
}

impl Setting {
    const fn shown(self) -> Self {
        Self { visible: true, ..self }
    }
}

/// An application of the whole account that is connected elsewhere, by OAuth, once.
const fn open(id: &'static str, name: &'static str, description: &'static str) -> App {
    let (of_inbox, multiple, closed) = (false, false, false);
    App { id, name, description, of_inbox, multiple, closed, settings: &[] }
}

/// Chatwoot's `config/integration/apps.yml`, in its order.
const APPS: [App; 11] = [
    App {
        multiple: true,
        ..open("webhook", "Webhooks", "Tells endpoints of the account what happens in it")
    },
    App {
        multiple: true,
        ..open("dashboard_apps", "Dashboard apps", "Shows pages of others beside a conversation")
    },
    App {
        closed: true,
        settings: &[
            required("api_key", Type::Text),
            optional("label_suggestion", Type::Flag).shown(),
        ],
        ..open("openai", "OpenAI", "Helps agents to write, and suggests labels")
    },
    open("linear", "Linear", "Links conversations and issues"),
    open("notion", "Notion", "Reads pages that answers are made of"),
    App {
        settings: &[optional("channel_name", Type::Text).shown()],
        ..open("slack", "Slack", "Brings conversations into a channel, and answers back")
    },
    App {
        of_inbox: true,
        multiple: true,
        closed: true,
        settings: &[
            required("project_id", Type::Text).shown(),
            required("credentials", Type::Object),
            optional("region", Type::Text).shown(),
            optional("language_code", Type::Text).shown(),
        ],
        ..open("dialogflow", "Dialogflow", "Answers as a bot before an agent does")
    },
    App {
        closed: true,
        settings: &[
            required("project_id", Type::Text).shown(),
            required("credentials", Type::Object),
        ],
        ..open("google_translate", "Google Translate", "Translates what customers write")
    },
    App {
        closed: true,
        settings: &[
            required("api_key", Type::Text),
            required("organization_id", Type::Text).shown(),
        ],
        ..open("dyte", "Dyte", "Starts video calls from a conversation")
    },
    open("shopify", "Shopify", "Shows the orders of a customer"),
    App {
        closed: true,
        settings: &[
            required("access_key", Type::Text),
            required("secret_key", Type::Text),
            optional("endpoint_url", Type::Text).shown(),
            optional("app_url", Type::Text),
            optional("timezone", Type::Text),
            optional("enable_conversation_activity", Type::Flag).shown(),
            optional("enable_transcript_activity", Type::Flag).shown(),
            optional("conversation_activity_score", Type::Text).shown(),
            optional("transcript_activity_score", Type::Text).shown(),
            optional("conversation_activity_code", Type::Integer),
            optional("transcript_activity_code", Type::Integer),
        ],
        ..open("leadsquared", "LeadSquared", "Tells the CRM of conversations")
    },
];

impl App {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = &'static Self> {
        APPS.iter()
    }

    /// The one of this name.
    pub(super) fn find(id: &str) -> Option<&'static Self> {
        Self::all().find(|app| app.id == id)
    }

    /// Chatwoot's word for what its hooks work for.
    pub(super) fn hook_type(&self) -> &'static str {
        if self.of_inbox { "inbox" } else { "account" }
    }

    /// Whether these can be its settings.
    pub(super) fn takes(&self, settings: &Map<String, Value>) -> bool {
        let known = |name: &str| self.settings.iter().find(|setting| setting.name == name);
        let complete =
            self.settings.iter().all(|it| !it.required || settings.contains_key(it.name));
        complete
            && settings.iter().all(|(name, value)| match known(name) {
                Some(setting) => setting.of.takes(value),
                None => !self.closed,
            })
    }

    /// The settings that may be shown, and all others.
    pub(super) fn split(
        &self,
        settings: Map<String, Value>,
    ) -> (Map<String, Value>, Map<String, Value>) {
        let visible = |name: &str| self.settings.iter().any(|it| it.visible && it.name == name);
        settings.into_iter().partition(|(name, _)| visible(name))
    }

    /// The names of those that may be shown.
    pub(super) fn visible_properties(&self) -> Vec<&'static str> {
        self.settings.iter().filter(|it| it.visible).map(|it| it.name).collect()
    }
}

impl Type {
    fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Object => value.is_object(),
            Self::Flag => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
        }
    }
}

#[cfg(test)]
mod tests;
