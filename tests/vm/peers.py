#!/usr/bin/env python3
"""Peers for protocols that no small program of Debian speaks, or not in the way a scenario needs.

Usage: peers.py ROLE ARGUMENT...     Servers print "ready ROLE" when they listen; clients print what came of it.
The bytes are those of the protocols' documents, named beside each role, not of this project's parsers.
"""
import os
import socket
import struct
import sys
import time

DATA = b"the data came through\n"


def say(*words):
    print(*words, flush=True)


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listen(host, port, kind=socket.SOCK_STREAM):
    s = socket.socket(family_of(host), kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    if kind == socket.SOCK_STREAM:
        s.listen(8)
    return s


def dial(host, port, seconds=4):
    s = socket.socket(family_of(host), socket.SOCK_STREAM)
    s.settimeout(seconds)
    s.connect((host, port))
    return s


def fetch(host, port):
    """Connects to where data should be and says whether it came."""
    try:
        with dial(host, port) as s:
            say("received", s.recv(100))
    except OSError as error:
        say("refused:", error)


def serve(listener, connections=1):
    listener.settimeout(10)
    try:
        for _ in range(connections):
            c = listener.accept()[0]
            c.sendall(DATA)
            c.close()
    except OSError as error:
        say("nobody came:", error)


# --- FTP (RFC 959): a command that comes in two segments ---
def ftp_wait(host, own):
    """Announces where data shall go, and asks for it only when told to."""
    ftp_split(host, own, "PORT ADDRESS,PORTS", "/run/scenario/go")


def ftp_split(host, own, command, wait=None):
    control = dial(host, 21, 10)
    control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(line, cut=None):
        line = line.encode() + b"\r\n"
        if cut:
            control.sendall(line[:cut])
            time.sleep(0.7)
            line = line[cut:]
        control.sendall(line)
        say(control.recv(500))

    say(control.recv(500))
    ask("USER anonymous")
    ask("PASS nobody@example.org")
    waiting = listen(own, 0)
    port = waiting.getsockname()[1]
    waiting.settimeout(5)
    command = command.replace("ADDRESS", own.replace(".", ",")).replace("PORTS", f"{port >> 8},{port & 255}")
    ask(command, None if wait else 3)
    say("announced", port)
    while wait and not os.path.exists(wait):
        time.sleep(0.1)
    control.sendall(b"RETR file\r\n")
    try:
        say("received", waiting.accept()[0].recv(100))
    except OSError as error:
        say("refused:", error)
    control.sendall(b"QUIT\r\n")
    while answer := control.recv(500):
        say(answer)


# --- TNS (the packet format as Wireshark documents it): connect (1) is answered by redirect (5) ---
def tns_server(host):
    server, data = listen(host, 1521), listen(host, 0)
    say("ready tns_server")
    control = server.accept()[0]
    control.recv(500)
    text = f"(ADDRESS=(PROTOCOL=tcp)(HOST={host})(PORT={data.getsockname()[1]}))".encode()
    control.sendall(struct.pack("!HHBBHH", len(text) + 10, 0, 5, 0, 0, len(text)) + text)
    serve(data)


def tns_client(host):
    s = dial(host, 1521)
    s.sendall(struct.pack("!HHBBH", 58, 0, 1, 0, 0) + bytes(50))
    text = s.recv(500)
    say(text)
    length, = struct.unpack_from("!H", text)
    say("length", length, "of", len(text))
    text = text.decode("latin-1")
    fetch(text.split("HOST=")[1].split(")")[0], int(text.split("PORT=")[1].split(")")[0]))


# --- Amanda (protocol of bsdtcp's elder, bsdudp: packets as in its documentation) ---
def amanda_server(host):
    s = listen(host, 10080, socket.SOCK_DGRAM)
    streams = [listen(host, 0) for _ in range(3)]
    say("ready amanda_server")
    _, peer = s.recvfrom(2000)
    words = " ".join(f"{name} {one.getsockname()[1]}" for name, one in zip(("DATA", "MESG", "INDEX"), streams))
    s.sendto(f"Amanda 2.6 REP HANDLE 000-00000000 SEQ 1700000000\nCONNECT {words}\nOPTIONS features=ffff;\n".encode(), peer)
    for one in streams:
        serve(one)


def amanda_client(host):
    s = socket.socket(family_of(host), socket.SOCK_DGRAM)
    s.settimeout(5)
    s.sendto(b"Amanda 2.6 REQ HANDLE 000-00000000 SEQ 1700000000\nSERVICE sendbackup\n", (host, 10080))
    answer = s.recv(2000).decode()
    say(answer)
    words = answer.split("CONNECT ")[1].split("\n")[0].split(" ")
    for port in words[1::2]:
        fetch(host, int(port))


# --- multicast questions: mDNS (RFC 6762 with RFC 1035's example of a question), SLP (RFC 2608, 8.1) ---
def ask_group(group, port, text, interface):
    family = family_of(group)
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    index = socket.if_nametoindex(interface)
    if family == socket.AF_INET:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index))
        target = (group, port)
    else:
        target = (group, port, 0, index)
    s.sendto(text, target)
    try:
        answer, peer = s.recvfrom(2000)
        say("received", answer, "from", peer)
    except OSError as error:
        say("refused:", error)


