//! Text as people type it: what is stored, and what a search compares.
//!
//! A name must not carry a line break into a mail header, and the same name must be found however
//! it was typed. Lengths count Unicode scalar values, after normalisation.

use std::borrow::Cow;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

/// Why a text is refused; the message names what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must have 1 to {max_chars} characters; got none")]
    Empty {
        /// The most characters allowed.
        max_chars: usize,
    },
    /// Too many characters.
    #[error("must have at most {max_chars} characters; got {chars}")]
    TooLong {
        /// The most characters allowed.
        max_chars: usize,
        /// The characters there are.
        chars: usize,
    },
    /// A control character or line break in a text of one line.
    #[error("must be one line without control characters; found U+{:04X}", u32::from(*.0))]
    NotOneLine(char),
    /// A control character other than a line feed or a tab in a text of several lines.
    #[error(
        "must not have control characters other than line breaks and tabs; found U+{:04X}",
        u32::from(*.0)
    )]
    Control(char),
}

/// A text of one line with 1 to `max_chars` characters, such as a name: trimmed, and in NFC.
///
/// # Errors
/// When nothing is left, when it is too long, and when it has a control character (category Cc),
/// U+2028 or U+2029.
pub fn single_line(value: &str, max_chars: usize) -> Result<String, TextError> {
    one_line(NFC.normalize(value.trim()), max_chars)
}

/// Like [`single_line`], but kept as typed between its ends, such as a strength: "75 µg", "0,3 mg",
/// "20.000 I.E.".
///
/// # Errors
/// As for [`single_line`].
pub fn verbatim(value: &str, max_chars: usize) -> Result<String, TextError> {
    one_line(Cow::Borrowed(value.trim()), max_chars)
}

/// A text of any number of lines with 0 to `max_chars` characters, such as notes: in NFC, with CR
/// LF as a line feed.
///
/// # Errors
/// When it is too long, and when it has a control character (category Cc) other than a line feed or
/// a tab, U+2028 or U+2029.
pub fn multi_line(value: &str, max_chars: usize) -> Result<String, TextError> {
    let text = value.replace("\r\n", "\n");
    let text = NFC.normalize(&text);
    match text
        .chars()
        .find(|&c| is_control(c) && !matches!(c, '\n' | '\t'))
    {
        Some(c) => Err(TextError::Control(c)),
        None => within(text, max_chars),
    }
}

/// What two texts share when a search must take them for the same: NFKC, full case folding, NFKC.
///
/// So µ (U+00B5) finds μ (U+03BC), ß finds ss, and composed, decomposed, half-width and full-width
/// forms find each other. The key is for comparing, never for showing.
pub fn search_key(text: &str) -> String {
    let compatible = NFKC.normalize(text);
    let folded = CaseMapper::new().fold_string(&compatible);
    // Folding may leave a sequence that has a composed form.
    NFKC.normalize(&folded).into_owned()
}

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

fn one_line(text: Cow<'_, str>, max_chars: usize) -> Result<String, TextError> {
    if text.is_empty() {
        return Err(TextError::Empty { max_chars });
    }
    match text.chars().find(|&c| is_control(c)) {
        Some(c) => Err(TextError::NotOneLine(c)),
        None => within(text, max_chars),
    }
}

fn within(text: Cow<'_, str>, max_chars: usize) -> Result<String, TextError> {
    match text.chars().count() {
        chars if chars > max_chars => Err(TextError::TooLong { max_chars, chars }),
        _ => Ok(text.into_owned()),
    }
}

