//! What is said in comments: the head of the file, and what is to be looked at.

/// As long as a line of a comment gets.
const WIDTH: usize = 100;

/// The doc comment of the file.
pub(super) fn header(message: &str, revises: Option<&str>, notes: &[String]) -> String {
    let revises = match revises {
        Some(parent) => format!("Revises: `{parent}`"),
        None => "Revises: nothing, this is the first.".to_owned(),
    };
    let mut paragraphs = vec![markdown(message), revises];
    paragraphs.extend(
        notes
            .iter()
            .map(|note| format!("REVIEW: {}", markdown(note))),
    );
    let paragraphs: Vec<String> = paragraphs
        .iter()
        .map(|paragraph| wrapped(paragraph))
        .collect();
    paragraphs.join("//!\n")
}

/// A comment for each thing that is to be looked at.
pub(super) fn remarks(remarks: &[String]) -> String {
    let lines = remarks
        .iter()
        .map(|remark| ["// REVIEW: ", &plain(remark), "\n"].concat());
    lines.collect()
}

fn wrapped(paragraph: &str) -> String {
    let mut lines = vec!["//!".to_owned()];
    for word in paragraph.split(' ') {
        let last = lines
            .last_mut()
            .expect("there is a line from the beginning");
        if last.chars().count() + word.chars().count() < WIDTH || last == "//!" {
            last.extend([" ", word]);
        } else {
            lines.push(format!("//! {word}"));
        }
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// One line without what cannot be seen, or would turn the line round.
fn plain(text: &str) -> String {
    let seen = text.replace(
        |char: char| char.is_control() || matches!(char, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'),
        " ",
    );
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As it was typed, with what is code, or would be markup, in backticks.
fn markdown(text: &str) -> String {
    let text = plain(text);
    // Who balances them knows what they are for.
    let is_marked = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let parts = text.split('`').enumerate().map(|(index, part)| {
        if is_marked && index % 2 == 1 {
            return format!("`{part}`");
        }
        words(part)
    });
    if is_marked {
        parts.collect()
    } else {
        words(&text)
    }
}

fn words(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    let is_edge = |char: char| {
        matches!(
            char,
            ',' | '.' | ';' | ':' | '!' | '?' | '"' | '\'' | '(' | ')' | '…'
        )
    };
    let core = word.trim_matches(is_edge);
    if core.is_empty() || is_plain_word(core) {
        return word.to_owned();
    }
    let (before, after) = word
        .split_once(core)
        .expect("the core is a part of the word");
    if core.contains('`') {
        let fence = "`".repeat(core.matches('`').count() + 1);
        return format!("{before}{fence} {core} {fence}{after}");
    }
    format!("{before}`{core}`{after}")
}

/// Letters and digits that are neither code nor markup.
fn is_plain_word(word: &str) -> bool {
    let is_plain =
        |char: char| char.is_alphanumeric() || matches!(char, '-' | '/' | '\'' | '%' | '–' | '’');
    let uppercase = word.chars().filter(|char| char.is_uppercase()).count();
    let is_camel = uppercase > 1 && word.chars().any(char::is_lowercase);
    let is_list = word.chars().all(|char| char == '-');
    word.chars().all(is_plain) && !is_camel && !is_list
}

#[cfg(test)]
mod tests {
    use super::{header, markdown};

    #[test]
    fn a_message_is_no_markup() {
        for (message, expected) in [
            (
                "Add instructions field to Drug",
                "Add instructions field to Drug",
            ),
            (
                "Add reorder_lead_days, at last",
                "Add `reorder_lead_days`, at last",
            ),
            (
                "Rename DosageStrength (again)",
                "Rename `DosageStrength` (again)",
            ),
            (
                "drop `notes` and /* this */",
                "drop `notes` and `/*` this `*/`",
            ),
            ("a ` alone", "a `` ` `` alone"),
            (
                "see [x] <b> https://a.b/c",
                "see `[x]` `<b>` `https://a.b/c`",
            ),
            ("# 5 > 4 — µg 'x' 50%", "`#` 5 `>` 4 `—` µg 'x' 50%"),
            ("\u{202e}turned\u{7} round", "turned round"),
        ] {
            assert_eq!(markdown(message), expected);
        }
    }

    #[test]
    fn notes_are_paragraphs_of_their_own() {
        let note = "word ".repeat(24) + "end.";
        let text = header("Add colour", Some("m1_a"), &[note, "Look.".to_owned()]);
        let line = "//! REVIEW:".to_owned() + &" word".repeat(17);
        let expected = [
            "//! Add colour",
            "//!",
            "//! Revises: `m1_a`",
            "//!",
            &line,
            "//! word word word word word word word end.",
            "//!",
            "//! REVIEW: Look.",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }
}
