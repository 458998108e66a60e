#!/usr/bin/env bash
# Every crate compiles without its default features, and with each of them alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

check() {
    printf '== %s\n' "$*"
    cargo check --quiet "$@"
}

while read -r crate features; do
    check -p "$crate" --no-default-features
    for feature in $features; do
        check -p "$crate" --no-default-features --features "$feature"
    done
done < <(cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    print(package["name"], *sorted(set(package["features"]) - {"default"}))
')
