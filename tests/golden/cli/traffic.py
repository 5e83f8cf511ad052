#!/usr/bin/env python3
"""Traffic for the "router" cases (lab namespaces only, see topo.sh).
  in h3s:  traffic.py serve                          TCP 80 (v4+v6), FTP 21, UDP echo 53 (v4+v6)
  in h3c:  traffic.py tcp DST DPORT SPORT HOLD       connect, send, read, hold HOLD seconds, close
           traffic.py udp DST DPORT SPORT COUNT
           traffic.py ftp SPORT 'CMD|CMD' HOLD       control connection to 10.83.2.2:21, data listener on 51400
           traffic.py ping DST                         two echo requests
           (SIGUSR1 ends the connections of the server at once; HOLD begins when there is a file $READY; a connection that ends has ended at both sides)
  anywhere (root): traffic.py sctp SRC DST SPORT DPORT VTAG CHUNKTYPE [INITTAG]   one raw SCTP packet
           traffic.py gre SRC DST                                                one raw GREv0 packet"""
import os, signal, socket, struct, sys, threading, time
def lst(addr, port):
    s = socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((addr, port)); s.listen(5); return s
connections = set()
def loop(s, fn):
    while True:
        c, _ = s.accept(); connections.add(c); threading.Thread(target=fn, args=(c,), daemon=True).start()
def forget(c): connections.discard(c); c.close()
def reset(*_):
    for c in list(connections):
        try: c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.shutdown(socket.SHUT_RDWR)
        except OSError: pass
def web(c):
    try:
        while c.recv(1000): c.sendall(b'hello world\n')
    except OSError: pass
    forget(c)
def ftp(c):
    port = None
    try:
        c.sendall(b'220 ready\r\n')
        while True:
            d = c.recv(1000)
            if not d: break
            if d.startswith(b'PASV'): c.sendall(b'227 Entering Passive Mode (10,83,2,2,195,80).\r\n')
            elif d.startswith(b'PORT'):
                p = [int(x) for x in d[5:].split(b',')]; port = ('.'.join(map(str, p[:4])), p[4]*256+p[5]); c.sendall(b'200 ok\r\n')
            elif d.startswith(b'LIST') and port:
                x = socket.socket(); x.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); x.bind(('10.83.2.2', 20)); x.settimeout(PATIENCE)
                x.connect(port); x.sendall(b'file1\r\n'); x.close(); c.sendall(b'226 done\r\n')
            else: c.sendall(b'200 ok\r\n')
    except OSError: pass
    forget(c)
def udp(addr):
    s = socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET, socket.SOCK_DGRAM); s.bind((addr, 53))
    while True:
        d, a = s.recvfrom(2000); s.sendto(d, a)
def crc32c(d):
    c = 0xffffffff
    for b in d:
        c ^= b
        for _ in range(8): c = (c >> 1) ^ (0x82F63B78 if c & 1 else 0)
    return c ^ 0xffffffff
def hold(seconds):
    if float(seconds) and 'READY' in os.environ: open(os.environ['READY'], 'w').close()
    time.sleep(float(seconds))
a = sys.argv[1:]
PATIENCE = 30
def quick(s): s.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
def end(s):
    s.shutdown(socket.SHUT_WR)
    while s.recv(100): pass
    s.close()
fam = lambda d: (socket.AF_INET6, 'fd83:1::2') if ':' in d else (socket.AF_INET, '10.83.1.2')
if a[0] == 'serve':
    signal.signal(signal.SIGUSR1, reset)
    for t in ((loop, lst('10.83.2.2', 80), web), (loop, lst('fd83:2::2', 80), web), (loop, lst('10.83.2.2', 21), ftp)): threading.Thread(target=t[0], args=t[1:]).start()
    for x in ('10.83.2.2', 'fd83:2::2'): threading.Thread(target=udp, args=(x,)).start()
    while True: signal.pause()
elif a[0] in ('tcp', 'udp'):
    f, me = fam(a[1]); s = socket.socket(f, socket.SOCK_STREAM if a[0] == 'tcp' else socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((me, int(a[3]))); s.settimeout(PATIENCE)
    if a[0] == 'tcp':
        s.connect((a[1], int(a[2]))); s.sendall(b'GET /\r\n'); quick(s); s.recv(100); hold(a[4]); end(s)
    else:
        for _ in range(int(a[4])): s.sendto(b'query', (a[1], int(a[2]))); s.recv(100)
elif a[0] == 'ftp':
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(('10.83.1.2', int(a[1]))); s.connect(('10.83.2.2', 21)); s.recv(100)
    l = lst('10.83.1.2', 51400)
    for cmd in a[2].split('|'): s.sendall(cmd.encode()+b'\r\n'); s.recv(200)
    hold(a[3])
elif a[0] == 'sctp':
    src, dst, sp, dp, vt, ct = a[1], a[2], int(a[3]), int(a[4]), int(a[5], 0), int(a[6]); body = b''
    if ct in (1, 2): body = struct.pack('>IIHHI', int(a[7], 0), 65535, 10, 10, 1) + (struct.pack('>HH', 7, 8)+b'cook' if ct == 2 else b'')
    if ct == 10: body = b'cook'
    chunk = struct.pack('>BBH', ct, 0, 4+len(body))+body; h = struct.pack('>HHI', sp, dp, vt)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 132); s.bind((src, 0)); s.sendto(h+struct.pack('<I', crc32c(h+b'\0'*4+chunk))+chunk, (dst, 0))
elif a[0] == 'gre':
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47); s.bind((a[1], 0)); s.sendto(struct.pack('>HHI', 0x2000, 0x0800, 0x11223344)+b'x'*24, (a[2], 0))
elif a[0] == 'ping':
    v6 = ':' in a[1]; ident = 1 + (int(time.time() * 1000) & 0x7fff)
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, 58 if v6 else 1); s.settimeout(PATIENCE); s.connect((a[1], 0))
    for seq in (1, 2):
        body = struct.pack('>BBHHH', 128 if v6 else 8, 0, 0, ident, seq)+b'x'*56; total = sum(struct.unpack('>32H', body))
        while total >> 16: total = (total & 0xffff)+(total >> 16)
        s.send(body if v6 else body[:2]+struct.pack('>H', ~total & 0xffff)+body[4:]); s.recv(200); time.sleep(.2)
