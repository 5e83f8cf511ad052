"""The scenarios: what is configured, who talks, and how one sees that the data came."""
import os

STATE = "/run/scenario"
PEERS = f"{os.path.dirname(os.path.abspath(__file__))}/peers.py"


class Case:
    def __init__(self, controls, exchange, families=("inet",), nat="", policy="", asks_from_gate=False, modules=(), gates=1,
                 is_known=True):
        self.controls = controls  # helper, protocol, port
        self.exchange = exchange
        self.families = families
        self.nat = nat
        self.policy = policy
        self.asks_from_gate = asks_from_gate
        self.modules = modules
        self.gates = gates
        self.is_known = is_known  # to the original


CONTENT = "the data came through"


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


def user(name, home="/nonexistent"):
    """A user that installing the package would have made."""
    for path, line in (("/etc/passwd", f"{name}:x:65533:65533::{home}:/bin/false\n"), ("/etc/group", f"{name}:x:65533:\n")):
        with open(path, "r+") as file:
            if f"\n{name}:" not in file.read():
                file.write(line)


# --- FTP: vsftpd, and curl in each of its ways to transfer a file ---
def vsftpd(lab):
    root = "/run/scenario/ftp"
    os.makedirs(root, exist_ok=True)
    os.chmod(root, 0o555)
    with open(f"{root}/file", "w") as file:
        file.write(CONTENT + "\n")
    os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
    user("scenario", root)
    with open("/run/scenario/vsftpd.conf", "w") as file:
        file.write(f"""listen_ipv6=YES
anonymous_enable=YES
anon_root={root}
ftp_username=scenario
no_anon_password=YES
connect_from_port_20=NO
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
background=NO
connect_timeout=4
accept_timeout=4
""")
    lab.start("server", "vsftpd", "/run/scenario/vsftpd.conf", ready=lambda: lab.listens("server", 21))


def curl(options, target=None, six=False, forbidden=()):
    """A transfer; what curl falls back to when its first way fails does not count."""
    def exchange(lab):
        vsftpd(lab)
        host = target or (lab.server6 if six else lab.server4)
        host = f"[{host}]" if ":" in host else host
        output = lab.shell("client", f"curl -sv --connect-timeout 8 -m 12 {options} ftp://{host}/file 2>&1")
        return CONTENT in output and not any(f"> {word}" in output for word in forbidden)
    return exchange


# --- TFTP: tftpd-hpa and its client ---
def tftp(six=False, target=None):
    def exchange(lab):
        root = "/run/scenario/tftp"
        os.makedirs(root, exist_ok=True)
        with open(f"{root}/file", "w") as file:
            file.write(CONTENT + "\n")
        os.chmod(f"{root}/file", 0o644)
        lab.start("server", "in.tftpd", "-L", "-s", "-u", "root", "-a", "[::]:69", root,
                  ready=lambda: lab.listens("server", 69, "udp"))
        host = target or (lab.server6 if six else lab.server4)
        lab.shell("client", f"cd /run; rm -f got; timeout 8 tftp {'-6' if six else '-4'} {host} -m octet -c get file got")
        return CONTENT in lab.shell("client", "cat /run/got")
    return exchange


# --- scripted peers ---
def scripted(server, client, arrives="received"):
    def exchange(lab):
        if server:
            lab.peer("server", *server.split())
        place = "gate" if lab.case.asks_from_gate else "client"
        output = lab.shell(place, f"/usr/bin/python3 {PEERS} {client} 2>&1")
        return output.count("received") >= arrives_times(arrives) and "refused" not in output
    return exchange


def arrives_times(arrives):
    return 3 if arrives == "three" else 1


def ftp_split(lab):
    vsftpd(lab)
    output = lab.shell("client", f"/usr/bin/python3 {PEERS} ftp_split {lab.server4} {lab.client4} 'PORT ADDRESS,PORTS' 2>&1")
    return CONTENT in output


