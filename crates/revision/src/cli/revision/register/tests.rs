//! The shapes that `lib.rs` comes in: only new lines are added, whatever stands around them.

use super::add;

/// Adds `m3_new` and returns the lines that were not there before, after making sure that nothing else changed.
fn added(lib: &str) -> Vec<String> {
    let new = add(lib, "m3_new").expect(lib);
    let mut old = lib.lines().peekable();
    let mut lines = Vec::new();
    for line in new.lines() {
        if old.peek() == Some(&line) {
            old.next();
        } else {
            lines.push(line.trim().to_owned());
        }
    }
    assert_eq!(old.next(), None, "a line is gone:\n{new}");
    lines
}

const TWO: [&str; 2] = ["mod m3_new;", "Box::new(m3_new::Migration),"];

fn lib(list: &str) -> String {
    format!(
        "//! Migrations.\n\npub use sea_orm_migration::*;\n\nmod m1_a;\nmod m2_b;\n\npub struct Migrator;\n\n\
         impl MigratorTrait for Migrator {{\n    fn migrations() -> Vec<Box<dyn MigrationTrait>> {{\n{list}\n    }}\n}}\n"
    )
}

#[test]
fn an_ordinary_list() {
    let lib = lib(
        "        vec![\n            Box::new(m1_a::Migration),\n            Box::new(m2_b::Migration),\n        ]",
    );
    assert_eq!(added(&lib), TWO);
    assert!(
        add(&lib, "m3_new")
            .expect("it is added")
            .contains("mod m2_b;\nmod m3_new;\n\npub struct Migrator;")
    );
}

#[test]
fn windows_line_ends_stay() {
    let lib = lib("        vec![\n            Box::new(m1_a::Migration),\n        ]")
        .replace('\n', "\r\n");
    let new = add(&lib, "m3_new").expect("it is added");
    assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
    assert_eq!(added(&lib), TWO);
}

#[test]
fn comments_and_conditions_stay_where_they_are() {
    for list in [
        "        vec![\n            // The first.\n            Box::new(m1_a::Migration), // frozen\n            // The end.\n        ]",
        "        vec![\n            #[cfg(unix)]\n            Box::new(m1_a::Migration),\n        ]",
        "        vec![\n            Box::new(m1_a::Migration),\n            Box::new(audit::Migration), /* theirs */\n        ]",
    ] {
        assert_eq!(added(&lib(list)), TWO, "{list}");
    }
}

#[test]
fn a_list_without_a_last_comma_gets_one() {
    let lib = lib("        vec![\n            Box::new(m1_a::Migration) // last\n        ]");
    let new = add(&lib, "m3_new").expect("it is added");
    assert!(
        new.contains(
            "Box::new(m1_a::Migration), // last\n            Box::new(m3_new::Migration),\n"
        ),
        "{new}"
    );
}

#[test]
fn lists_on_one_line() {
    let new = |list: &str| add(&lib(list), "m3_new").expect("it is added");
    assert!(new("vec![]").contains("vec![Box::new(m3_new::Migration)]"));
    assert!(
        new("vec![Box::new(m1_a::Migration)]")
            .contains("vec![Box::new(m1_a::Migration), Box::new(m3_new::Migration)]")
    );
    assert!(
        new("vec![Box::new(m1_a::Migration),]")
            .contains("vec![Box::new(m1_a::Migration), Box::new(m3_new::Migration),]")
    );
}

#[test]
fn what_stands_below_the_list_is_not_touched() {
    let mut lib = lib("        vec![\n            Box::new(m1_a::Migration),\n        ]");
    lib.push_str("\n// mod m9_commented_out;\nfn helper() -> Vec<u8> {\n    vec![1]\n}\n\n#[cfg(test)]\nmod tests {\n    // é\n}\n");
    assert_eq!(added(&lib), TWO);
}

#[test]
fn the_first_migration_of_a_crate() {
    let lib = "//! Ünïcode.\nuse sea_orm_migration::prelude::*;\n\npub struct Migrator;\n\nimpl MigratorTrait for Migrator {\n    fn migrations() -> Vec<Box<dyn MigrationTrait>> { vec![] }\n}\n";
    let new = add(lib, "m3_new").expect("it is added");
    assert!(
        new.contains("prelude::*;\n\nmod m3_new;\n\npub struct Migrator;"),
        "{new}"
    );
    assert!(new.contains("{ vec![Box::new(m3_new::Migration)] }"));
}

#[test]
fn what_cannot_be_edited_safely_is_refused() {
    let refused = |lib: &str| add(lib, "m3_new").expect_err(lib);
    assert_eq!(
        refused(&lib("let list = vec![]; list")),
        "fn migrations is not a single vec![…]"
    );
    assert_eq!(
        refused(&lib("Vec::new()")),
        "fn migrations is not a single vec![…]"
    );
    assert_eq!(
        refused("pub struct Migrator;"),
        "there is no impl MigratorTrait with fn migrations"
    );
    assert!(
        refused("<<<<<<< ours\nmod a;\n=======\nmod b;\n>>>>>>> theirs\n")
            .starts_with("line 1 is not Rust")
    );
    assert_eq!(
        refused(&lib("vec![Box::new(m3_new::Migration)]")),
        "m3_new is already there"
    );
}
