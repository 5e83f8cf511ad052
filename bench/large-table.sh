#!/usr/bin/env bash
# Lists a table larger than the host's with the original's conntrack and ours, side by side, in a virtual machine:
#
#   VM_MEMORY=4096 tests/vm/vm.sh bench/large-table.sh [FLOWS [ROUNDS [PERCENT...]]]
#
# FLOWS (1,000,000) are loaded once for each PERCENT (0 50 95) of assured ones, and listed ROUNDS (3) times by turns;
# prints medians. It changes nf_conntrack_max and the number of buckets: only where nobody else is concerned.
set -euo pipefail

flows=${1:-1000000} rounds=${2:-3}
shares=("${@:3}")
[ ${#shares[@]} -gt 0 ] || shares=(0 50 95)
ours=dist/conntrack
file=$(mktemp)
trap 'rm -f "$file"' EXIT

modprobe -a nf_conntrack nf_conntrack_netlink 2>/dev/null || true
echo 262144 >/sys/module/nf_conntrack/parameters/hashsize
sysctl -qw net.netfilter.nf_conntrack_max=$((flows + flows / 10))

TIMEFORMAT='%R %U %S'
seconds() { # LOG COMMAND...: adds seconds and seconds of CPU to LOG
    local log=$1
    shift
    { time "$@" >/dev/null 2>&1; } 2>&1 | awk '{ print $1, $2 + $3 }' >>"$log"
}
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { # NAME LOG
    printf '| %s | %s | %s |\n' "$1" "$(cut -d' ' -f1 "$2" | median)" "$(cut -d' ' -f2 "$2" | median)"
}
distinct() { "$@" 2>/dev/null | cut -d= -f2-5 | sort -u | wc -l; }

echo '| what | seconds | of CPU |'
echo '|---|---:|---:|'
for share in "${shares[@]}"; do
    awk -v flows="$flows" -v share="$share" 'BEGIN {
        for (i = 0; i < flows; i++)
            printf "-I -s 10.%d.%d.%d -d 10.200.0.2 -p tcp --sport %d --dport 80 -t 60000 --state ESTABLISHED%s\n",
                int(i / 65536) % 256, int(i / 256) % 256, i % 256, 1024 + i % 60000,
                i % 100 < share ? " -u SEEN_REPLY,ASSURED" : ""
    }' >"$file"
    logs=$(mktemp -d)
    $ours -F 2>/dev/null
    seconds "$logs/load" $ours -R "$file"
    row "$share % assured: load, ours" "$logs/load"
    for ((i = 0; i < rounds; i++)); do
        seconds "$logs/theirs" conntrack -L
        seconds "$logs/one" $ours -L --sockets 1
        seconds "$logs/two" $ours -L --sockets 2
    done
    row "$share % assured: list, original" "$logs/theirs"
    row "$share % assured: list, ours, one socket" "$logs/one"
    row "$share % assured: list, ours, two sockets" "$logs/two"
    echo "| $share % assured: flows listed over one and two sockets | $(distinct $ours -L --sockets 1) | $(distinct $ours -L --sockets 2) |"
    rm -r "$logs"
done
