//! Query parameters: each read once, every refusal named, unknown ones refused.

use crate::json::shortened;
use crate::problem::{Error, FieldError, Result};

/// The parameters of a query string that have not been read yet.
#[derive(Debug)]
pub struct Parameters {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Parameters {
    /// The parameters in a query string.
    pub fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
        let mut parameters = Self {
            pairs: pairs.collect(),
            known: Vec::new(),
            errors: Vec::new(),
        };
        // What is not UTF-8 is decoded to this character, and would search for something that nobody meant.
        let garbled = |(name, value): &(String, String)| {
            name.contains(char::REPLACEMENT_CHARACTER)
                || value.contains(char::REPLACEMENT_CHARACTER)
        };
        if let Some((name, _)) = parameters.pairs.iter().find(|pair| garbled(pair)) {
            let name = shortened(name);
            parameters.refuse(&name, "must be percent-encoded UTF-8");
        }
        parameters
    }

    /// Reads a parameter that may be absent.
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.known.push(name);
        let mut values = self.pairs.extract_if(.., |(key, _)| key == name);
        let (_, value) = values.next()?;
        let repeated = values.next().is_some();
        drop(values);
        let parsed = if repeated {
            Err("is given more than once".into())
        } else {
            parse(&value)
        };
        parsed.map_err(|detail| self.refuse(name, detail)).ok()
    }

    /// Notes that a parameter's value cannot be.
    pub fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError::new(name, detail));
    }

    /// Ends the reading: parameters that nobody asked for are refused as well.
    pub fn finish(mut self) -> Result<()> {
        for (name, _) in &self.pairs {
            let detail = format!(
                "is not a known parameter; known are {}",
                self.known.join(", ")
            );
            self.errors.push(FieldError::new(shortened(name), detail));
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::BadParameter(self.errors))
        }
    }
}

/// Reads one of a few words.
pub fn choice<T: Copy>(choices: &[(&str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |value| {
        choices
            .iter()
            .find(|(word, _)| *word == value)
            .map(|(_, choice)| *choice)
            .ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                format!("`{}` is not one of {}", shortened(value), words.join(", "))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_not_utf_8_is_refused() {
        let mut parameters = Parameters::parse(Some("a=%FFx"));
        assert!(
            parameters
                .optional("a", |value| Ok(value.to_owned()))
                .is_some()
        );
        assert!(
            matches!(parameters.finish(), Err(Error::BadParameter(errors)) if errors[0].pointer == "a")
        );
        assert!(Parameters::parse(Some("=%C2%B5")).errors.is_empty());
    }

    #[test]
    fn repeated_invalid_and_unknown_parameters_are_all_named() {
        let mut parameters = Parameters::parse(Some("a=1&a=2&b=x&c=3&d"));
        let flag = choice(&[("true", true), ("false", false)]);
        assert_eq!(parameters.optional("a", &flag), None);
        assert_eq!(parameters.optional("b", &flag), None);
        let Err(Error::BadParameter(errors)) = parameters.finish() else {
            panic!("accepted")
        };
        let names: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
        assert_eq!(errors[2].detail, "is not a known parameter; known are a, b");
    }
}
