//! How a category's events are declared: one line each, with the wire name and version.
//!
//! A wire name and version are a promise. Changing a shape means: raise the version here, move
//! the old struct to `codec/`, and name it behind `lifts`.

macro_rules! vocabulary {
    (
        category $category:literal;
        $(#[$doc:meta])*
        pub enum Event {
            $(
                $(#[$variant_doc:meta])*
                $variant:ident = $name:literal v $version:literal
                    $(lifts $old_version:literal $old:path)*,
            )*
        }
        $(shares reauthorization as $shared:ident;)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$variant_doc])* $variant($variant),)*
            $(
                /// What every subject that can need reauthorization shares.
                $shared($crate::reauthorization::Event),
            )?
        }

        $(
            impl From<$variant> for Event {
                fn from(payload: $variant) -> Self {
                    Self::$variant(payload)
                }
            }
        )*

        $(
            impl From<$crate::reauthorization::Event> for Event {
                fn from(event: $crate::reauthorization::Event) -> Self {
                    Self::$shared(event)
                }
            }
        )?

        impl Event {
            pub(crate) const CATEGORY: &'static str = $category;

            pub(crate) fn shapes() -> Vec<(String, u16)> {
                let own: &[(&str, u16)] = &[
                    $(($name, $version), $(($name, $old_version),)*)*
                ];
                let shared: &[(&str, u16)] = vocabulary!(@shapes $($shared)?);
                own.iter()
                    .chain(shared)
                    .map(|(name, version)| (format!("{}.{name}", $category), *version))
                    .collect()
            }

            pub(crate) fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => concat!($category, ".", $name),)*
                    $(Self::$shared(event) => $crate::reauthorization::kind!($category, event),)?
                }
            }

            /// `name` is what stands behind the category and its full stop.
            pub(crate) fn known(name: &str) -> Option<&'static str> {
                match name {
                    $($name => Some(concat!($category, ".", $name)),)*
                    _ => vocabulary!(@known $category, name $(, $shared)?),
                }
            }

            pub(crate) fn version(&self) -> u16 {
                match self {
                    $(Self::$variant(_) => $version,)*
                    $(Self::$shared(event) => event.version(),)?
                }
            }

            /// Puts the payload behind what is in `bytes`.
            pub(crate) fn encode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
                match self {
                    $(Self::$variant(payload) => postcard::to_extend(payload, bytes),)*
                    $(Self::$shared(event) => event.encode(bytes),)?
                }
            }

            pub(crate) fn view(&self) -> serde_json::Result<serde_json::Value> {
                match self {
                    $(Self::$variant(payload) => serde_json::to_value(payload),)*
                    $(Self::$shared(event) => event.view(),)?
                }
            }

            /// `name` is what stands behind the category and its full stop.
            pub(crate) fn decode(
                name: &str,
                version: u16,
                data: &[u8],
            ) -> Result<Self, $crate::codec::Problem> {
                match (name, version) {
                    $(
                        ($name, $version) => {
                            $crate::codec::exact(data).map(Self::$variant)
                        }
                        $(
                            ($name, $old_version) => $crate::codec::exact::<$old>(data)
                                .map(|old| Self::$variant(old.into())),
                        )*
                    )*
                    _ => vocabulary!(@rest name, version, data $(, $shared)?),
                }
            }
        }
    };
    (@shapes) => {
        &[]
    };
    (@shapes $shared:ident) => {
        $crate::reauthorization::Event::SHAPES
    };
    (@known $category:literal, $name:ident) => {
        None
    };
    (@known $category:literal, $name:ident, $shared:ident) => {
        $crate::reauthorization::known!($category, $name)
    };
    (@rest $name:ident, $version:ident, $data:ident) => {
        Err($crate::codec::Problem::Unknown)
    };
    (@rest $name:ident, $version:ident, $data:ident, $shared:ident) => {
        $crate::reauthorization::Event::decode($name, $version, $data).map(Self::$shared)
    };
}

macro_rules! vocabularies {
    (
        $(#[$doc:meta])*
        pub enum Event { $($variant:ident($event:path),)* }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $(#[doc = concat!("See [`", stringify!($event), "`].")] $variant($event),)*
        }

        $(
            impl From<$event> for Event {
                fn from(event: $event) -> Self {
                    Self::$variant(event)
                }
            }
        )*

        impl Event {
            /// The wire name, such as `inbox.registered`.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(event) => event.kind(),)* }
            }

            pub(crate) fn known(category: &str, name: &str) -> Option<&'static str> {
                $(
                    if category == <$event>::CATEGORY {
                        return <$event>::known(name);
                    }
                )*
                None
            }

            /// The version of its shape.
            pub fn version(&self) -> u16 {
                match self { $(Self::$variant(event) => event.version(),)* }
            }

            /// The payload as JSON for people to read; what is sealed stays sealed.
            ///
            /// # Errors
            /// Never with a payload of ours.
            pub fn view(&self) -> serde_json::Result<serde_json::Value> {
                match self { $(Self::$variant(event) => event.view(),)* }
            }

            pub(crate) fn shapes() -> Vec<(String, u16)> {
                let mut shapes = Vec::new();
                $(shapes.extend(<$event>::shapes());)*
                shapes
            }

            /// Puts the payload behind what is in `bytes`.
            pub(crate) fn encode(&self, bytes: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
                match self { $(Self::$variant(event) => event.encode(bytes),)* }
            }

            pub(crate) fn decode(
                category: &str,
                name: &str,
                version: u16,
                data: &[u8],
            ) -> Result<Self, $crate::codec::Problem> {
                $(
                    if category == <$event>::CATEGORY {
                        return <$event>::decode(name, version, data).map(Self::$variant);
                    }
                )*
                Err($crate::codec::Problem::Unknown)
            }
        }
    };
}

pub(crate) use {vocabularies, vocabulary};