/// Category Cc, and the two separators that break a line without belonging to it.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use icu_normalizer::DecomposingNormalizerBorrowed;
    use proptest::prelude::*;

    #[test]
    fn names_are_trimmed_and_composed() {
        assert_eq!(
            single_line("  Leerzeichen \u{3000}\u{a0}\n", 200).unwrap(),
            "Leerzeichen"
        );
        assert_eq!(
            single_line("Bu\u{308}scopan", 200).unwrap(),
            "B\u{fc}scopan"
        );
        assert_eq!(single_line("Calcium 💊", 200).unwrap(), "Calcium 💊");
        assert_eq!(
            single_line("Amlodipin \"neu\"; 5mg", 200).unwrap(),
            "Amlodipin \"neu\"; 5mg"
        );
    }

    #[test]
    fn a_line_has_no_control_characters() {
        for c in [
            '\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{9f}', '\u{2028}', '\u{2029}',
        ] {
            let text = format!("Zeile{c}umbruch");
            assert_eq!(
                single_line(&text, 200),
                Err(TextError::NotOneLine(c)),
                "{text:?}"
            );
            assert_eq!(
                verbatim(&text, 200),
                Err(TextError::NotOneLine(c)),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_line_has_at_least_one_character() {
        for text in ["", " ", "\t\n", "\u{a0}\u{2003}\u{2028}"] {
            assert_eq!(
                single_line(text, 200),
                Err(TextError::Empty { max_chars: 200 }),
                "{text:?}"
            );
            assert_eq!(
                verbatim(text, 200),
                Err(TextError::Empty { max_chars: 200 }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn lengths_count_characters_after_normalisation() {
        let long = |text: &str| text.repeat(200);
        for text in ["A", "ä", "💊", "u\u{308}"] {
            assert!(single_line(&long(text), 200).is_ok(), "{text}");
            assert_eq!(
                single_line(&format!("{}{text}", long(text)), 200),
                Err(TextError::TooLong {
                    max_chars: 200,
                    chars: 201
                })
            );
        }
        // Nothing is composed in what is kept as typed, so the mark counts.
        assert_eq!(
            verbatim(&long("u\u{308}"), 200),
            Err(TextError::TooLong {
                max_chars: 200,
                chars: 400
            })
        );
        // U+0344 is two characters once it is normalised.
        assert_eq!(
            single_line("\u{344}", 1),
            Err(TextError::TooLong {
                max_chars: 1,
                chars: 2
            })
        );
    }

    #[test]
    fn strengths_stay_as_typed() {
        for text in [
            "75 \u{b5}g",
            "75 \u{3bc}g",
            "0,3 mg",
            "20.000 I.E.",
            "5 mg/25 mg",
            "u\u{308}",
            "ｍｇ",
        ] {
            assert_eq!(verbatim(&format!(" {text} "), 100).unwrap(), text);
        }
    }

    #[test]
    fn notes_keep_their_lines() {
        assert_eq!(multi_line("a\r\nb\n\tc\r\n", 100).unwrap(), "a\nb\n\tc\n");
        assert_eq!(multi_line("", 100).unwrap(), "");
        assert_eq!(multi_line("u\u{308}", 1).unwrap(), "ü");
        assert_eq!(multi_line("\r\n\r\n", 2).unwrap(), "\n\n");
        assert_eq!(
            multi_line("abc", 2),
            Err(TextError::TooLong {
                max_chars: 2,
                chars: 3
            })
        );
        for c in [
            '\r', '\0', '\u{b}', '\u{1b}', '\u{85}', '\u{2028}', '\u{2029}',
        ] {
            assert_eq!(
                multi_line(&format!("a{c}b"), 100),
                Err(TextError::Control(c)),
                "{c:?}"
            );
        }
    }

    #[test]
    fn messages_say_what_is_allowed() {
        let message = |result: Result<String, TextError>| result.unwrap_err().to_string();
        assert_eq!(
            message(single_line(" ", 200)),
            "must have 1 to 200 characters; got none"
        );
        assert_eq!(
            message(single_line("abc", 2)),
            "must have at most 2 characters; got 3"
        );
        assert_eq!(
            message(verbatim("a\nb", 9)),
            "must be one line without control characters; found U+000A"
        );
        assert_eq!(
            message(multi_line("a\0b", 9)),
            "must not have control characters other than line breaks and tabs; found U+0000"
        );
    }

    #[test]
    fn a_search_finds_the_same_text_however_it_was_typed() {
        for (one, other) in [
            ("75 \u{b5}g", "75 \u{3bc}g"),
            ("75 \u{b5}g", "75 \u{39c}G"),
            ("Bu\u{308}scopan", "b\u{fc}SCOPAN"),
            ("Weißdorn", "WEISSDORN"),
            ("WEIẞDORN", "weissdorn"),
            ("Ａｓｐｉｒｉｎ", "aspirin"),
            ("ﾊﾟ", "パ"),
            ("Ångström", "a\u{30a}ngstro\u{308}m"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("10\u{a0}mg", "10 mg"),
            ("ﬁlm", "FILM"),
            ("5 m²", "5 m2"),
        ] {
            assert_eq!(search_key(one), search_key(other), "{one:?} {other:?}");
        }
        assert_ne!(search_key("Weisdorn"), search_key("Weißdorn"));
        assert_ne!(search_key("Buscopan"), search_key("Büscopan"));
    }

    #[test]
    fn the_key_of_every_character_is_its_own_key() {
        for c in '\0'..=char::MAX {
            let key = search_key(c.encode_utf8(&mut [0; 4]));
            assert_eq!(search_key(&key), key, "U+{:04X}", u32::from(c));
        }
    }

    /// Letters and marks that compose, reorder or unfold into several.
    const INTRICATE: &str =
        "[αΩωΑaAsSiIıİßẞǰŉﬁᾳῼᄀ가ﾊ\u{345}\u{301}\u{308}\u{334}\u{307}\u{ff9e}]{0,8}";

    proptest! {
        #[test]
        fn what_is_accepted_is_accepted_again_unchanged(
            text in any::<String>(),
            max_chars in 1_usize..40,
        ) {
            for accept in [single_line, verbatim, multi_line] {
                if let Ok(accepted) = accept(&text, max_chars) {
                    prop_assert!(accepted.chars().count() <= max_chars);
                    prop_assert_eq!(accept(&accepted, max_chars), Ok(accepted));
                }
            }
        }

        #[test]
        fn a_key_does_not_depend_on_the_form_it_was_typed_in(
            text in prop_oneof![any::<String>(), INTRICATE],
        ) {
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&text);
            prop_assert_eq!(search_key(&decomposed), search_key(&text));
            prop_assert_eq!(search_key(&search_key(&text)), search_key(&text));
        }
    }
}
