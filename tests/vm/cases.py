"""The scenarios: what is configured, and who talks (exchanges.py)."""
from exchanges import (avahi, curl, dhcp, ftp_split, ftp_take_over, group6, rpc, sane, scripted, sip, sip_register, sip_split, tftp,
                       upnp)


class Case:
    def __init__(self, controls, exchange, families=("inet",), nat="", policy="", asks_from_gate=False, modules=(), gates=1,
                 is_known=True, is_mixed=False):
        self.controls = controls  # helper, protocol, port
        self.exchange = exchange
        self.families = families
        self.nat = nat
        self.policy = policy
        self.asks_from_gate = asks_from_gate
        self.modules = modules
        self.gates = gates
        self.is_known = is_known  # to the original
        self.is_mixed = is_mixed  # the second gateway runs the other daemon


def nat_source(family="ip"):
    return f"""table {family} nat {{
    chain post {{
        type nat hook postrouting priority 100;
        oifname "to-server" masquerade
    }}
}}
"""


def nat_destination(protocol, port, family="ip"):
    gate, server = ("198.51.100.1", "192.0.2.2") if family == "ip" else ("2001:db8:1::1", "2001:db8:2::2")
    return f"""table {family} nat {{
    chain pre {{
        type nat hook prerouting priority -100;
        {family} daddr {gate} {protocol} dport {port} dnat to {server}
    }}
}}
"""


def nat_group(port):
    """Questions of the gateway itself get another port."""
    return nat_source().replace("masquerade", f"udp dport {port} snat to 192.0.2.1:30000")


RPCINFO = "timeout 15 rpcinfo -T {kind} {{0}} 400100 1"
GETPORT = "/usr/bin/python3 {{peers}} rpc_getport {{0}} {kind}"
FTP = [("ftp", "tcp", 21)]
TFTP = [("tftp", "udp", 69)]
RPC = [("rpc", "tcp", 111), ("rpc", "udp", 111)]
SIP = [("sip", "udp", 5060), ("sip", "tcp", 5060)]
TNS = [("tns", "tcp", 1521)]
AMANDA = [("amanda", "udp", 10080)]
SSDP = [("ssdp", "udp", 1900), ("ssdp", "tcp", 49152)]
GATE, GATE6 = "198.51.100.1", "2001:db8:1::1"
PASV = "--disable-epsv --no-ftp-skip-pasv-ip"
NOT_PASV, NOT_PORT = ("PASV",), ("PORT",)

