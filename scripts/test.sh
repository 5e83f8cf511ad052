#!/usr/bin/env bash
# Runs the built test projects: scripts/test.sh check|root|all
# check: what needs no root; root: what does; all: both. Ends with a line of totals and fails on a failure or a skip.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

case ${1:-all} in
    check) tiers=("--filter-not-trait needs=root") ;;
    root) tiers=("--filter-trait needs=root --filter-not-trait tier=soak") ;;
    all) tiers=("--filter-not-trait needs=root" "--filter-trait needs=root --filter-not-trait tier=soak") ;;
    *) echo "usage: scripts/test.sh check|root|all" >&2; exit 2 ;;
esac

limit=600 # seconds for a project, a multiple of what it takes: what hangs is a failure, too
nothing_ran=8 # exit code of the runner when a filter leaves no test
passed=0 failed=0 skipped=0 broken=0
names=$(mktemp)
trap 'rm -f "$names"' EXIT
for tier in "${tiers[@]}"; do
    for project in tests/*.Tests; do
        name=TwinTrack.$(basename "$project")
        runner=artifacts/bin/$(basename "$project")/release/$name
        log=$(mktemp)
        # Started in the background or by nohup, programs ignore signals, and so would those that the tests start.
        # shellcheck disable=SC2086  # a tier is an option and its value
        timeout --kill-after=10 "$limit" env --default-signal "$runner" $tier --no-progress >"$log" 2>&1
        code=$?
        count() { sed -n "s/^ *$1: //p" "$log" | tail -n 1; }
        if [ $code -ne 0 ] && [ $code -ne $nothing_ran ]; then
            cat "$log"
            grep '^failed ' "$log" >>"$names"
            echo "again: $runner $tier"
            [ -n "$(count failed)" ] || broken=1
        fi
        total=$(count total)
        [ "${total:-0}" != 0 ] && printf '%-28s %-62s %s\n' "$name" "$tier" "$(sed -n 's/^ *duration: //p' "$log" | tail -n 1)"
        passed=$((passed + $(count succeeded || true) + 0))
        failed=$((failed + $(count failed || true) + 0))
        skipped=$((skipped + $(count skipped || true) + 0))
        rm -f "$log"
    done
done
[ $broken -eq 0 ] || failed=$((failed + 1))
cat "$names" # once more, next to the totals
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $skipped -eq 0 ] && [ $passed -gt 0 ]
