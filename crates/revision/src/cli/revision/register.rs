//! Making a migration known in `lib.rs`, and leaving the rest of that file as it is, byte for byte.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Expr, File, ImplItem, Item, ItemMod, Macro, Stmt, Token};

/// Adds `mod name;` behind the other migrations and `Box::new(name::Migration)` at the end of their list.
///
/// # Errors
///
/// A sentence, when the file is not one in which that is safe.
pub(super) fn add(lib: &str, name: &str) -> Result<String, String> {
    let before = Registry::read(lib)?;
    if before.modules.iter().any(|module| module == name)
        || before.listed.iter().any(|listed| listed == name)
    {
        return Err(format!("{name} is already there"));
    }
    let newline = if lib.contains("\r\n") { "\r\n" } else { "\n" };
    // From the end to the beginning, so that each position still holds.
    let mut text = lib.to_owned();
    for (at, what) in before.entry(lib, name, newline) {
        text.insert_str(at, &what);
    }
    text.insert_str(before.module_at, &before.declaration(lib, name, newline));

    let after = Registry::read(&text)?;
    let (mut modules, mut listed) = (before.modules, before.listed);
    modules.push(name.to_owned());
    listed.push(name.to_owned());
    let mut found = after.modules;
    modules.sort();
    found.sort();
    if modules != found || listed != after.listed {
        return Err("the migration cannot be added without changing the rest".to_owned());
    }
    Ok(text)
}

/// What `lib.rs` says about its migrations, and where.
struct Registry {
    modules: Vec<String>,
    listed: Vec<String>,
    /// Where the declaration of a module goes.
    module_at: usize,
    /// Whether there is a module before it, on a line of its own.
    follows_module: bool,
    /// The byte behind the last entry of the list, and behind its comma.
    last_entry: Option<(usize, Option<usize>, usize)>,
    /// Where the list's bracket closes.
    close: usize,
}

impl Registry {
    fn read(lib: &str) -> Result<Self, String> {
        if lib.starts_with('\u{feff}') || lib.starts_with("#!/") {
            return Err("it begins with something that is not Rust".to_owned());
        }
        let file = syn::parse_file(lib).map_err(|error| {
            let line = error.span().start().line;
            format!("line {line} is not Rust: {error}")
        })?;
        let body = list(&file)?;
        let entries = body
            .parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)
            .map_err(|error| format!("the list of migrations cannot be read: {error}"))?;
        let registered: Vec<String> = entries.iter().filter_map(module_of).collect();
        let modules: Vec<&ItemMod> = file
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Mod(module) if module.content.is_none() => Some(module),
                _ => None,
            })
            .collect();
        let is_migration = |module: &&&ItemMod| registered.contains(&module.ident.to_string());
        let last = modules.iter().rfind(is_migration).or(modules.last());
        let (module_at, follows_module) = match last {
            Some(module) => (end_of_line(lib, end(module.span())), true),
            None => (before_migrator(&file, lib), false),
        };
        let last_entry = entries.pairs().next_back().map(|pair| {
            let entry = pair.value().span();
            let comma = pair.punct().map(|comma| end(comma.span()));
            (end(entry), comma, start(entry))
        });
        Ok(Self {
            modules: modules
                .iter()
                .map(|module| module.ident.to_string())
                .collect(),
            listed: registered,
            module_at,
            follows_module,
            last_entry,
            close: start(body.delimiter.span().close()),
        })
    }

    fn declaration(&self, lib: &str, name: &str, newline: &str) -> String {
        if !self.follows_module {
            return format!("mod {name};{newline}{newline}");
        }
        // A file may end with its last module.
        let is_at_line_start = lib[..self.module_at].ends_with('\n');
        if is_at_line_start {
            format!("mod {name};{newline}")
        } else {
            format!("{newline}mod {name};")
        }
    }

    /// What is put into the list, the last position first.
    fn entry(&self, lib: &str, name: &str, newline: &str) -> Vec<(usize, String)> {
        let entry = format!("Box::new({name}::Migration)");
        let Some((entry_end, comma, entry_start)) = self.last_entry else {
            return vec![(self.close, entry)];
        };
        let line_start = lib[..entry_start].rfind('\n').map_or(0, |at| at + 1);
        let indent = &lib[line_start..entry_start];
        if !indent.trim().is_empty() {
            // All on one line.
            return match comma {
                Some(comma) => vec![(comma, format!(" {entry},"))],
                None => vec![(entry_end, format!(", {entry}"))],
            };
        }
        // A comment behind the last entry stays with it.
        let behind = comma.unwrap_or(entry_end);
        let rest = &lib[behind..end_of_text(lib, behind)];
        let comment = rest.trim();
        let is_comment =
            comment.starts_with("//") || (comment.starts_with("/*") && comment.ends_with("*/"));
        let at = if comment.is_empty() || is_comment {
            behind + rest.len()
        } else {
            behind
        };
        let mut edits = vec![(at, format!("{newline}{indent}{entry},"))];
        if comma.is_none() {
            edits.push((entry_end, ",".to_owned()));
        }
        edits
    }
}

/// The `vec![…]` that `MigratorTrait::migrations` returns.
fn list(file: &File) -> Result<&Macro, String> {
    let mut lists = Vec::new();
    for item in &file.items {
        let Item::Impl(item) = item else { continue };
        let is_migrator = item.trait_.as_ref().is_some_and(|(path, _)| {
            path.segments
                .last()
                .is_some_and(|segment| segment.ident == "MigratorTrait")
        });
        if !is_migrator {
            continue;
        }
        for function in &item.items {
            if let ImplItem::Fn(function) = function
                && function.sig.ident == "migrations"
            {
                lists.push(vec_of(&function.block.stmts)?);
            }
        }
    }
    match lists[..] {
        [list] => Ok(list),
        [] => Err("there is no impl MigratorTrait with fn migrations".to_owned()),
        _ => Err("there is more than one impl MigratorTrait".to_owned()),
    }
}

fn vec_of(statements: &[Stmt]) -> Result<&Macro, String> {
    let list = match statements {
        [Stmt::Expr(Expr::Macro(list), None)] => Some(&list.mac),
        [Stmt::Macro(list)] if list.semi_token.is_none() => Some(&list.mac),
        _ => None,
    };
    list.filter(|list| list.path.is_ident("vec"))
        .ok_or_else(|| "fn migrations is not a single vec![…]".to_owned())
}

/// The module in `Box::new(module::Migration)`.
fn module_of(entry: &Expr) -> Option<String> {
    let Expr::Call(call) = entry else { return None };
    let Some(Expr::Path(path)) = call.args.first() else {
        return None;
    };
    Some(path.path.segments.first()?.ident.to_string())
}

/// The start of the line of the first item that is neither an attribute nor an import.
fn before_migrator(file: &File, lib: &str) -> usize {
    let first = file
        .items
        .iter()
        .find(|item| !matches!(item, Item::Use(_) | Item::ExternCrate(_)));
    let at = first.map_or(lib.len(), |item| start(item.span()));
    lib[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn start(span: Span) -> usize {
    span.byte_range().start
}

fn end(span: Span) -> usize {
    span.byte_range().end
}

/// Behind the newline that ends the line.
fn end_of_line(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |length| at + length + 1)
}

/// Before the newline that ends the line.
fn end_of_text(text: &str, at: usize) -> usize {
    let length = text[at..].find('\n').unwrap_or(text.len() - at);
    let line = &text[at..at + length];
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

#[cfg(test)]
mod tests;
