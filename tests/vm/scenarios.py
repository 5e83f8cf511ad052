#!/usr/bin/env python3
"""Runs helper scenarios inside the machine of vm.sh and says what came of them.

    scenarios.py [--with none,ours,original] [--quiet] [--table FILE] [NAME...]    (all when none is named)

Each scenario is a client, a gateway and a server in network namespaces of their own. The gateway forwards the control
port, and else only what belongs to a known flow or is related to one. So the data flow passes only if a helper
announced it. A scenario runs without a helper ("none": the data flow must be refused), with this project's conntrackd
("ours": it must pass) and with Debian's ("original": whatever comes is written down). One line each tells the result:

    RESULT ftp-pasv ours passed
"""
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases  # noqa: E402  (found beside this file)

DIST = os.path.normpath(os.environ.get("DIST", os.path.join(HERE, "..", "..", "dist")))
DAEMONS = {"ours": os.path.join(DIST, "conntrackd"), "original": "/usr/sbin/conntrackd"}
STATE = "/run/scenario"


def run(*words, check=True, **more):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if check and result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.stdout}")
    return result.stdout


def inside(place, *words, **more):
    return run("nsenter", f"--net=/run/netns/{place}", *words, **more)


def batch(*lines, place=None):
    """Several commands of ip in one process."""
    run("ip", *(["-n", place] if place else []), "-batch", "-", input="\n".join(lines) + "\n")


def host_commands(device, four, six):
    return ("link set lo up", f"address add {four} dev {device}", f"address add {six} dev {device} nodad",
            f"link set {device} up")


