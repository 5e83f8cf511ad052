#!/usr/bin/env bash
# Plays helper scenarios in a virtual machine, all of them when none is named; see scenarios.py for the options:
#
#   tests/vm/helpers.sh [--with none,ours,original] [--quiet] [--table FILE] [NAME...]
set -euo pipefail
cd "$(dirname "$0")/../.."

packages=$(cd tests/vm && /usr/bin/python3 -Bc 'import cases; print(cases.PACKAGES)')
export VM_SECONDS=${VM_SECONDS:-7200}
exec tests/vm/vm.sh --packages "$packages" /usr/bin/python3 tests/vm/scenarios.py "$@"