def mdns_ask(group, interface, name, kind="1"):
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split(".")) + b"\0"
    ask_group(group, 5353, struct.pack("!6H", 0x1234, 0, 1, 0, 0, 0) + labels + struct.pack("!HH", int(kind), 1), interface)


def slp_message(function, body):
    language = b"en"
    length = 14 + len(language) + len(body)
    return struct.pack("!BB", 2, function) + length.to_bytes(3, "big") + struct.pack("!HHH", 0x2000, 0, 0)[:5] \
        + struct.pack("!HH", 1, len(language)) + language + body


def join(group, port, interface):
    """A socket that hears what goes to a group."""
    index = socket.if_nametoindex(interface)
    if ":" in group:
        s = listen("::", port, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + struct.pack("@i", index))
        return s
    s = listen("", port, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + struct.pack("@4si", bytes(4), index))
    return s


def slp_server(group, interface):
    s = join(group, 427, interface)
    say("ready slp_server")
    while True:
        _, peer = s.recvfrom(2000)
        url = b"service:printer:lpr://192.0.2.2"
        s.sendto(slp_message(2, struct.pack("!HHBHH", 0, 1, 0, 60, len(url)) + url + b"\0"), peer)


def slp_ask(group, interface):
    service = b"service:printer"
    body = struct.pack("!H", 0) + struct.pack("!H", len(service)) + service + struct.pack("!H", 7) + b"DEFAULT" + bytes(4)
    ask_group(group, 427, slp_message(1, body), interface)


# --- UPnP discovery over IPv6 (UPnP Device Architecture 1.1, 1.3.2, 1.3.3 and annex A) ---
def ssdp_device(group, interface):
    s = join(group, 1900, interface)
    say("ready ssdp_device")
    while True:
        search, peer = s.recvfrom(2000)
        if search.startswith(b"M-SEARCH * HTTP/1.1\r\n"):
            s.sendto(b"HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\n"
                     b"LOCATION: http://[2001:db8:2::2]:49152/description.xml\r\nSERVER: Linux/6 UPnP/1.1 device/1\r\n"
                     b"ST: upnp:rootdevice\r\nUSN: uuid:0a0b0c0d-0000-4000-8000-000000000000::upnp:rootdevice\r\n\r\n", peer)


def ssdp_search(group, interface):
    ask_group(group, 1900, b"M-SEARCH * HTTP/1.1\r\nHOST: [FF02::C]:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"
              b"ST: upnp:rootdevice\r\n\r\n", interface)


# --- UPnP events (UPnP Device Architecture 1.0, 4.1): SUBSCRIBE names where events go ---
def upnp_device(host):
    server = listen(host, 49152)
    say("ready upnp_device")
    request = server.accept()[0].recv(2000).decode()
    callback = request.split("CALLBACK: <http://")[1].split("/")[0]
    say("events go to", callback)
    place, port = callback.rsplit(":", 1)
    time.sleep(0.3)
    try:
        event = dial(place.strip("[]"), int(port))
        event.sendall(b"NOTIFY /event HTTP/1.1\r\nHOST: %s\r\nNT: upnp:event\r\n\r\n" % callback.encode())
    except OSError as error:
        say("refused:", error)


def upnp_point(host, own):
    waiting = listen(own, 0)
    waiting.settimeout(6)
    s = dial(host, 49152)
    host, own = (f"[{one}]" if ":" in one else one for one in (host, own))
    s.sendall(f"SUBSCRIBE /service HTTP/1.1\r\nHOST: {host}:49152\r\nCALLBACK: <http://{own}:{waiting.getsockname()[1]}/event>\r\n"
              "NT: upnp:event\r\nTIMEOUT: Second-1800\r\n\r\n".encode())
    try:
        say("received", waiting.accept()[0].recv(100))
    except OSError as error:
        say("refused:", error)


# --- SIP over TCP (RFC 3261, 24.2; 7.5: blank lines between messages) in segments that are no messages ---
def sip_message(first, address, port):
    body = (f"v=0\r\no=- 2890844526 2890844526 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n").encode()
    head = (f"{first}\r\nVia: SIP/2.0/TCP 198.51.100.2:5060;branch=z9hG4bK74bf9\r\nMax-Forwards: 70\r\n"
            "From: Alice <sip:alice@198.51.100.2>;tag=9fxced76sl\r\nTo: Bob <sip:bob@192.0.2.2>\r\n"
            f"Call-ID: 3848276298220188511\r\nCSeq: 2 INVITE\r\nContact: <sip:{address};transport=tcp>\r\n"
            f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n").encode()
    return head, body


def send_pieces(s, *pieces):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in pieces:
        s.sendall(piece)
        time.sleep(0.6)


def hear(s, end):
    text = b""
    while not text.endswith(end):
        piece = s.recv(4000)
        if not piece:
            break
        text += piece
    say(text)
    return text.decode()


def exchange_media(name, own, listening, text):
    """Sends media to where a description says, from elsewhere, and waits for the other's."""
    waiting = listen(own, listening, socket.SOCK_DGRAM)
    waiting.settimeout(0.5)
    sending = listen(own, listening + 100, socket.SOCK_DGRAM)
    to = text.split("c=IN IP4 ")[-1].split()[0], int(text.split("m=audio ")[-1].split()[0])
    came = None
    for number in range(10):
        try:
            sending.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + bytes(160), to)
            came = waiting.recv(500)
        except OSError as error:
            say("nothing yet:", error)
    say(name, "received" if came else "refused")


