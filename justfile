# What a change goes through: `check` after every edit, `journeys` before a commit, `all` before it lands.

[private]
default:
    @just --list

# Formatting, lints, what runs without a process of its own, and the walls between the rooms: under a minute when warm.
check:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    cargo test --locked --workspace --quiet --lib
    cargo test --locked --quiet --test architecture

# Soft keys and the practice IdP through whole jobs, each told as a story.
journeys:
    cargo test --locked --test journeys

# Everything that main has to pass; gets what it needs from the package registries.
all:
    .ci/run
