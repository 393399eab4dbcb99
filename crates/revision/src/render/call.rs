//! Calls, and chains of them, in lines as rustfmt breaks them.

/// As long as rustfmt lets a chain, or the arguments of a call, be on one line.
const WIDTH: usize = 60;

/// `name(arguments)`.
pub(super) fn call(name: &str, arguments: &[String]) -> String {
    let line = arguments.join(", ");
    if is_line(&line) {
        return format!("{name}({line})");
    }
    let arguments: String = arguments
        .iter()
        .map(|argument| indented(&format!("{argument},\n")))
        .collect();
    format!("{name}(\n{arguments})")
}

/// `[elements]`; an empty one says of what.
pub(super) fn array(elements: &[String]) -> String {
    match elements {
        [] => "[\"\"; 0]".to_owned(),
        _ => format!("[{}]", elements.join(", ")),
    }
}

/// An expression, and the methods called on it one after the other.
#[derive(Debug)]
pub(super) struct Chain {
    links: Vec<String>,
}

impl Chain {
    pub(super) fn new(head: impl Into<String>) -> Self {
        Self {
            links: vec![head.into()],
        }
    }

    pub(super) fn call(mut self, method: &str, arguments: &[String]) -> Self {
        self.links.push(format!(".{}", call(method, arguments)));
        self
    }

    pub(super) fn text(&self) -> String {
        let line = self.links.concat();
        if is_line(&line) {
            return line;
        }
        let (head, links) = self.links.split_first().expect("a chain has a head");
        let links: Vec<String> = links
            .iter()
            .map(|link| indented(link).trim_end().to_owned())
            .collect();
        format!("{head}\n{}", links.join("\n"))
    }

    /// As a statement that is waited for.
    pub(super) fn statement(mut self) -> String {
        self.links.push(".await?".to_owned());
        format!("{};", self.text())
    }
}

fn is_line(text: &str) -> bool {
    !text.contains('\n') && text.chars().count() <= WIDTH
}

/// Every line one step to the right; there is no line break in a literal.
pub(super) fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        _ => format!("    {line}\n"),
    });
    lines.collect()
}
