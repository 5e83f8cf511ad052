#!/bin/sh
# nfct with user-space helpers, the original's beside ours: prints where they differ, and last
# "RESULT nfct ours passed" or "RESULT nfct ours refused".
modprobe nfnetlink_cthelper
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

play() { # PROGRAM
    run() {
        echo "nfct $*"
        "$program" "$@" 2>&1 | sed 's/^nfct v[0-9.]*:/nfct:/'
    }
    program=$1
    for name in rpc amanda sane tns dhcpv6 mdns ssdp slp tftp; do
        for family in inet inet6; do
            run add helper $name $family tcp
            run add helper $name $family udp
        done
    done
    run list helper
    run add helper rpc inet tcp
    run add helper rpc inet
    run add helper rpc foo tcp
    run add helper rpc inet foo
    run add helper nosuch inet tcp
    run get helper nosuch
    run get helper rpc inet udp
    run get helper rpc inet6 tcp
    run get helper nosuch inet udp
    run get helper
    run disable helper rpc inet udp
    run get helper rpc inet udp
    run disable helper rpc
    run delete helper rpc inet udp
    run disable helper rpc inet udp
    run delete helper rpc inet udp
    run list helper
    run delete helper rpc
    run delete helper
    run flush helper x
    run list helper
    run flush helper
    run list helper
}

play nfct >"$work/theirs"
play dist/nfct >"$work/ours"
if diff "$work/theirs" "$work/ours" && grep -q '\.name = rpc' "$work/ours"; then
    echo "RESULT nfct ours passed"
else
    echo "RESULT nfct ours refused"
fi