def ftp_take_over(lab):
    """A second firewall takes over between the announcement of a data flow and the flow."""
    for place, peer, own in (("gate", "gate2", 1), ("gate2", "gate", 2)):
        lab.shell(place, f"ip address add 10.99.0.{own}/30 dev sync && ip link set sync up")
    if lab.helper:
        for place, own, other in (("gate", 1, 2), ("gate2", 2, 1)):
            lab.daemon(place, f"""Sync {{
    Mode FTFW {{
    }}
    UDP {{
        IPv4_address 10.99.0.{own}
        IPv4_Destination_Address 10.99.0.{other}
        Port 3780
        Interface sync
    }}
    Options {{
        ExpectationSync on
    }}
}}
""")
        lab.rules("gate")
    lab.rules("gate2")
    vsftpd(lab)
    if os.path.exists("/run/scenario/go"):
        os.remove("/run/scenario/go")
    client = lab.peer("client", "ftp_wait", lab.server4, lab.client4, waits_for="announced")
    if lab.helper:
        lab.wait(lambda: "dport=21" in lab.ask("-e", "exp", place="gate2"))
        lab.ask("-i", "exp")
    lab.move("gate", "gate2")
    if lab.helper:
        lab.ask("-c", place="gate2")
        lab.ask("-c", "exp", place="gate2")
        lab.shell("gate2", f"{lab.tool()} -L; {lab.tool()} -L expect{' -o json' if lab.mode == 'ours' else ''}")
    open("/run/scenario/go", "w").close()
    client.wait(30)
    return CONTENT in open(client.log).read()


# --- RPC: rpcbind with a service behind it, and rpcinfo as the client ---
def rpc(command, target=None, six=False):
    def exchange(lab):
        user("_rpc")
        lab.start("server", "rpcbind", "-f", "-w", "-i", ready=lambda: lab.listens("server", 111))
        lab.peer("server", "rpc_service")
        output = lab.shell("client", command.format(target or (lab.server6 if six else lab.server4), peers=PEERS) + " 2>&1")
        return "ready and waiting" in output or "received" in output
    return exchange


RPCINFO = "timeout 15 rpcinfo -T {kind} {{0}} 400100 1"
GETPORT = "/usr/bin/python3 {{peers}} rpc_getport {{0}} {kind}"


# --- SIP: a call between two sipp, and a packet of its media each way ---
def sip(kind="u1", target=None):
    def exchange(lab):
        for name in ("callee", "caller"):
            if os.path.exists(f"{STATE}/{name}"):
                os.remove(f"{STATE}/{name}")
        lab.start("server", "sipp", "-sn", "uas", "-t", kind, "-i", lab.server4, "-p", "5060", "-mp", "6000", "-rtp_echo",
                  "-nostdin", "-trace_msg", "-message_file", f"{STATE}/callee",
                  ready=lambda: lab.listens("server", 5060, "udp" if kind == "u1" else "tcp"))
        caller = lab.start("client", "sipp", "-sn", "uac", f"{target or lab.server4}:5060", "-t", kind, "-i", lab.client4,
                           "-p", "5060", "-mp", "7000", "-rtp_echo", "-m", "1", "-d", "6000", "-nostdin", "-trace_msg",
                           "-message_file", f"{STATE}/caller", ready=lambda: described("caller") is not None)
        told = {"server": described("callee"), "client": described("caller")}
        lab.say(f"the callee was told {told['server']}, the caller {told['client']}")
        if not told["server"] or not told["client"]:
            return False
            echoes = [lab.shell(place, f"/usr/bin/python3 {PEERS} media {told[place][0]} {told[place][1]}")
                  for place in ("server", "client")]
        caller.wait(20)
        lab.say(f"the call ended with {caller.returncode}")
        return all("received" in echo for echo in echoes) and caller.returncode == 0
    return exchange


