//! How SQLite reads the name of a type.

/// What SQLite makes of a type, in the words that a STRICT table permits.
pub(super) fn strict_type(type_text: &str) -> &'static str {
    match Affinity::of(type_text) {
        Affinity::Integer => "INTEGER",
        Affinity::Text => "TEXT",
        Affinity::Blob if type_text == "any" || type_text.is_empty() => "ANY",
        Affinity::Blob => "BLOB",
        Affinity::Numeric if type_text.starts_with("bool") => "INTEGER",
        Affinity::Numeric if type_text == "any" => "ANY",
        Affinity::Real | Affinity::Numeric => "REAL",
    }
}

/// How SQLite reads the name of a type (section 3.1 of "Datatypes In SQLite").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Numeric,
}

impl Affinity {
    pub(super) fn of(type_text: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| type_text.contains(word));
        if has(&["int"]) {
            Self::Integer
        } else if has(&["char", "clob", "text"]) {
            Self::Text
        } else if type_text.is_empty() || has(&["blob"]) {
            Self::Blob
        } else if has(&["real", "floa", "doub"]) {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}