class Lab:
    """Client, gateway and server: client 198.51.100.2 -- .1 gateway .1 -- 192.0.2.2 server, and the same in IPv6."""

    client4, gate4, server4 = "198.51.100.2", "198.51.100.1", "192.0.2.2"
    client6, gate6, server6 = "2001:db8:1::2", "2001:db8:1::1", "2001:db8:2::2"
    outer4, outer6 = "192.0.2.1", "2001:db8:2::1"

    def __init__(self, case, mode):
        self.case, self.mode = case, mode
        self.running = []
        self.transcript = []
        self.helper = mode != "none"
        os.makedirs(STATE, exist_ok=True)

    def say(self, text):
        self.transcript.append(text.rstrip())

    def shell(self, place, command, seconds=20):
        """Runs a command in a namespace and writes it and its output down."""
        self.say(f"{place}# {command}")
        try:
            output = inside(place, "bash", "-c", command, check=False, timeout=seconds)
        except subprocess.TimeoutExpired as error:
            output = (error.stdout or b"").decode("utf-8", "replace") + f"(not done after {seconds} s)\n"
        self.say(output)
        return output

    def start(self, place, *words, ready=None, log=None, seconds=15):
        """Starts a program in a namespace; it is ended with the scenario."""
        log = log or f"{STATE}/{place}-{os.path.basename(words[0])}-{len(self.running)}.log"
        with open(log, "w") as output:
            process = subprocess.Popen(["nsenter", f"--net=/run/netns/{place}", *words], stdout=output,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.say(f"{place}# {' '.join(words)} &")
        process.log = log
        self.running.append(process)
        deadline = time.time() + seconds
        while ready and time.time() < deadline:
            if ready() or process.poll() is not None:
                break
            time.sleep(0.05)
        return process

    def peer(self, place, *words, waits_for=None):
        """Starts a scripted peer."""
        return self.start(place, "/usr/bin/python3", os.path.join(HERE, "peers.py"), *words,
                          ready=lambda: self.says(waits_for or f"ready {words[0]}"))

    def kind(self, place):
        """Whose daemon runs on a gateway."""
        other = self.case.is_mixed and place == "gate2"
        return {"ours": "original", "original": "ours"}.get(self.mode) if other else self.mode

    def tool(self, place):
        """conntrack of the kind of the daemon."""
        return f"{DIST}/conntrack" if self.kind(place) == "ours" else "/usr/sbin/conntrack"

    def wait(self, condition, seconds=10):
        deadline = time.time() + seconds
        while not condition() and time.time() < deadline:
            time.sleep(0.3)

    def move(self, source, target):
        """Gives the interfaces and addresses of a gateway to another, as a failover manager would."""
        for device in ("to-client", "to-server"):
            run("ip", "-n", source, "link", "set", device, "netns", target)
        batch(*host_commands("to-client", "198.51.100.1/24", "2001:db8:1::1/64"),
              *host_commands("to-server", "192.0.2.1/24", "2001:db8:2::1/64"), place=target)

    def says(self, text):
        return any(text in open(process.log, errors="replace").read() for process in self.running)

    def listens(self, place, port, kind="tcp"):
        option = "-lnt" if kind == "tcp" else "-lnu"
        return f":{port} " in inside(place, "ss", option, check=False)

    def up(self):
        # Few processes: each takes a good part of a second in an emulated machine.
        names = ("client", "gate", "server") if self.case.gates == 1 else ("client", "gate", "server", "gate2")
        self.names = names
        sides = (("client", "198.51.100", "2001:db8:1"), ("server", "192.0.2", "2001:db8:2"))
        batch(*(f"netns add {name}" for name in names),
              *(f"link add to-{side} netns gate type veth peer name eth0 netns {side}" for side, _, _ in sides))
        for side, four, six in sides:
            batch(*host_commands("eth0", f"{four}.2/24", f"{six}::2/64"),
                  f"route add default via {four}.1", f"route add default via {six}::1", place=side)
        batch(*host_commands("to-client", "198.51.100.1/24", "2001:db8:1::1/64"),
              *host_commands("to-server", "192.0.2.1/24", "2001:db8:2::1/64"), place="gate")
        for place in names[1::2] if self.case.gates == 2 else ("gate",):
            inside(place, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        if self.case.gates == 2:
            batch("link add sync netns gate type veth peer name sync netns gate2")

    def down(self):
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        batch(*(f"netns delete {name}" for name in self.names))
        run("nfct", "flush", "helper", check=False)

    def rules(self, place="gate"):
        """The gateway's rule set: the control port, and what belongs to flows that are known or announced."""
        helpers, attach = "", ""
        for name, protocol, port in self.case.controls:
            if self.helper:
                helpers += f'    ct helper {name}-{protocol} {{ type "{name}" protocol {protocol}; }}\n'
                attach += f'        {protocol} dport {port} ct helper set "{name}-{protocol}"\n'
        opened = "".join(f"        {protocol} dport {port} ct state new accept\n" for _, protocol, port in self.case.controls)
        inward = "        ct state established,related counter accept\n        meta l4proto ipv6-icmp accept\n"
        text = f"""table inet fw {{
{helpers}    chain pre {{
        type filter hook prerouting priority -150;
{attach}    }}
    chain out {{
        type filter hook output priority -150;
{attach}    }}
    chain forward {{
        type filter hook forward priority 0; policy drop;
        ct state established accept
        ct state related counter accept
        meta l4proto ipv6-icmp accept
{opened}        counter reject
    }}
    chain input {{
        type filter hook input priority 0; policy accept;
        iifname "lo" accept
{inward if self.case.asks_from_gate else ""}        {"drop" if self.case.asks_from_gate else "accept"}
    }}
}}
{self.case.nat}"""
        with open(f"{STATE}/rules", "w") as file:
            file.write(text)
        self.say(text)
        inside(place, "nft", "-f", f"{STATE}/rules")

    def daemon(self, place="gate", more=""):
        """Starts the daemon and waits until its helpers are there."""
        types = ""
        queue = 0
        for name, protocol, _ in self.case.controls:
            for family in self.case.families:
                types += f"    Type {name} {family} {protocol} {{\n        QueueNum {queue}\n        QueueLen 1024\n"
                types += self.case.policy.format(name=name) + "    }\n"
                queue += 1
        base = f"{STATE}/{place}"
        for leftover in (f"{base}.log", f"{base}.lock", f"{base}.ctl"):
            if os.path.exists(leftover):
                os.remove(leftover)
        text = f"""Helper {{
    Setup yes
{types}}}
General {{
    LogFile {base}.log
    LockFile {base}.lock
    UNIX {{
        Path {base}.ctl
    }}
}}
{more}"""
        with open(f"{base}.conf", "w") as file:
            file.write(text)
        self.say(text)

        def ready():
            return os.path.exists(f"{base}.log") and "initialization completed" in open(f"{base}.log").read()

        process = self.start(place, DAEMONS[self.kind(place)], "-C", f"{base}.conf", ready=ready)
        if not ready():
            raise RuntimeError(f"the daemon did not start: {open(process.log).read()}")
        return process

    def ask(self, *words, place="gate"):
        """Asks the daemon."""
        return self.shell(place, f"{DAEMONS[self.kind(place)]} -C {STATE}/{place}.conf {' '.join(words)}")


def play(case, mode):
    """Runs a scenario; returns whether the data came, and the transcript."""
    lab = Lab(case, mode)
    passed = False
    try:
        lab.up()
        for module in case.modules:
            run("modprobe", module)
        if lab.helper and case.gates == 1:
            lab.daemon()
        if case.gates == 1 or not lab.helper:
            lab.rules()
        passed = bool(case.exchange(lab))
        lab.shell("gate", "nft list chain inet fw forward | grep counter; conntrack -L expect 2>&1")
        if mode == "ours":
            lab.ask("-s")
            lab.shell("gate", f"{DIST}/nfct list helper")
        if lab.helper:
            lab.ask("-k")
            if case.gates == 2:
                lab.ask("-k", place="gate2")
    except (RuntimeError, OSError) as error:
        lab.say(f"FAILED: {error}")
    finally:
        for process in lab.running:
            with open(process.log, errors="replace") as file:
                lab.say(f"--- {process.log}\n{file.read()[-3000:]}")
        lab.down()
    return passed, "\n".join(lab.transcript)


def write_table(path, results, modes):
    lines = ["| scenario | " + " | ".join(modes) + " |", "|---|" + "---|" * len(modes)]
    lines += [f"| {name} | " + " | ".join(came[mode] for mode in modes) + " |" for name, came in results.items()]
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    words = sys.argv[1:]
    modes = ["none", "ours", "original"]
    quiet, table = False, None
    while words and words[0].startswith("--"):
        option = words.pop(0)
        if option == "--with":
            modes = words.pop(0).split(",")
        elif option == "--table":
            table = words.pop(0)
        else:
            quiet = True
    run("modprobe", "nf_conntrack_netlink")
    results, wrong = {}, 0
    for name in words or list(cases.ALL):
        results[name] = {}
        for mode in modes:
            if mode == "original" and not cases.ALL[name].is_known:
                results[name][mode] = "no such helper"
                continue
            started = time.time()
            passed, transcript = play(cases.ALL[name], mode)
            wanted = {"none": False, "ours": True}.get(mode, passed)
            wrong += passed != wanted
            results[name][mode] = "passed" if passed else "refused"
            if not quiet or passed != wanted:
                print(f"=== {name} {mode}\n{transcript}\n", flush=True)
            print(f"RESULT {name} {mode} {results[name][mode]} {time.time() - started:.1f}", flush=True)
        if table:
            write_table(table, results, modes)  # each time: a run may be cut short
    sys.exit(1 if wrong else 0)


main()
