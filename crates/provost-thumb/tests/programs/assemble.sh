#!/usr/bin/env bash
# Assembles the programs of this folder (GNU binutils for arm-none-eabi) into the folder given, by default this one.
set -euo pipefail
out=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")}")
cd "$(dirname "${BASH_SOURCE[0]}")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for source in *.s; do
    name=${source%.s}
    arm-none-eabi-as -o "$scratch/$name.o" "$source"
    arm-none-eabi-ld -Ttext=0x10000000 -e 0x10000000 -o "$scratch/$name.elf" "$scratch/$name.o"
    arm-none-eabi-objcopy -O binary "$scratch/$name.elf" "$out/$name.bin"
done
