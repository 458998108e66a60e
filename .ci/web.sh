#!/usr/bin/env bash
# Puts the page together and tests it: its parts and the program on its host under Node, and the whole in a Chromium, beside `provost serve`.
#
#   .ci/web.sh WASM NATIVE      the program for WASI (.ci/wasm.sh builds it), and the native one
#
# What there is no Node, npm or Chromium for is skipped with the reason; with PROVOST_REQUIRE_STRANGERS=1 that is a failure. Pictures of the page
# are left in target/web/pictures, to be looked at.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly PLAYWRIGHT_VERSION=1.65.1 AXE_VERSION=4.14.1 TYPESCRIPT_VERSION=7.0.2

target=${CARGO_TARGET_DIR:-$PWD/target}
tools=$target/ci-tools/web

skip() {
    printf 'SKIPPED: %s\n' "$*"
    [[ ${PROVOST_REQUIRE_STRANGERS:-0} == 0 ]] || exit 1
    exit 0
}

command -v node >/dev/null || skip 'there is no node'
node --test web/test/page.test.mjs web/test/wasi.test.mjs

wasm=${1:-$target/wasm/wasm32-wasip1/web/provost.wasm}
native=${2:-$target/release/provost}
[[ -s $wasm ]] || skip "there is no program for WASI: $wasm"
export PROVOST_WASM=$(realpath "$wasm") PROVOST_NATIVE=$(realpath "$native") PROVOST_WEB_OUT=$target/web
node web/build.mjs "$PROVOST_WASM" "$PROVOST_WEB_OUT"
node --test web/test/same.test.mjs

command -v npm >/dev/null || skip 'there is no npm for the tests in a browser'
mkdir -p "$tools"
npm install --silent --no-audit --no-fund --prefix "$tools" \
    "playwright-core@$PLAYWRIGHT_VERSION" "axe-core@$AXE_VERSION" "typescript@$TYPESCRIPT_VERSION" || skip 'npm has no network'
"$tools/node_modules/.bin/tsc" -p web/tsconfig.json

chromium=${PROVOST_CHROMIUM:-}
for candidate in /usr/lib/chromium/chromium "$(command -v chromium || true)" "$(command -v google-chrome || true)"; do
    [[ -n $chromium || ! -x $candidate ]] || chromium=$candidate
done
[[ -n $chromium ]] || skip 'there is no Chromium'
PROVOST_CHROMIUM=$chromium PROVOST_WEB_TOOLS=$tools node --test web/test/browser.mjs
printf 'pictures: %s\n' "$PROVOST_WEB_OUT/pictures"