def described(name):
    """Address and port of the media in the last description a sipp received."""
    if not os.path.exists(f"{STATE}/{name}"):
        return None
    received = open(f"{STATE}/{name}").read().split("message received")[1:]
    for message in (one.split("message sent")[0] for one in reversed(received)):
        if "m=audio " in message and "c=IN IP4 " in message:
            address = message.split("c=IN IP4 ")[1].split()[0]
            return address, int(message.split("m=audio ")[1].split()[0])
    return None


# --- SANE: saned with the test device, and scanimage ---
def sane(target=None):
    def exchange(lab):
        os.makedirs("/run/scenario/sane", exist_ok=True)
        for name, text in (("dll.conf", "test\nnet\n"), ("saned.conf", "0.0.0.0/0\n::/0\n"), ("test.conf", ""), ("net.conf", "")):
            with open(f"/run/scenario/sane/{name}", "w") as file:
                file.write(text)
        os.environ["SANE_CONFIG_DIR"] = "/run/scenario/sane"
        lab.start("server", "saned", "-l", "-D", "-b", "0.0.0.0", ready=lambda: lab.listens("server", 6566))
        output = lab.shell("client", f"timeout 30 scanimage -d net:{target or lab.server4}:test:0 -x 10 -y 10 --format=pnm 2>&1 | head -c 2",
                           seconds=40)
        return output.startswith("P")
    return exchange


# --- mDNS: avahi answers a question from another port ---
def avahi(lab):
    with open("/run/scenario/avahi.conf", "w") as file:
        file.write("[server]\nhost-name=scenario\nuse-ipv6=no\nallow-interfaces=eth0\nenable-dbus=no\n"
                   "[publish]\npublish-addresses=yes\n")
    user("avahi")
    lab.start("server", "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", "/run/scenario/avahi.conf",
              ready=lambda: lab.says("Server startup complete"))
    return "received" in lab.shell("gate", f"/usr/bin/python3 {PEERS} mdns_ask 224.0.0.251 to-server scenario.local 2>&1")


# --- SSDP: miniupnpd, and upnpc that looks for it ---
def upnp(lab):
    lab.shell("server", "ip link add ext0 type dummy && ip address add 203.0.113.9/24 dev ext0 && ip link set ext0 up")
    with open("/run/scenario/miniupnpd.conf", "w") as file:
        file.write("ext_ifname=ext0\nlistening_ip=eth0\nenable_upnp=yes\nhttp_port=5000\n"
                   "uuid=0a0b0c0d-0000-4000-8000-000000000000\nallow 1024-65535 0.0.0.0/0 1024-65535\n")
    lab.start("server", "miniupnpd", "-d", "-f", "/run/scenario/miniupnpd.conf",
              ready=lambda: lab.listens("server", 1900, "udp"))
    output = lab.shell("gate", "timeout 15 upnpc -m to-server -s 2>&1")
    return "http://192.0.2.2:5000/" in output


# --- DHCPv6: dnsmasq, and dhclient on the gateway ---
def dhcp(lab):
    lab.start("server", "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=eth0", "--bind-interfaces",
              "--dhcp-range=2001:db8:2::100,2001:db8:2::1ff,64,1h", "--dhcp-leasefile=/run/scenario/leases", "--user=root",
              ready=lambda: lab.listens("server", 547, "udp"))
    lab.shell("gate", "for i in $(seq 50); do ip -6 a show dev to-server tentative | grep -q fe80 || break; sleep 0.1; done")
    output = lab.shell("gate", "timeout 15 dhclient -6 -1 -v -d -lf /run/scenario/dhclient -pf /run/scenario/pid -sf /bin/true "
                       "to-server 2>&1", seconds=20)
    return "RCV: Reply message" in output


