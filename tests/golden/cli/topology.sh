#!/bin/sh
# Namespaces of the recorded cases.   usage: LAB_PREFIX=xx topology.sh up | down
#   ${LAB_PREFIX}t : isolated namespace, loopback only ("table" cases: entries are made by hand)
#   ${LAB_PREFIX}c --- ${LAB_PREFIX}r --- ${LAB_PREFIX}s : client / router (conntrack + NAT) / server ("router" cases)
# IPv4 10.83.1.0/24 (client side) and 10.83.2.0/24 (server side); IPv6 fd83:1::/64, fd83:2::/64
down() { for p in $(ip netns pids ${LAB_PREFIX}s 2>/dev/null); do kill "$p"; done; for n in ${LAB_PREFIX}t ${LAB_PREFIX}c ${LAB_PREFIX}r ${LAB_PREFIX}s; do ip netns del $n 2>/dev/null; done; }
up() {
  down
  for n in ${LAB_PREFIX}t ${LAB_PREFIX}c ${LAB_PREFIX}r ${LAB_PREFIX}s; do ip netns add $n; ip -n $n link set lo up; done
  ip link add c0 netns ${LAB_PREFIX}c type veth peer name rc netns ${LAB_PREFIX}r
  ip link add s0 netns ${LAB_PREFIX}s type veth peer name rs netns ${LAB_PREFIX}r
  ip -n ${LAB_PREFIX}c addr add 10.83.1.2/24 dev c0; ip -n ${LAB_PREFIX}r addr add 10.83.1.1/24 dev rc
  ip -n ${LAB_PREFIX}s addr add 10.83.2.2/24 dev s0; ip -n ${LAB_PREFIX}r addr add 10.83.2.1/24 dev rs
  ip -n ${LAB_PREFIX}c addr add fd83:1::2/64 dev c0 nodad; ip -n ${LAB_PREFIX}r addr add fd83:1::1/64 dev rc nodad
  ip -n ${LAB_PREFIX}s addr add fd83:2::2/64 dev s0 nodad; ip -n ${LAB_PREFIX}r addr add fd83:2::1/64 dev rs nodad
  ip -n ${LAB_PREFIX}c link set c0 up; ip -n ${LAB_PREFIX}s link set s0 up; ip -n ${LAB_PREFIX}r link set rc up; ip -n ${LAB_PREFIX}r link set rs up
  ip -n ${LAB_PREFIX}c route add default via 10.83.1.1; ip -n ${LAB_PREFIX}s route add default via 10.83.2.1
  ip -n ${LAB_PREFIX}c -6 route add default via fd83:1::1; ip -n ${LAB_PREFIX}s -6 route add default via fd83:2::1
  ip netns exec ${LAB_PREFIX}r sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  ip netns exec ${LAB_PREFIX}r iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP
  ip netns exec ${LAB_PREFIX}r ip6tables -A FORWARD -m conntrack --ctstate INVALID -j DROP
  # NAT, accounting, timestamps, marks, labels, FTP helper in the router
  ip netns exec ${LAB_PREFIX}r sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1
  ip -n ${LAB_PREFIX}r addr add 10.83.2.101/24 dev rs
  R="ip netns exec ${LAB_PREFIX}r iptables"
  $R -t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
  $R -t nat -A PREROUTING -d 10.83.1.1 -p tcp --dport 8080 -j DNAT --to 10.83.2.2:80
  $R -t nat -A POSTROUTING -o rs -p tcp -j SNAT --to 10.83.2.101
  $R -t nat -A POSTROUTING -o rs -p udp --dport 53 -j SNAT --to 10.83.2.101:5353
  $R -t mangle -A FORWARD -p tcp -j CONNMARK --set-mark 0x2a
  $R -t mangle -A FORWARD -p tcp --dport 80 -m connlabel --label 0 --set
  $R -t mangle -A FORWARD -p tcp --dport 80 -m connlabel --label 40 --set
  ip netns exec ${LAB_PREFIX}r ip6tables -t nat -A PREROUTING -d fd83:1::1 -p tcp --dport 8080 -j DNAT --to "[fd83:2::2]:80"
  for n in ${LAB_PREFIX}c ${LAB_PREFIX}s; do ip netns exec $n iptables -A OUTPUT -p icmp --icmp-type destination-unreachable -j DROP; done
  # the next case uses the ports again
  for n in ${LAB_PREFIX}c ${LAB_PREFIX}s; do
    ip netns exec $n sysctl -qw net.ipv4.tcp_max_tw_buckets=0 net.ipv4.tcp_fin_timeout=1 net.ipv4.tcp_orphan_retries=1
  done
  # servers (stopped by "down")
  ip netns exec ${LAB_PREFIX}s /usr/bin/python3 "$(dirname "$0")/traffic.py" serve >/dev/null 2>&1 &
}
case "$1" in up) up;; down) down;; *) echo "usage: $0 up|down"; exit 2;; esac
