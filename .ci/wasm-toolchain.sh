#!/usr/bin/env bash
# Puts a Rust toolchain that builds for wasm32-wasip1 into a folder, and prints the file to source before cargo is called.
#
#   .ci/wasm-toolchain.sh DIR
#
# Where the toolchain in use knows the target (`rustup target add wasm32-wasip1`), that one is taken. Otherwise the distribution's packages are
# unpacked into DIR, without being installed: Debian's rustc-web with the standard library as source, which cargo then builds for the target.
# Exit 3 with the reason on stderr where neither is to be had.
set -euo pipefail

readonly TARGET=wasm32-wasip1

dir=$(mkdir -p "$1" && cd "$1" && pwd)

skip() {
    printf 'no toolchain for %s: %s\n' "$TARGET" "$*" >&2
    exit 3
}

if [[ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]]; then
    : >"$dir/native.sh"
    printf '%s\n' "$dir/native.sh"
    exit 0
fi
if [[ -s $dir/env.sh ]] && (. "$dir/env.sh" && "$RUSTC" --version && wasm-ld --version) >/dev/null 2>&1; then
    printf '%s\n' "$dir/env.sh"
    exit 0
fi
command -v apt-get >/dev/null || skip 'neither rustup has it, nor is there an apt-get'
[[ $(uname -m) == x86_64 ]] || skip "not tried on $(uname -m)"

# A fresh folder: half of an earlier attempt is of no use.
rm -rf "$dir/root" "$dir/env.sh"
cd "$dir"
if [[ $(id -u) == 0 ]]; then
    apt-get update -qq >&2 || skip 'apt-get update failed'
fi
depends() { apt-cache depends "$1" | sed -n "s/.*Depends: \($2\).*/\1/p" | head -1; }
std=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]*')
[[ -n $std ]] || skip 'the distribution has no libstd-rust-web-dev'
llvm=$(depends "$std" 'libllvm[0-9]*')
llvm=${llvm#libllvm}
apt-get download -qq rustc-web rust-web-src libstd-rust-web-dev "$std" "libllvm$llvm" "lld-$llvm" >&2 2>/dev/null ||
    skip 'the packages cannot be downloaded'

# The C library for WASI has to be as young as the standard library: Debian 12's of 2022 lacks what Rust 1.96 names (threads, `realpath`).
# It is one file for every machine, so it comes from a later release, by lists of our own.
mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian //p' | sed -n 1p)
[[ -n $mirror ]] || skip 'no mirror of Debian is set up'
mkdir -p apt/lists/partial apt/cache/archives/partial
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s forky main\n' "$mirror" >apt/sources.list
later=(-qq -o "Dir::Etc::sourcelist=$dir/apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/apt/lists"
    -o "Dir::Cache=$dir/apt/cache" -o Acquire::Languages=none)
apt-get "${later[@]}" update >&2 && apt-get "${later[@]}" download wasi-libc >&2 2>/dev/null ||
    skip 'the C library for WASI cannot be downloaded'
rm -rf apt
for package in *.deb; do
    dpkg -x "$package" root
    rm "$package"
done
cat >env.sh <<EOF
export RUSTC=$dir/root/usr/bin/rustc RUSTDOC=$dir/root/usr/bin/rustdoc RUSTC_BOOTSTRAP=1
export LD_LIBRARY_PATH=$dir/root/usr/lib/x86_64-linux-gnu:$dir/root/usr/lib
export PATH=$dir/root/usr/lib/llvm-$llvm/bin:\$PATH
export CARGO_TARGET_WASM32_WASIP1_LINKER=wasm-ld
export CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="-Clinker-flavor=wasm-ld -Clink-self-contained=no -Clink-arg=-L$dir/root/usr/lib/wasm32-wasi -Clink-arg=$dir/root/usr/lib/wasm32-wasi/crt1-command.o -Clink-arg=-lc"
export PROVOST_BUILD_STD=-Zbuild-std=std,panic_abort
EOF
(. ./env.sh && "$RUSTC" --version && wasm-ld --version) >&2 || skip 'what was unpacked does not run'
printf '%s\n' "$dir/env.sh"
