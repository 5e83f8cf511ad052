#!/usr/bin/env bash
# Long runs of the built programs and tests: scripts/soak.sh [FAILOVERS [ROUNDS [SEEDS [SECONDS]]]]
# FAILOVERS of the lab (100), split between ours and pairs with the original; ROUNDS of the interop tests (10); the
# whole matrix of modes, links and makes; every helper scenario in a virtual machine; seeds 1..SEEDS of the simulator
# (20000); SECONDS of damaged input for each thing that reads it (120).
# Goes on after a failure; ends with a line of totals and fails if one did.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failovers=${1:-100} rounds=${2:-10} seeds=${3:-20000} seconds=${4:-120}
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

try() {
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -n 40 "$log"
        echo "again: $*"
    fi
}

for ((i = 0; i < failovers; i++)); do
    case $((i % 4)) in
        1) try dist/twintrack lab --original primary --json ;;
        3) try dist/twintrack lab --original backup --json ;;
        *) try dist/twintrack lab --json ;;
    esac
done
echo "lab: $failovers take-overs, $failed failed"

interop=artifacts/bin/Interop.Tests/release/TwinTrack.Interop.Tests
before=$failed
for ((i = 0; i < rounds; i++)); do
    try "$interop" --no-progress --filter-not-trait tier=soak
done
echo "interop: $rounds rounds, $((failed - before)) failed"

before=$failed
try env CLI_FUZZ_SECONDS="${CLI_FUZZ_SECONDS:-600}" CLI_FUZZ_SEED="${CLI_FUZZ_SEED:-$RANDOM}" \
    artifacts/bin/Cli.Tests/release/TwinTrack.Cli.Tests --no-progress --filter-class "*DifferenceTests"
echo "conntrack: random command lines against the original, $((failed - before)) failed"

before=$failed
try "$interop" --no-progress --filter-class '*.MatrixTests'
echo "matrix: $((failed - before)) failed, table in $(dirname "$interop")/interop-matrix.md"

before=$failed
try tests/vm/helpers.sh --quiet --table artifacts/helpers.md
echo "helpers: all scenarios, $((failed - before)) failed, table in artifacts/helpers.md"

if [ "$seeds" -gt 0 ]; then
    before=$failed
    try dotnet run --no-build -c Release --project tests/Sim -- --seeds "1..$seeds"
    echo "simulator: seeds 1..$seeds, $((failed - before)) failed"
fi

if [ "$seconds" -gt 0 ]; then
    before=$failed
    for corpus in tests/fuzz/corpus/*.hex; do
        try artifacts/bin/Fuzz/release/TwinTrack.Fuzz "$(basename "$corpus" .hex)" "$seconds"
    done
    echo "fuzz: $seconds seconds each, $((failed - before)) failed"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
