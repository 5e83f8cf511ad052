#!/usr/bin/env bash
# Makes sure that programs and files are there: scripts/need.sh PACKAGE=PROBE...
# PROBE is a command name, or a path if it begins with a slash. Missing packages are installed when root and apt allow.
set -euo pipefail

missing=()
for pair in "$@"; do
    package=${pair%%=*} probe=${pair#*=}
    case $probe in
        /*) [ -e "$probe" ] || missing+=("$package") ;;
        *) command -v "$probe" >/dev/null || [ -x "/usr/sbin/$probe" ] || missing+=("$package") ;;
    esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]} (Debian's package names): install them and try again" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "missing: ${missing[*]}, and apt-get could not install them" >&2
    exit 1
fi
