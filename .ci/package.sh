#!/usr/bin/env bash
# Packs the program for the machine it runs on: with completions, man pages, udev rules and a checksum. Then unpacks the archive in an
# empty folder and takes the quick start with what is in it.
#
# usage: .ci/package.sh PROGRAM [FOLDER]     the program as it was built, and where the archive goes (default: target/package)
set -euo pipefail
exec </dev/null

program=$(realpath "${1:?the program as it was built}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${2:-${CARGO_TARGET_DIR:-$PWD/target}/package}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"
out=$(realpath "$out")

version=$("$program" --version | cut -d ' ' -f 2 | tr -d '\r')
target=$(rustc -vV | sed -n 's/^host: //p' | tr -d '\r')
# The name that `cargo binstall` asks for, so that there is one place which says it.
name=$(sed -n 's|^pkg-url = .*/\([^/]*\){ archive-suffix }"$|\1|p' crates/provost/Cargo.toml |
    sed "s/{ name }/provost/; s/{ version }/$version/; s/{ target }/$target/")
[[ -n $name ]] || { printf 'crates/provost/Cargo.toml has no pkg-url\n' >&2; exit 1; }
case $target in
*windows*) ending=.exe archive=$name.zip ;;
*) ending='' archive=$name.tgz ;;
esac

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

pack() {
    local root=$scratch/$name
    mkdir -p "$root/completions" "$root/udev"
    cp "$program" "$root/provost$ending"
    cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$root/"
    cp share/udev/69-provost.rules "$root/udev/"
    "$program" man --out "$root/man/man1" >/dev/null
    "$program" completions bash >"$root/completions/provost.bash"
    "$program" completions zsh >"$root/completions/_provost"
    "$program" completions fish >"$root/completions/provost.fish"
    "$program" completions powershell >"$root/completions/_provost.ps1"
    "$program" completions nushell >"$root/completions/provost.nu"
    "$program" completions elvish >"$root/completions/provost.elv"
    rm -f "$out/$archive"
    case $archive in
    *.zip) (cd "$scratch" && 7z a -bso0 "$out/$archive" "$name") ;;
    *)
        local same=()
        # The same bytes from the same program, where this tar can.
        if tar --version | grep -q GNU; then
            same=(--sort=name "--mtime=@${SOURCE_DATE_EPOCH:-0}" --owner=0 --group=0 --numeric-owner)
        fi
        tar -C "$scratch" "${same[@]}" -cf - "$name" | gzip -9n >"$out/$archive"
        ;;
    esac
    (cd "$out" && sha256 "$archive" >"$archive.sha256")
    rm -rf "$root"
}

# What somebody does who has the archive and nothing else.
try() {
    cd "$scratch"
    (cd "$out" && sha256 -c "$archive.sha256")
    case $archive in
    *.zip) 7z x -bso0 "$out/$archive" ;;
    *) tar -xzf "$out/$archive" ;;
    esac
    cd "$name"
    ./provost$ending rescue --probe twin:stuck-in-provisioning
    ./provost$ending doctor --udev | tr -d '\r' | cmp - udev/69-provost.rules
    bash --norc -c 'source completions/provost.bash && complete -p provost'
    [[ -s man/man1/provost-rescue.1 ]]
}

pack
try
printf '%s: %s bytes, %s files\n' "$out/$archive" "$(wc -c <"$out/$archive")" "$(find "$scratch/$name" -type f | wc -l)"
