#!/usr/bin/env bash
# Builds every fuzz target and runs each for some seconds, two at a time; fails on any finding.
#
#   fuzz/run.sh [SECONDS] [TARGET...]      60 seconds and all targets, if not told otherwise
#
# Needs cargo-fuzz 0.13 (`cargo install cargo-fuzz --locked`) and what seeds.sh needs. The stable compiler will do: the address
# sanitizer and the coverage that guides libFuzzer are switched on by RUSTC_BOOTSTRAP. What is found lies in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly seconds=${1:-60}
shift $(($# > 0))
targets=("$@")
if ((${#targets[@]} == 0)); then
    mapfile -t targets < <(cd fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi

export RUSTC_BOOTSTRAP=1
# Freed memory is kept for a while to catch its use; 256 MB of it, as by default, would leave nothing of the limit below.
export ASAN_OPTIONS=${ASAN_OPTIONS:-quarantine_size_mb=32}
target_dir=${CARGO_TARGET_DIR:-$PWD/target}
./seeds.sh
cargo fuzz build --fuzz-dir . --target-dir "$target_dir"

# No input may make a target allocate 64 MB at once or hold 512 MB: the meters in the targets are far stricter, but count Rust only.
# scrypt is bounded by the target; ten seconds are ten thousand times what any input should take.
run() {
    local target=$1 start=$SECONDS log
    log=$(mktemp)
    mkdir -p "artifacts/$target"
    local options=(-max_total_time="$seconds" -malloc_limit_mb=64 -rss_limit_mb=512 -timeout=10 -print_final_stats=1
        -max_len="$(max_len "$target")" -artifact_prefix="artifacts/$target/")
    if [[ -e dictionaries/$target.dict ]]; then
        options+=(-dict="dictionaries/$target.dict")
    fi
    local binary=$target_dir/x86_64-unknown-linux-gnu/release/$target status=0
    nice -n 10 "$binary" "${options[@]}" "corpus/$target" >"$log" 2>&1 || status=$?
    local executions
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-17s %10s executions, corpus of %5s, %4s s%s\n' "$target" "${executions:-?}" \
        "$(find "corpus/$target" -type f | wc -l)" "$((SECONDS - start))" "$( ((status == 0)) || printf ' FINDING')"
    if ((status != 0)); then
        tail -40 "$log" >&2
    fi
    rm "$log"
    return "$status"
}

# Long enough for several of what a target reads.
max_len() {
    case $1 in
        adac_packet) echo 2048 ;;
        image) echo 4096 ;;
        obk_file) echo 8192 ;;
        log | reading) echo 16384 ;;
        *) echo 4096 ;;
    esac
}

failed=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pids=()
    for target in "${targets[@]:i:2}"; do
        run "$target" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || failed=1
    done
done
exit "$failed"
