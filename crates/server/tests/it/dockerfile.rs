//! The Dockerfile builds with the toolchain that everything else is built with.

const DOCKERFILE: &str = include_str!("../../../../Dockerfile");
const CARGO: &str = include_str!("../../../../.cargo/config.toml");
const TOOLCHAIN: &str = include_str!("../../../../rust-toolchain.toml");

#[test]
fn the_image_is_built_with_the_pinned_toolchain() {
    let channel = TOOLCHAIN
        .lines()
        .find_map(|line| line.strip_prefix("channel = "))
        .expect("a channel is pinned")
        .trim_matches('"');
    let version = DOCKERFILE
        .lines()
        .find_map(|line| line.strip_prefix("ARG RUST_VERSION="))
        .expect("the Dockerfile names a version");
    assert_eq!(version, channel);
    assert!(DOCKERFILE.contains("\nFROM rust:${RUST_VERSION}-slim-bookworm AS build\n"));
}

#[test]
fn the_image_has_the_sqlite_that_is_tested() {
    let flags = |text: &'static str, before: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(before));
        line.expect("SQLite is built with flags").trim_matches('"')
    };
    assert_eq!(
        flags(DOCKERFILE, "ENV LIBSQLITE3_FLAGS="),
        flags(CARGO, "LIBSQLITE3_FLAGS = ")
    );
}

#[test]
fn the_dockerfile_needs_no_frontend_and_no_feature_of_one_builder() {
    for feature in ["# syntax=", "--mount=", "--chmod", "<<"] {
        assert!(!DOCKERFILE.contains(feature), "{feature}");
    }
}
