//! Rust's literals.

use std::fmt::Write as _;

/// A text as a literal, readable wherever it may be.
pub(super) fn text(text: &str) -> String {
    let is_plain = |char: char| escape(char).is_none();
    if text.contains(['"', '\\'])
        && text
            .chars()
            .all(|char| matches!(char, '"' | '\\') || is_plain(char))
    {
        return raw(text);
    }
    let mut literal = "\"".to_owned();
    for char in text.chars() {
        match escape(char) {
            Some(escaped) => literal.push_str(&escaped),
            None => literal.push(char),
        }
    }
    literal.push('"');
    literal
}

fn raw(text: &str) -> String {
    let mut hashes = String::new();
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// What cannot be seen, or could be taken for something else, is said by its number.
fn escape(char: char) -> Option<String> {
    match char {
        '\'' => None,
        // Letters that normalisation replaces by others.
        '\u{1100}'..='\u{11ff}' | '\u{2000}'..='\u{2bff}' | '\u{f900}'..='\u{faff}'
            if !is_symbol(char) =>
        {
            Some(char.escape_unicode().to_string())
        }
        _ => {
            let escaped = char.escape_debug().to_string();
            (escaped.chars().count() > 1).then_some(escaped)
        }
    }
}

/// Signs that a text is written with.
fn is_symbol(char: char) -> bool {
    matches!(char, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{20a0}'..='\u{20bf}' | '\u{2190}'..='\u{2328}')
}

/// A whole number, its digits in groups; one that is no `i32` says its type.
pub(super) fn integer(number: i128) -> String {
    let mut literal = grouped(&number.to_string());
    if i32::try_from(number).is_err() {
        let suffix = if i64::try_from(number).is_ok() {
            "_i64"
        } else {
            "_u64"
        };
        literal.push_str(suffix);
    }
    literal
}

/// The number of a length or precision, whose type is known.
pub(super) fn length(number: u32) -> String {
    grouped(&number.to_string())
}

fn grouped(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let mut literal = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len() > 4 && (digits.len() - index).is_multiple_of(3) {
            literal.push('_');
        }
        literal.push(digit);
    }
    literal
}

/// Bytes; the first one says of which type they are.
pub(super) fn bytes(bytes: &[u8]) -> String {
    let mut literal = "vec![".to_owned();
    for (index, byte) in bytes.iter().enumerate() {
        let (comma, suffix) = if index == 0 { ("", "_u8") } else { (", ", "") };
        let _ = write!(literal, "{comma}0x{byte:02X}{suffix}");
    }
    literal.push(']');
    literal
}

#[cfg(test)]
mod tests {
    use super::{bytes, integer, text};

    #[test]
    fn texts_are_readable_and_survive() {
        for (given, literal) in [
            ("it's", "\"it's\""),
            ("a \"b\"", "r#\"a \"b\"\"#"),
            ("a\\d", "r\"a\\d\""),
            ("\"#", "r##\"\"#\"##"),
            ("a\n\"b\"", "\"a\\n\\\"b\\\"\""),
            ("µ ß 日本 – „x“ €", "\"µ ß 日本 – „x“ €\""),
            ("{x}", "\"{x}\""),
            ("e\u{301}", "\"e\\u{301}\""),
            (
                "\u{2126}\u{200b}\u{202e}",
                "\"\\u{2126}\\u{200b}\\u{202e}\"",
            ),
        ] {
            assert_eq!(text(given), literal);
            let parsed: syn::LitStr = syn::parse_str(literal).unwrap();
            assert_eq!(parsed.value(), given);
        }
    }

    #[test]
    fn numbers_are_in_groups() {
        assert_eq!(integer(1000), "1000");
        assert_eq!(integer(-12345), "-12_345");
        assert_eq!(integer(5_000_000_000), "5_000_000_000_i64");
        assert_eq!(integer(u64::MAX.into()), "18_446_744_073_709_551_615_u64");
        assert_eq!(bytes(&[222, 1]), "vec![0xDE_u8, 0x01]");
    }
}