FTP = [("ftp", "tcp", 21)]
TFTP = [("tftp", "udp", 69)]
RPC = [("rpc", "tcp", 111), ("rpc", "udp", 111)]
SIP = [("sip", "udp", 5060), ("sip", "tcp", 5060)]
TNS = [("tns", "tcp", 1521)]
AMANDA = [("amanda", "udp", 10080)]
SSDP = [("ssdp", "udp", 1900), ("ssdp", "tcp", 49152)]
GATE = "198.51.100.1"
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
    "ftp-split": Case(FTP, ftp_split),
    "ftp-take-over": Case(FTP, ftp_take_over, gates=2,
                          # Not masquerade: that deletes the flows of an interface that goes.
                          nat=nat_source().replace("masquerade", "snat to 192.0.2.1")),
    "rpc-udp-getport": Case(RPC, rpc(GETPORT.format(kind="udp"))),
    "rpc-tcp-getport": Case(RPC, rpc(GETPORT.format(kind="tcp"))),
    "rpc-udp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="udp"))),
    "rpc-tcp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="tcp"))),
    "rpc-tcp-getaddr-dnat": Case(RPC, rpc(RPCINFO.format(kind="tcp"), GATE), nat=nat_destination("tcp", 111)),
    "rpc6-udp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="udp6"), six=True), ("inet6",)),
    "rpc6-tcp-getaddr": Case(RPC, rpc(RPCINFO.format(kind="tcp6"), six=True), ("inet6",)),
    "sip-udp": Case(SIP, sip(), is_known=False),
    "sip-udp-snat": Case(SIP, sip(), nat=nat_source(), is_known=False),
    "sip-udp-dnat": Case(SIP, sip(target=GATE), nat=nat_destination("udp", 5060), is_known=False),
    "sip-tcp": Case(SIP, sip("t1"), is_known=False),
    "sip-tcp-snat": Case(SIP, sip("t1"), nat=nat_source(), is_known=False),
    "sip-tcp-dnat": Case(SIP, sip("t1", GATE), nat=nat_destination("tcp", 5060), is_known=False),
    "sane": Case([("sane", "tcp", 6566)], sane()),
    "sane-dnat": Case([("sane", "tcp", 6566)], sane(GATE), nat=nat_destination("tcp", 6566)),
    "tns": Case(TNS, scripted("tns_server 192.0.2.2", "tns_client 192.0.2.2")),
    "tns-dnat": Case(TNS, scripted("tns_server 192.0.2.2", "tns_client 198.51.100.1"), nat=nat_destination("tcp", 1521)),
    "amanda": Case(AMANDA, scripted("amanda_server 192.0.2.2", "amanda_client 192.0.2.2", "three")),
    "amanda-dnat": Case(AMANDA, scripted("amanda_server 192.0.2.2", "amanda_client 198.51.100.1", "three"),
                        nat=nat_destination("udp", 10080)),
    "amanda6": Case(AMANDA, scripted("amanda_server 2001:db8:2::2", "amanda_client 2001:db8:2::2", "three"), ("inet6",)),
    "mdns": Case([("mdns", "udp", 5353)], avahi, asks_from_gate=True),
    "slp": Case([("slp", "udp", 427)], scripted("slp_server 239.255.255.253 eth0", "slp_ask 239.255.255.253 to-server"),
                asks_from_gate=True),
    "ssdp": Case(SSDP, upnp, asks_from_gate=True),
    "ssdp-snat": Case(SSDP, upnp, modules=["nf_nat_h323"], asks_from_gate=True, nat=nat_source().replace(
        'oifname "to-server" masquerade', 'oifname "to-server" udp dport 1900 snat to 192.0.2.1:30000')),
    "ssdp-event": Case(SSDP, scripted("upnp_device 192.0.2.2", "upnp_point 192.0.2.2 198.51.100.2")),
    "ssdp-event-snat": Case(SSDP, scripted("upnp_device 192.0.2.2", "upnp_point 192.0.2.2 198.51.100.2"), nat=nat_source()),
    "dhcpv6": Case([("dhcpv6", "udp", 547)], dhcp, ("inet6",), asks_from_gate=True),
}

# What the programs of all scenarios come in.
PACKAGES = ("vsftpd curl tftpd-hpa tftp-hpa rpcbind sip-tester sane-utils avahi-daemon miniupnpd-nftables "
            "miniupnpc isc-dhcp-client dnsmasq-base")
