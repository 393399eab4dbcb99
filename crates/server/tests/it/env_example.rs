//! `.env.example` says what is so: of the service's variables, and of those of docker-compose.yml alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use server::config::{Config, VARIABLES};

const EXAMPLE: &str = include_str!("../../../../.env.example");
const COMPOSE: &str = include_str!("../../../../docker-compose.yml");

/// Begins the section of what the service itself does not read.
const COMPOSE_SECTION: &str = "## docker-compose alone";
/// The image fixes these; another port and address of the machine are PUBLISHED_….
const FIXED_BY_THE_IMAGE: [&str; 2] = ["HOST", "PORT"];

#[test]
fn every_variable_stands_in_the_example_with_its_default_and_its_sentence() {
    let (service, _) = sections();
    for variable in VARIABLES {
        let block = format!(
            "\n# {}\n#{}={}\n",
            variable.about, variable.name, variable.default
        );
        assert!(service.contains(&block), "{block}is missing in:{service}");
    }
    let named: Vec<_> = settings(service).into_keys().collect();
    let mut known = VARIABLES.map(|variable| variable.name);
    known.sort_unstable();
    assert_eq!(named, known);
}

#[test]
fn the_variables_that_are_read_are_the_variables_that_are_known() {
    let read = RefCell::new(BTreeSet::new());
    Config::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        None
    })
    .expect("the defaults are valid");
    let mut known: BTreeSet<_> = VARIABLES
        .map(|variable| variable.name.to_owned())
        .into_iter()
        .collect();
    known.insert("DATABASE_URL_FILE".into());
    assert_eq!(read.into_inner(), known);
}

#[test]
fn the_defaults_in_the_example_are_a_valid_configuration() {
    let (service, _) = sections();
    let settings = settings(service);
    let config = Config::read(|name| settings.get(name).map(|&value| value.to_owned()));
    let defaults = Config::read(|_| None).expect("the defaults are valid");
    assert_eq!(
        format!("{:?}", config.expect("the example is valid")),
        format!("{defaults:?}")
    );
}

#[test]
fn compose_takes_what_the_example_lists_with_the_same_defaults() {
    let (service, compose) = sections();
    let mut listed = settings(service);
    listed.extend(settings(compose));
    for name in FIXED_BY_THE_IMAGE {
        listed.remove(name);
    }
    // The one default that differs: in the container the data lies in the volume.
    listed.insert("DATABASE_URL", "sqlite:///data/medicine.db");
    // Compose reads this one itself.
    listed.remove("COMPOSE_PROFILES");
    assert_eq!(substitutions(), listed);
    assert!(compose.contains(listed["DATABASE_URL"]), "{compose}");
}

#[test]
fn every_setting_of_compose_has_a_sentence() {
    let (_, compose) = sections();
    let lines: Vec<_> = compose.lines().collect();
    for pair in lines.windows(2) {
        if setting(pair[1]).is_some() {
            assert!(pair[0].starts_with("# "), "{} has no sentence", pair[1]);
        }
    }
}

/// The service's section and the one of docker-compose alone.
fn sections() -> (&'static str, &'static str) {
    EXAMPLE
        .split_once(COMPOSE_SECTION)
        .expect("the example has a section for docker-compose alone")
}

fn settings(section: &str) -> BTreeMap<&str, &str> {
    section.lines().filter_map(setting).collect()
}

/// Reads `#NAME=default`.
fn setting(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('#')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))?
        .split_once('=')
}

/// Each `${NAME:-default}` and `${NAME-default}` of docker-compose.yml.
fn substitutions() -> BTreeMap<&'static str, &'static str> {
    let inside = COMPOSE
        .split("${")
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap_or_default());
    inside
        .map(|text| {
            let (name, default) = text.split_once('-').expect("each has a default");
            (name.trim_end_matches(':'), default)
        })
        .collect()
}
