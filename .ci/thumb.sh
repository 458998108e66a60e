#!/usr/bin/env bash
# The Thumb programs of the tests: assembles them with GNU binutils for arm-none-eabi, or with --check holds the checked-in bytes against
# what the assembler makes of the sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The folder with the sources, and the address that they are linked for.
assemble() {
    local folder=$1 address=$2 source name
    for source in "$folder"/*.s; do
        name=$(basename "$source" .s)
        arm-none-eabi-as -I "$folder" -o "$scratch/$name.o" "$source"
        arm-none-eabi-ld -Ttext="$address" -e "$address" -o "$scratch/$name.elf" "$scratch/$name.o"
        arm-none-eabi-objcopy -O binary "$scratch/$name.elf" "$scratch/$name.bin"
        chmod 644 "$scratch/$name.bin"
        if [[ ${check:-} ]]; then
            cmp "$scratch/$name.bin" "$folder/$name.bin"
        else
            mv "$scratch/$name.bin" "$folder/$name.bin"
        fi
    done
}

[[ ${1:-} != --check ]] || check=1
assemble crates/provost-thumb/tests/programs 0x10000000
assemble crates/provost-twin/tests/programs 0x20000000
