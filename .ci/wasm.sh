#!/usr/bin/env bash
# Builds the whole program without debug probes and tokens for WASI, and holds it against the native one under Node.
#
#   .ci/wasm.sh [NATIVE]      NATIVE: a native program to compare with; without it target/release/provost, built if need be
#
# Skipped with the reason where there is no toolchain or no Node; with PROVOST_REQUIRE_STRANGERS=1 that is a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}

skip() {
    printf 'SKIPPED: %s\n' "$*"
    [[ ${PROVOST_REQUIRE_STRANGERS:-0} == 0 ]] || exit 1
    exit 0
}

command -v node >/dev/null || skip 'there is no node'
environment=$(.ci/wasm-toolchain.sh "$target/ci-tools/wasm") || skip 'there is no toolchain for wasm32-wasip1'

native=${1:-$target/release/provost}
if [[ $# == 0 ]]; then
    cargo build --release
fi

start=$SECONDS
# A target folder of its own: another compiler must not throw away what the native one has built.
(
    . "$environment"
    CARGO_TARGET_DIR=$target/wasm cargo build --profile web --target wasm32-wasip1 ${PROVOST_BUILD_STD:-} \
        -p provost --no-default-features
)
wasm=$target/wasm/wasm32-wasip1/web/provost.wasm
printf 'built in %s s: %s bytes, %s compressed\n' "$((SECONDS - start))" "$(stat -c %s "$wasm")" "$(gzip -9 -c "$wasm" | wc -c)"

node --no-warnings .ci/wasi.mjs "$wasm" "$native" crates/provost-diagnosis/tests