def sip_callee(host):
    server = listen(host, 5060)
    say("ready sip_callee")
    control = server.accept()[0]
    text = hear(control, b"PCMU/8000\r\n")
    ringing = b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP 198.51.100.2:5060;branch=z9hG4bK74bf9\r\nContent-Length: 0\r\n\r\n"
    head, body = sip_message("SIP/2.0 200 OK", host, 6000)
    send_pieces(control, ringing + b"\r\n" + head[:50], head[50:] + body[:40], body[40:])
    exchange_media("callee", host, 6000, text)


def sip_caller(host, own):
    control = dial(host, 5060, 10)
    head, body = sip_message("INVITE sip:bob@192.0.2.2 SIP/2.0", own, 7000)
    send_pieces(control, head + body[:60], body[60:])
    exchange_media("caller", own, 7000, hear(control, b"PCMU/8000\r\n"))


# --- media: a packet of RTP (RFC 3550) to where a session description leads, that comes back from there ---
def media(host, port):
    s = socket.socket(family_of(host), socket.SOCK_DGRAM)
    s.settimeout(0.7)
    for number in range(5):
        s.sendto(struct.pack("!BBHII", 0x80, 0, number, number * 160, 7) + bytes(160), (host, int(port)))
        try:
            say("received", len(s.recv(500)))
            return
        except OSError as error:
            say("no echo:", error)


# --- an RPC service (RFC 5531) that rpcbind knows (RFC 1833, RPCBPROC_SET) and that answers procedure 0 ---
PROGRAM = 400100


def xdr(text):
    return struct.pack("!I", len(text)) + text + bytes(-len(text) % 4)


def rpc_register(network, address):
    call = struct.pack("!10I", 7, 0, 2, 100000, 4, 1, 0, 0, 0, 0) + struct.pack("!II", PROGRAM, 1)
    call += xdr(network) + xdr(address) + xdr(b"superuser")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(3)
    s.sendto(call, ("127.0.0.1", 111))
    say("registered", network, struct.unpack_from("!I", s.recv(500), 24)[0])


def rpc_getport(host, over):
    """GETPORT of version 2 (RFC 1833, 3.2), then procedure 0 of the service where it is."""
    call = struct.pack("!14I", 9, 0, 2, 100000, 2, 3, 0, 0, 0, 0, PROGRAM, 1, 6 if over == "tcp" else 17, 0)
    null = struct.pack("!10I", 11, 0, 2, PROGRAM, 1, 0, 0, 0, 0, 0)

    def ask(port, message, at):
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if over == "tcp" else socket.SOCK_DGRAM)
        s.settimeout(4)
        s.connect((host, port))
        s.send((struct.pack("!I", 0x80000000 | len(message)) if over == "tcp" else b"") + message)
        answer = s.recv(500)[4 if over == "tcp" else 0:]
        return struct.unpack_from("!I", answer, at)[0]

    port = ask(111, call, 24)
    say("the service is at", port)
    try:
        say("received", ask(port, null, 20))
    except OSError as error:
        say("refused:", error)


def rpc_service():
    import select
    port = 20490
    sockets = []
    for any_address, suffix, text in (("0.0.0.0", b"", b"0.0.0.0"), ("::", b"6", b"::")):
        for kind, network in ((socket.SOCK_DGRAM, b"udp"), (socket.SOCK_STREAM, b"tcp")):
            s = socket.socket(family_of(any_address), kind)
            if suffix:
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((any_address, port))
            if kind == socket.SOCK_STREAM:
                s.listen(8)
            sockets.append(s)
            rpc_register(network + suffix, text + b".%d.%d" % (port >> 8, port & 255))
    say("ready rpc_service")
    listening = set(sockets)
    while True:
        for s in select.select(sockets, [], [])[0]:
            if s.type == socket.SOCK_DGRAM:
                call, peer = s.recvfrom(2000)
                s.sendto(call[:4] + struct.pack("!5I", 1, 0, 0, 0, 0), peer)
            elif s in listening:
                sockets.append(s.accept()[0])
            else:
                call = s.recv(2000)
                if call:
                    s.sendall(struct.pack("!I", 0x80000000 | 24) + call[4:8] + struct.pack("!5I", 1, 0, 0, 0, 0))
                else:
                    sockets.remove(s)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
