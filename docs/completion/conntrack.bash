# Made from the option table of the program: change that instead.
_conntrack()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words
    case $prev in
        -p | --protonum) words='tcp udp udplite sctp dccp icmp icmpv6 gre' ;;
        -u | --status) words='ASSURED SEEN_REPLY UNSET FIXED_TIMEOUT EXPECTED OFFLOAD HW_OFFLOAD UNREPLIED' ;;
        -e | --event-mask) words='ALL NEW UPDATES DESTROY' ;;
        -f | --family) words='ipv4 ipv6' ;;
        -o | --output) words='xml json save extended id labels timestamp ktimestamp userspace' ;;
        -R | --load-file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
        -L | --dump | -G | --get | -D | --delete | -I | --create | -A | --add | -U | --update | -E | --event | -F | --flush | -C | --counter | -S | --stats | -V | --version | -h | --help) words='conntrack expect dying unconfirmed '$(_conntrack_options) ;;
        *) words=$(_conntrack_options) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

_conntrack_options()
{
    local i
    echo '-L --dump -G --get -D --delete -I --create -A --add -U --update -E --event -F --flush -C --counter -S --stats -V --version -h --help -s --src --orig-src -d --dst --orig-dst -r --reply-src -q --reply-dst -p --protonum -t --timeout -u --status -z --zero -e --event-mask --tuple-src --tuple-dst --mask-src --mask-dst -a --nat-range -m --mark -i --id -f --family -n --src-nat -g --dst-nat -o --output -c --secmark -b --buffer-size -j --any-nat -w --zone -l --label --label-add --label-del --orig-zone --reply-zone --yes --sockets --keep-going --all-or-nothing'
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]}:${COMP_WORDS[i + 1]} in
            -p:tcp | --protonum:tcp) echo '--sport --orig-port-src --dport --orig-port-dst --reply-port-src --reply-port-dst --mask-port-src --mask-port-dst --state --tuple-port-src --tuple-port-dst' ;;
            -p:udp | --protonum:udp) echo '--sport --orig-port-src --dport --orig-port-dst --reply-port-src --reply-port-dst --mask-port-src --mask-port-dst --tuple-port-src --tuple-port-dst' ;;
            -p:udplite | --protonum:udplite) echo '--sport --orig-port-src --dport --orig-port-dst --reply-port-src --reply-port-dst --mask-port-src --mask-port-dst --tuple-port-src --tuple-port-dst' ;;
            -p:sctp | --protonum:sctp) echo '--sport --orig-port-src --dport --orig-port-dst --reply-port-src --reply-port-dst --mask-port-src --mask-port-dst --state --tuple-port-src --tuple-port-dst --orig-vtag --reply-vtag' ;;
            -p:dccp | --protonum:dccp) echo '--sport --orig-port-src --dport --orig-port-dst --reply-port-src --reply-port-dst --mask-port-src --mask-port-dst --state --tuple-port-src --tuple-port-dst --role' ;;
            -p:icmp | --protonum:icmp) echo '--icmp-type --icmp-code --icmp-id' ;;
            -p:icmpv6 | --protonum:icmpv6) echo '--icmpv6-type --icmpv6-code --icmpv6-id' ;;
            -p:gre | --protonum:gre) echo '--srckey --orig-key-src --dstkey --orig-key-dst --reply-key-src --reply-key-dst --mask-key-src --mask-key-dst --tuple-key-src --tuple-key-dst' ;;
        esac
    done
}

_nfct()
{
    case $COMP_CWORD in
        1) mapfile -t COMPREPLY < <(compgen -W 'list add delete get flush disable default-set default-get' -- "$2") ;;
        2) mapfile -t COMPREPLY < <(compgen -W 'timeout helper version help' -- "$2") ;;
    esac
}

complete -F _conntrack conntrack
complete -F _nfct nfct
