#!/bin/sh
# Called by the failover manager with the new role of this node: primary, backup or fault.
# The order of the calls matters; conntrackd(8) explains it, section FAILOVER.
set -u

conntrackd=${CONNTRACKD:-/usr/sbin/conntrackd}
config=${CONNTRACKD_CONFIG:-/etc/conntrackd/conntrackd.conf}

say() {
    logger -t primary-backup -p daemon.err -- "$1" 2>/dev/null || echo "$1" >&2
}

ask() {
    "$conntrackd" -C "$config" "$@" >/dev/null 9<&- && return 0
    say "ERROR: conntrackd $* failed"
    return 1
}

# When roles change quickly the manager does not wait for us: the new role waits for the old one's turn to end.
if command -v flock >/dev/null && [ -r "$0" ]; then
    exec 9<"$0"
    flock -w 60 9
fi

# One after the other even if one fails: half a take-over is better than none.
become_primary() {
    ask -c          # the peer's flows into the kernel, before traffic arrives
    ask -f          # both caches are of yesterday
    ask -R          # what the kernel has now is ours
    ask -B          # and the peer shall know it
}

# A lock file that a dead daemon left needs no care: it is taken over.
become_backup() {
    if ! "$conntrackd" -C "$config" -s >/dev/null 2>&1 9<&-; then
        say "conntrackd does not run, it is started"
        ask -d || exit 1
    fi
    ask -t          # forget our flows after a while, unless we become primary again
    ask -n          # ask the new primary for its flows
}

case "${1:-}" in
    primary) become_primary ;;
    backup) become_backup ;;
    fault) ask -t ;;
    *)
        say "ERROR: unknown role '${1:-}'"
        echo "usage: $0 primary|backup|fault" >&2
        exit 1
        ;;
esac
exit 0
