"""The scenarios: what is configured, who talks, and how one sees that the data came."""
import os

STATE = "/run/scenario"


class Case:
    def __init__(self, controls, exchange, families=("inet",), nat="", policy="", asks_from_gate=False):
        self.controls = controls  # helper, protocol, port
        self.exchange = exchange
        self.families = families
        self.nat = nat
        self.policy = policy
        self.asks_from_gate = asks_from_gate


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


# --- FTP: vsftpd, and curl in each of its ways to transfer a file ---
def vsftpd(lab):
    root = "/run/scenario/ftp"
    os.makedirs(root, exist_ok=True)
    os.chmod(root, 0o555)
    with open(f"{root}/file", "w") as file:
        file.write(CONTENT + "\n")
    os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
    with open("/etc/passwd", "r+") as file:
        if "\nscenario:" not in file.read():
            file.write(f"scenario:x:65533:65534::{root}:/bin/false\n")
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


FTP = [("ftp", "tcp", 21)]
TFTP = [("tftp", "udp", 69)]
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
}