ALL = {
    "ftp-pasv": Case(FTP, curl(PASV)),
    "ftp-epsv": Case(FTP, curl("", forbidden=NOT_PASV)),
    "ftp-port": Case(FTP, curl("--disable-eprt -P -")),
    "ftp-eprt": Case(FTP, curl("-P -", forbidden=NOT_PORT)),
    "ftp-pasv-snat": Case(FTP, curl(PASV), nat=nat_source()),
    "ftp-epsv-snat": Case(FTP, curl("", forbidden=NOT_PASV), nat=nat_source()),
    "ftp-port-snat": Case(FTP, curl("--disable-eprt -P -"), nat=nat_source()),
    "ftp-eprt-snat": Case(FTP, curl("-P -", forbidden=NOT_PORT), nat=nat_source()),
    "ftp-pasv-dnat": Case(FTP, curl(PASV, "198.51.100.1"), nat=nat_destination("tcp", 21)),
    "ftp-epsv-dnat": Case(FTP, curl("", "198.51.100.1", forbidden=NOT_PASV), nat=nat_destination("tcp", 21)),
    "ftp-port-dnat": Case(FTP, curl("--disable-eprt -P -", "198.51.100.1"), nat=nat_destination("tcp", 21)),
    "ftp-eprt-dnat": Case(FTP, curl("-P -", "198.51.100.1", forbidden=NOT_PORT), nat=nat_destination("tcp", 21)),
    "ftp6-epsv": Case(FTP, curl("", six=True), ("inet6",)),
    "ftp6-eprt": Case(FTP, curl("-P -", six=True), ("inet6",)),
    "ftp6-epsv-snat": Case(FTP, curl("", six=True), ("inet6",), nat_source("ip6")),
    "ftp6-eprt-snat": Case(FTP, curl("-P -", six=True), ("inet6",), nat_source("ip6")),
    "ftp6-epsv-dnat": Case(FTP, curl("", "2001:db8:1::1"), ("inet6",), nat_destination("tcp", 21, "ip6")),
    "ftp6-eprt-dnat": Case(FTP, curl("-P -", "2001:db8:1::1"), ("inet6",), nat_destination("tcp", 21, "ip6")),
    "tftp": Case(TFTP, tftp()),
    "tftp-snat": Case(TFTP, tftp(), nat=nat_source()),
    "tftp-dnat": Case(TFTP, tftp(target="198.51.100.1"), nat=nat_destination("udp", 69)),
    "tftp6": Case(TFTP, tftp(six=True), ("inet6",)),
    "tftp6-snat": Case(TFTP, tftp(six=True), ("inet6",), nat_source("ip6")),
    "tftp6-dnat": Case(TFTP, tftp(six=True, target=GATE6), ("inet6",), nat_destination("udp", 69, "ip6")),
    "ftp-split": Case(FTP, ftp_split),
    "ftp-split-snat": Case(FTP, ftp_split, nat=nat_source()),
    "ftp-take-over": Case(FTP, ftp_take_over, gates=2,
                          # Not masquerade: that deletes the flows of an interface that goes.
                          nat=nat_source().replace("masquerade", "snat to 192.0.2.1")),
    "ftp-take-over-mixed": Case(FTP, ftp_take_over, gates=2, is_mixed=True),
    "rpc-udp-getport": Case(RPC, rpc(GETPORT.format(kind="udp"))),
    "rpc-tcp-getport": Case(RPC, rpc(GETPORT.format(kind="tcp"))),
    "rpc-udp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="udp"))),
    "rpc-tcp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="tcp"))),
    "rpc-tcp-getaddr-dnat": Case(RPC, rpc(RPCINFO.format(kind="tcp"), GATE), nat=nat_destination("tcp", 111)),
    "rpc-udp-getport-snat": Case(RPC, rpc(GETPORT.format(kind="udp")), nat=nat_source()),
    "rpc-udp-getport-dnat": Case(RPC, rpc(GETPORT.format(kind="udp"), GATE), nat=nat_destination("udp", 111)),
    "rpc6-udp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="udp6"), six=True), ("inet6",)),
    "rpc6-tcp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="tcp6"), six=True), ("inet6",)),
    "sip-udp": Case(SIP, sip(), is_known=False),
    "sip-udp-snat": Case(SIP, sip(), nat=nat_source(), is_known=False),
    "sip-udp-dnat": Case(SIP, sip(target=GATE), nat=nat_destination("udp", 5060), is_known=False),
    "sip-tcp": Case(SIP, sip("t1"), is_known=False),
    "sip-tcp-snat": Case(SIP, sip("t1"), nat=nat_source(), is_known=False),
    "sip-tcp-dnat": Case(SIP, sip("t1", GATE), nat=nat_destination("tcp", 5060), is_known=False),
    "sip-tcp-split": Case(SIP, sip_split, is_known=False),
    "sip-register": Case(SIP, sip_register(), is_known=False),
    "sip-register-snat": Case(SIP, sip_register(), nat=nat_source(), is_known=False),
    "sip6-udp": Case(SIP, sip(six=True), ("inet6",), is_known=False),
    "sip6-tcp": Case(SIP, sip("t1", six=True), ("inet6",), is_known=False),
    "sip6-udp-snat": Case(SIP, sip(six=True), ("inet6",), nat_source("ip6"), is_known=False),
    "sip6-udp-dnat": Case(SIP, sip(target=GATE6, six=True), ("inet6",), nat_destination("udp", 5060, "ip6"), is_known=False),
    "sip6-register": Case(SIP, sip_register(six=True), ("inet6",), is_known=False),
    "sane": Case([("sane", "tcp", 6566)], sane()),
    "sane-snat": Case([("sane", "tcp", 6566)], sane(), nat=nat_source()),
    "sane6": Case([("sane", "tcp", 6566)], sane(six=True), ("inet6",)),
    "sane-dnat": Case([("sane", "tcp", 6566)], sane(GATE), nat=nat_destination("tcp", 6566)),
    "tns": Case(TNS, scripted("tns_server 192.0.2.2", "tns_client 192.0.2.2")),
    "tns-snat": Case(TNS, scripted("tns_server 192.0.2.2", "tns_client 192.0.2.2"), nat=nat_source()),
    "tns6": Case(TNS, scripted("tns_server 2001:db8:2::2", "tns_client 2001:db8:2::2"), ("inet6",)),
    "tns-dnat": Case(TNS, scripted("tns_server 192.0.2.2", "tns_client 198.51.100.1"), nat=nat_destination("tcp", 1521)),
    "amanda": Case(AMANDA, scripted("amanda_server 192.0.2.2", "amanda_client 192.0.2.2", "three")),
    "amanda-snat": Case(AMANDA, scripted("amanda_server 192.0.2.2", "amanda_client 192.0.2.2", "three"), nat=nat_source()),
    "amanda-dnat": Case(AMANDA, scripted("amanda_server 192.0.2.2", "amanda_client 198.51.100.1", "three"),
                        nat=nat_destination("udp", 10080)),
    "amanda6": Case(AMANDA, scripted("amanda_server 2001:db8:2::2", "amanda_client 2001:db8:2::2", "three"), ("inet6",)),
    "mdns": Case([("mdns", "udp", 5353)], avahi(), asks_from_gate=True),
    "mdns-snat": Case([("mdns", "udp", 5353)], avahi(), modules=["nf_nat_h323"], asks_from_gate=True, nat=nat_group(5353)),
    "mdns6": Case([("mdns", "udp", 5353)], avahi(six=True), ("inet6",), asks_from_gate=True),
    "slp": Case([("slp", "udp", 427)], scripted("slp_server 239.255.255.253 eth0", "slp_ask 239.255.255.253 to-server"),
                asks_from_gate=True),
    "slp-snat": Case([("slp", "udp", 427)], scripted("slp_server 239.255.255.253 eth0", "slp_ask 239.255.255.253 to-server"),
                     modules=["nf_nat_h323"], asks_from_gate=True, nat=nat_group(427)),
    "slp6": Case([("slp", "udp", 427)], group6("slp_server ff02::116 eth0", "slp_ask ff02::116 to-server"), ("inet6",),
                 asks_from_gate=True),
    "ssdp6": Case(SSDP, group6("ssdp_device ff02::c eth0", "ssdp_search ff02::c to-server"), ("inet6",), asks_from_gate=True),
    "ssdp": Case(SSDP, upnp, asks_from_gate=True),
    "ssdp-snat": Case(SSDP, upnp, modules=["nf_nat_h323"], asks_from_gate=True, nat=nat_group(1900)),
    "ssdp-event": Case(SSDP, scripted("upnp_device 192.0.2.2", "upnp_point 192.0.2.2 198.51.100.2")),
    "ssdp-event-snat": Case(SSDP, scripted("upnp_device 192.0.2.2", "upnp_point 192.0.2.2 198.51.100.2"), nat=nat_source()),
    "ssdp-event-dnat": Case(SSDP, scripted("upnp_device 192.0.2.2", f"upnp_point {GATE} 198.51.100.2"),
                            nat=nat_destination("tcp", 49152)),
    "ssdp6-event": Case(SSDP, scripted("upnp_device 2001:db8:2::2", "upnp_point 2001:db8:2::2 2001:db8:1::2"), ("inet6",)),
    "dhcpv6": Case([("dhcpv6", "udp", 547)], dhcp, ("inet6",), asks_from_gate=True),
}

# What the programs of all scenarios come in.
PACKAGES = ("vsftpd curl tftpd-hpa tftp-hpa rpcbind sip-tester sane-utils avahi-daemon miniupnpd-nftables "
            "miniupnpc isc-dhcp-client dnsmasq-base")
