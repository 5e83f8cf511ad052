"""Who talks in the scenarios, and how one sees that the data came."""
import os

STATE = "/run/scenario"
PEERS = f"{os.path.dirname(os.path.abspath(__file__))}/peers.py"
CONTENT = "the data came through"


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
    """The control flow has to go on behind the command: under translation its sequence numbers are other ones by then."""
    vsftpd(lab)
    output = lab.shell("client", f"/usr/bin/python3 {PEERS} ftp_split {lab.server4} {lab.client4} 'PORT ADDRESS,PORTS' 2>&1")
    return CONTENT in output and "221 " in output


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
        lab.shell("gate2", f"{lab.tool('gate2')} -L; {lab.tool('gate2')} -L expect")
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


# --- SIP: a call between two sipp, and a packet of its media each way ---
def sip(kind="u1", target=None, six=False):
    def exchange(lab):
        host = target or (lab.server6 if six else lab.server4)
        start_callee(lab, "server", 5060, kind, six)
        return call(lab, "client", "server", host, 5060, kind, six)
    return exchange


def own_address(lab, place, six):
    return {"client": (lab.client4, lab.client6), "server": (lab.server4, lab.server6)}[place][six]


def remove(*names):
    for name in names:
        if os.path.exists(f"{STATE}/{name}"):
            os.remove(f"{STATE}/{name}")


def start_callee(lab, place, port, kind, six):
    remove("callee")
    lab.start(place, "sipp", "-sn", "uas", "-t", kind, "-i", own_address(lab, place, six), "-p", str(port), "-mp", "6000",
              "-rtp_echo", "-nostdin", "-trace_msg", "-message_file", f"{STATE}/callee",
              ready=lambda: lab.listens(place, port, "tcp" if kind == "t1" else "udp"))


def call(lab, caller, callee, host, port, kind, six):
    """Calls, and sends media from each side to where the other said that it receives."""
    remove("caller")
    host = f"[{host}]" if ":" in host else host
    calling = lab.start(caller, "sipp", "-sn", "uac", f"{host}:{port}", "-t", kind, "-i", own_address(lab, caller, six),
                        "-p", "5060", "-mp", "7000", "-rtp_echo", "-m", "1", "-d", "15000", "-nostdin", "-trace_msg",
                        "-message_file", f"{STATE}/caller", ready=lambda: described("caller") is not None)
    told = {callee: described("callee"), caller: described("caller")}
    lab.say(f"the callee was told {told[callee]}, the caller {told[caller]}")
    if not told[callee] or not told[caller]:
        return False
    echoes = [lab.shell(place, f"/usr/bin/python3 {PEERS} media {told[place][0]} {told[place][1]}")
              for place in (callee, caller)]
    calling.wait(60)
    lab.say(f"the call ended with {calling.returncode}")
    return all("received" in echo for echo in echoes) and calling.returncode == 0


def received_by(name):
    """The messages a sipp received, the last one first."""
    if not os.path.exists(f"{STATE}/{name}"):
        return []
    with open(f"{STATE}/{name}", errors="replace") as file:
        return [one.split("message sent")[0] for one in reversed(file.read().split("message received")[1:])]


def described(name):
    """Address and port of the media in the last description a sipp received."""
    for message in received_by(name):
        if "m=audio " in message and "c=IN IP" in message:
            address = message.split("c=IN IP")[1].split()[1]
            return address.strip("[]"), int(message.split("m=audio ")[1].split()[0])
    return None


# A registration as in RFC 3261, 24.1, by a phone that takes calls on a port of its own.
REGISTER = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
<send retrans="500"><![CDATA[
REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
To: Bob <sip:bob@[remote_ip]>
From: Bob <sip:bob@[remote_ip]>;tag=456248[call_number]
Call-ID: [call_id]
CSeq: 1826 REGISTER
Contact: <sip:bob@[local_ip]:5062>
Expires: 7200
Content-Length: 0

]]></send>
<recv response="200"></recv>
</scenario>
"""
REGISTRAR = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="registrar">
<recv request="REGISTER"></recv>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_To:];tag=2493k59kd
[last_From:]
[last_Call-ID:]
[last_CSeq:]
[last_Contact:]
Expires: 7200
Content-Length: 0

]]></send>
</scenario>
"""


