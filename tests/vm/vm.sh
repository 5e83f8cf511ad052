#!/usr/bin/env bash
# Runs a command as root under a stock Debian kernel, in a virtual machine made for it and gone afterwards:
#
#   tests/vm/vm.sh [--packages "NAME..."] COMMAND [ARGUMENT...]
#
# The machine's root is this machine's, read-only, with the named Debian packages (and what they need) laid over it
# without installing them, and memory over that to write to. The current directory is shared at its own path, to be
# written to. There is no network but what the command makes. Status: the command's; 124: too slow; 125: died.
#
#   VM_CACHE    kernel, packages, boot image (default ~/.cache/twintrack-vm)
#   VM_SECONDS  longest run (default 1800)     VM_ACCEL  kvm or tcg (default: kvm where the processor can, else tcg)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/twintrack-vm}
packages=
if [ "${1-}" = --packages ]; then packages=$2; shift 2; fi
[ $# -gt 0 ] || { echo "usage: vm.sh [--packages \"NAME...\"] COMMAND..." >&2; exit 2; }

fail() { echo "vm.sh: $*" >&2; exit 125; }
apt() { apt-get -qq -o APT::Sandbox::User=root "$@"; }
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
rm -rf "$cache"/new.*

"$here/../../scripts/need.sh" qemu-system-x86=qemu-system-x86_64 xz-utils=xz >&2

# Fetches packages and unpacks them into a directory, without installing: lay DIRECTORY NAME...
lay() {
    local directory=$1 work package
    shift
    work=$(mktemp -d "$cache/new.XXXXXX")
    mkdir "$work/debs" "$work/tree"
    if ! (cd "$work/debs" && apt download "$@") >&2; then
        apt update >&2
        (cd "$work/debs" && apt download "$@") >&2 || fail "cannot fetch $*"
    fi
    for package in "$work"/debs/*.deb; do dpkg-deb -x "$package" "$work/tree"; done
    # Debian's root has links in place of these: what is laid over it must not hide them.
    for package in bin sbin lib lib64; do
        [ -d "$work/tree/$package" ] || continue
        mkdir -p "$work/tree/usr/$package"
        cp -a "$work/tree/$package/." "$work/tree/usr/$package/"
        rm -rf "${work:?}/tree/$package"
    done
    rm -rf "$work/debs"
    mv -T "$work/tree" "$directory"
    rm -rf "$work"
}

# --- the kernel ---
if [ ! -s "$cache/kernel" ]; then
    version() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: linux-image-//p' | tail -n 1; }
    release=$(version)
    [ -n "$release" ] || { apt update >&2; release=$(version); }
    [ -n "$release" ] || fail "apt knows no linux-image-amd64"
    lay "$cache/tools" busybox-static
    lay "$cache/linux" "linux-image-$release"
    # Only what a firewall needs stays: the rest is most of the size.
    find "$cache/linux" -name '*.ko*' ! -path '*/kernel/net/*' ! -path '*/kernel/lib/*' ! -path '*/kernel/crypto/*' \
        ! -path '*/kernel/fs/*' ! -path '*/drivers/virtio/*' ! -path '*/drivers/char/*' \
        ! -path '*/kernel/drivers/net/*' -delete
    "$cache/tools/usr/bin/busybox" depmod -b "$cache/linux/usr" "$release"
    # Unpacking itself inside the machine is most of a boot: do it here. The packed kernel's header (Linux boot
    # protocol) says where it lies: sectors of set-up at 0x1f1, payload offset and length at 0x248 and 0x24c.
    image=$(ls "$cache"/linux/boot/vmlinuz-*)
    field() { od -An -t "u$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
    start=$((($(field 497 1) + 1) * 512 + $(field 584 4)))
    if dd if="$image" iflag=skip_bytes,count_bytes skip=$start count=$(($(field 588 4) - 4)) status=none 2>/dev/null |
        xz -dc >"$cache/linux/kernel" 2>/dev/null; then rm "$image"; else mv "$image" "$cache/linux/kernel"; fi
    echo "$release" >"$cache/kernel"
fi
release=$(cat "$cache/kernel")
modules=$cache/linux/usr/lib/modules/$release

# --- the programs to lay over the root ---
over=
if [ -n "$packages" ]; then
    over=$cache/over-$(printf '%s' "$packages" | cksum | tr -d ' ')
    if [ ! -d "$over" ]; then
        plan() { apt -s install --no-install-recommends $packages 2>/dev/null | sed -n 's/^Inst \([^ ]*\) .*/\1/p'; }
        wanted=$(plan)
        [ -n "$wanted" ] || { apt update >&2; wanted=$(plan); }
        if [ -n "$wanted" ]; then
            # shellcheck disable=SC2086  # one word each
            lay "$over" $wanted
        else mkdir "$over"; fi # all of them are installed here
    fi
fi

# --- the boot image: busybox, and the modules without which the shared root cannot be seen ---
boot=$cache/boot-$(cksum <"$here/init" | tr -d ' ')-$release
if [ ! -s "$boot" ]; then
    work=$(mktemp -d "$cache/new.XXXXXX")
    mkdir -p "$work/bin" "$work/modules"
    cp "$cache/tools/usr/bin/busybox" "$work/bin/busybox"
    install -m 755 "$here/init" "$work/init"
    with() { # a module behind those it needs
        local name needed
        name=$(basename "$1")
        grep -qx "$name" "$work/modules/list" 2>/dev/null && return
        for needed in $(sed -n "s|^$1: *||p" "$modules/modules.dep" | tr ' ' '\n' | tac); do with "$needed"; done
        cp "$modules/$1" "$work/modules/"
        echo "$name" >>"$work/modules/list"
    }
    : >"$work/modules/list"
    for name in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
        file=$(cd "$modules" && find kernel -name "$name.ko*" | head -n 1)
        if [ -n "$file" ]; then with "$file"; fi
    done
    (cd "$work" && find . | "$cache/tools/usr/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$boot.new"
    mv "$boot.new" "$boot"
    rm -rf "$work"
fi
flock -u 9

# --- one machine ---
job=$(mktemp -d "$cache/job.XXXXXX")
machine=
finish() {
    [ -z "$machine" ] || kill "$machine" 2>/dev/null || true
    rm -rf "$job"
}
trap finish EXIT
trap 'exit 130' INT TERM
{
    printf 'export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\ncd %q || exit 126\nexec' "$PWD"
    printf ' %q' "$@"
    echo
} >"$job/command"
printf '%s\n' "$PWD" >"$job/directory"
printf '%s\n' "$over" >"$job/over"
printf '%s\n' "$modules" >"$job/modules"
mkfifo "$job/out" "$job/err"

start() { # ACCELERATOR ARGUMENT...
    local seconds=0 deadline=${VM_SECONDS:-1800} awake=$1
    shift
    qemu-system-x86_64 "$@" -smp 2 -m "${VM_MEMORY:-1024}" -nodefaults -no-user-config -no-reboot -display none \
        -vga none -nic none -monitor none -rtc base=utc,clock=host -kernel "$cache/linux/kernel" -initrd "$boot" \
        -append "console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off" \
        -chardev "file,id=log,path=$job/console" -serial chardev:log \
        -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
        -virtfs "local,path=$PWD,mount_tag=here,security_model=none,multidevs=remap" \
        -virtfs "local,path=${over:-$job},mount_tag=over,security_model=none,readonly=on,multidevs=remap" \
        -virtfs "local,path=$job,mount_tag=job,security_model=none" -device virtio-serial-pci \
        -chardev "file,id=out,path=$job/out" -device virtserialport,chardev=out,name=out \
        -chardev "file,id=err,path=$job/err" -device virtserialport,chardev=err,name=err </dev/null >&2 &
    machine=$!
    cat <"$job/out" &
    cat <"$job/err" >&2 &
    local state=0
    while kill -0 "$machine" 2>/dev/null; do
        sleep 0.2
        seconds=$((seconds + 1)) # fifths of one
        if [ $seconds -gt $((deadline * 5)) ]; then state=124
        elif [ ! -e "$job/awake" ] && [ $seconds -gt $((awake * 5)) ]; then state=1
        else continue; fi
        kill "$machine"
        break
    done
    exec 8<>"$job/out" 8>&- 8<>"$job/err" 8>&- # lets go a cat that nobody wrote to
    wait
    machine=
    [ -e "$job/awake" ] || state=1
    return $state
}

state=1
if [ "${VM_ACCEL:-kvm}" = kvm ] && [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
    state=0
    start 20 -accel kvm -cpu host || state=$?
fi
if [ $state -eq 1 ]; then
    state=0
    start 300 -accel tcg,thread=multi -cpu max || state=$?
fi
[ $state -ne 124 ] || { echo "vm.sh: not done after ${VM_SECONDS:-1800} seconds" >&2; exit 124; }
[ -s "$job/status" ] || { tail -n 20 "$job/console" >&2 || true; fail "the machine died; above is the end of its console"; }
exit "$(cat "$job/status")"
