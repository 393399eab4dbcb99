# The medicine tracker: the service and the migration tool, each one program, on a slim Debian.

# The same version as in rust-toolchain.toml; a test keeps it so.
ARG RUST_VERSION=1.95.0

# What the dependencies depend on: the manifests and the lock file, with an empty program for each crate.
# The next stage copies the result, which stays the same, byte for byte, while only sources change.
FROM debian:bookworm-slim AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock -delete \
    && find . -name Cargo.toml ! -path ./Cargo.toml -printf '%h\n' | while read -r crate; do \
        mkdir -p "$crate/src" && : >"$crate/src/lib.rs" && echo 'fn main() {}' >"$crate/src/main.rs"; \
    done \
    && find . -type d -empty -delete

FROM rust:${RUST_VERSION}-slim-bookworm AS build
WORKDIR /src
# The same as in .cargo/config.toml; a test keeps it so.
ENV LIBSQLITE3_FLAGS="-DSQLITE_DEFAULT_MEMSTATUS=0 -USQLITE_ENABLE_MEMORY_MANAGEMENT -USQLITE_ENABLE_STAT4 -USQLITE_ENABLE_API_ARMOR -USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB"
COPY --from=manifests /src .
RUN cargo build --release --locked --package server --package migration
COPY . .
# Cargo goes by the time of a file, and the sources may be older than the empty programs built above.
RUN find crates migration -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --package server --package migration

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="medicine-tracker" \
    org.opencontainers.image.description="Keeps a household's drugs, and tells when each runs out and by when to order it." \
    org.opencontainers.image.licenses="MIT"
# A fixed number, so that files in a volume have the same owner in every version of this image.
# A new volume takes the owner of /data from here.
RUN groupadd --gid 10001 medicine \
    && useradd --uid 10001 --gid medicine --no-create-home --home-dir /nonexistent --shell /bin/bash medicine \
    && install --directory --owner=medicine --group=medicine --mode=0750 /data
COPY --from=build /src/target/release/medicine-tracker /src/target/release/migration /usr/local/bin/
# SQLite's temporary files lie beside the data: /tmp may be memory, and an index of a large table is large.
ENV DATABASE_URL=sqlite:///data/medicine.db \
    HOST=0.0.0.0 \
    PORT=8000 \
    SQLITE_TMPDIR=/data
USER 10001:10001
WORKDIR /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# A migration at boot may take its time; a failure counts only after that.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["medicine-tracker", "healthcheck"]
# A command and no entrypoint: `docker-compose run --rm backend migration current` is then a command as well.
CMD ["medicine-tracker", "serve"]