def sip_register(six=False):
    """A phone registers and is then called where the registrar heard that it is."""
    def exchange(lab):
        remove("registrar", "phone")
        for name, text in (("register.xml", REGISTER), ("registrar.xml", REGISTRAR)):
            with open(f"{STATE}/{name}", "w") as file:
                file.write(text)
        host = lab.server6 if six else lab.server4
        registrar = lab.start("server", "sipp", "-sf", f"{STATE}/registrar.xml", "-i", host, "-p", "5060", "-m", "1", "-nostdin",
                              "-trace_msg", "-message_file", f"{STATE}/registrar", ready=lambda: lab.listens("server", 5060, "udp"))
        phone = lab.start("client", "sipp", "-sf", f"{STATE}/register.xml", f"[{host}]:5060" if six else f"{host}:5060", "-i",
                          own_address(lab, "client", six), "-p", "5060", "-m", "1", "-nostdin", ready=lambda: False)
        lab.wait(lambda: registrar.poll() is not None, 20)
        heard = "".join(received_by("registrar"))
        lab.say(f"the phone ended with {phone.poll()}, the registrar heard:{heard}")
        if "Contact: <sip:bob@" not in heard:
            return False
        contact, port = heard.split("Contact: <sip:bob@")[1].split(">")[0].rsplit(":", 1)
        start_callee(lab, "client", 5062, "u1", six)
        return call(lab, "server", "client", contact.strip("[]"), int(port), "u1", six)
    return exchange


def sip_split(lab):
    """Messages that come in several segments, and several in one."""
    lab.peer("server", "sip_callee", lab.server4)
    output = lab.shell("client", f"/usr/bin/python3 {PEERS} sip_caller {lab.server4} {lab.client4} 2>&1")
    lab.wait(lambda: lab.says("callee received") or lab.says("callee refused"))
    return "caller received" in output and lab.says("callee received")


# --- SANE: saned with the test device, and scanimage ---
def sane(target=None, six=False):
    def exchange(lab):
        os.makedirs("/run/scenario/sane", exist_ok=True)
        for name, text in (("dll.conf", "test\nnet\n"), ("saned.conf", "0.0.0.0/0\n::/0\n"), ("test.conf", ""), ("net.conf", "")):
            with open(f"/run/scenario/sane/{name}", "w") as file:
                file.write(text)
        os.environ["SANE_CONFIG_DIR"] = "/run/scenario/sane"
        lab.start("server", "saned", "-l", "-D", "-b", "::" if six else "0.0.0.0", ready=lambda: lab.listens("server", 6566))
        host = f"[{lab.server6}]" if six else target or lab.server4
        output = lab.shell("client", f"timeout 30 scanimage -d net:{host}:test:0 -x 10 -y 10 --format=pnm 2>&1 | head -c 2",
                           seconds=40)
        return output.startswith("P")
    return exchange


# --- mDNS: avahi answers a question from another port ---
def avahi(six=False):
    def exchange(lab):
        with open("/run/scenario/avahi.conf", "w") as file:
            file.write(f"[server]\nhost-name=scenario\nuse-ipv4={'no' if six else 'yes'}\nuse-ipv6={'yes' if six else 'no'}\n"
                       "allow-interfaces=eth0\nenable-dbus=no\n[publish]\npublish-addresses=yes\n")
        user("avahi")
        settle(lab)
        lab.start("server", "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", "/run/scenario/avahi.conf",
                  ready=lambda: lab.says("Server startup complete"))
        words = "ff02::fb to-server scenario.local 28" if six else "224.0.0.251 to-server scenario.local"
        return "received" in lab.shell("gate", f"/usr/bin/python3 {PEERS} mdns_ask {words} 2>&1")
    return exchange


def settle(lab):
    """Waits until the link-local addresses may be used."""
    for place, device in (("gate", "to-server"), ("server", "eth0")):
        lab.shell(place, f"for i in $(seq 100); do ip -6 address show dev {device} tentative | grep -q fe80 || break; sleep 0.1; done")


def group6(server, client):
    def exchange(lab):
        settle(lab)
        return scripted(server, client)(lab)
    return exchange


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
    settle(lab)
    output = lab.shell("gate", "timeout 15 dhclient -6 -1 -v -d -lf /run/scenario/dhclient -pf /run/scenario/pid -sf /bin/true "
                       "to-server 2>&1", seconds=20)
    return "RCV: Reply message" in output
