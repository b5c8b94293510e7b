#!/usr/bin/python3
"""A venue that misbehaves to order, for the tests of adapters/shell: TLS, WebSocket and HTTP by hand, from the RFCs.

    tls_server.py FOLDER    prints one line of ports, and serves until its standard input ends

Ports: good, wrong (a certificate of another host), expired, stranger (of another authority), old (TLS 1.1 at most),
plain (no TLS), proxy (CONNECT; whatever host is asked for, it is `good`), and closed (nobody listens). What happens
is said by the path; see the functions.
"""
import base64
import gzip
import hashlib
import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse
import warnings

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
warnings.simplefilter("ignore")
ports = {}
tunnels = [0]


class Stream:
    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def until(self, end):
        while end not in self.rest:
            self.more()
        head, self.rest = self.rest.split(end, 1)
        return head

    def exactly(self, size):
        while len(self.rest) < size:
            self.more()
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def more(self):
        some = self.sock.recv(65536)
        if not some:
            raise ConnectionError
        self.rest += some


def frame(opcode, payload, final=True):
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([size])
    elif size < 65536:
        head += bytes([126]) + struct.pack(">H", size)
    else:
        head += bytes([127]) + struct.pack(">Q", size)
    return head + payload


def receive(stream):
    """(opcode, payload) of one frame of the client's; it must be masked."""
    first, second = stream.exactly(2)
    assert second & 0x80
    size = second & 0x7F
    if size == 126:
        size = struct.unpack(">H", stream.exactly(2))[0]
    elif size == 127:
        size = struct.unpack(">Q", stream.exactly(8))[0]
    mask = stream.exactly(4)
    payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(stream.exactly(size)))
    return first & 0x0F, payload


def pattern(size):
    return (b"0123456789abcdef" * (size // 16 + 1))[:size]


# ---- what a WebSocket connection does, by its path ----

def echo(stream, sock, query):
    while True:
        opcode, payload = receive(stream)
        if opcode == CLOSE:
            sock.sendall(frame(CLOSE, payload))
            return
        sock.sendall(frame(PONG if opcode == PING else opcode, payload))


def mixed(stream, sock, query):
    """Texts, bytes, fragments with a ping between them, and a message larger than any buffer; all in few writes."""
    sock.sendall(frame(TEXT, b"one") + frame(BINARY, b"\x00\x01\xff") + frame(TEXT, b"frag", False) +
                 frame(PING, b"between") + frame(0, b"men", False) + frame(0, b"ts"))
    sock.sendall(frame(TEXT, pattern(300000)) + frame(TEXT, b"") + frame(BINARY, pattern(70000)[::-1]))
    echo(stream, sock, query)


def ping(stream, sock, query):
    sock.sendall(frame(PING, b"are you there"))
    opcode, payload = receive(stream)
    sock.sendall(frame(TEXT, b"%d %s" % (opcode, payload)))
    echo(stream, sock, query)


def close(stream, sock, query):
    sock.sendall(frame(TEXT, b"last words"))
    code, reason = int(query.get("code", 0)), query.get("reason", "")
    sock.sendall(frame(CLOSE, struct.pack(">H", code) + reason.encode() if code else b""))
    try:
        receive(stream)
    except ConnectionError:
        pass


def cut(stream, sock, query):
    sock.sendall(frame(TEXT, b"before") + frame(TEXT, b"half of a message")[:9])


def stubborn(stream, sock, query):
    """Reads, and says nothing, not even to a close."""
    while True:
        stream.more()


def deaf(stream, sock, query):
    """Does not even read."""
    time.sleep(60)


def huge(stream, sock, query):
    sock.sendall(frame(TEXT, pattern(5 << 20)))
    stubborn(stream, sock, query)


def flood(stream, sock, query):
    """Numbered messages as fast as they are taken, then the end of the connection."""
    rest = b"x" * (int(query["size"]) - 8)
    for number in range(int(query["count"])):
        sock.sendall(frame(TEXT, b"%08d" % number + rest))
    sock.sendall(frame(CLOSE, struct.pack(">H", 1000)))
    receive(stream)


def broken(stream, sock, query):
    sock.sendall(b"\xff\x7f nothing of this is a frame")
    stubborn(stream, sock, query)


SOCKETS = {f.__name__: f for f in (echo, mixed, ping, close, cut, stubborn, deaf, huge, flood, broken)}


# ---- HTTP ----

def answer(sock, status, body, extra=b"", size=None):
    sock.sendall(b"HTTP/1.1 %d Words\r\nContent-Length: %d\r\n%s\r\n" %
                 (status, len(body) if size is None else size, extra) + body)


def get(sock, name, query):
    if name == "hello":
        answer(sock, 200, b"hello", b"X-Weight: 7\r\n")
    elif name == "status":
        answer(sock, int(query["code"]), b"words", b"Retry-After: 3\r\n")
    elif name == "zipped":
        answer(sock, 200, gzip.compress(pattern(100000)), b"Content-Encoding: gzip\r\n")
    elif name == "big":
        answer(sock, 200, pattern(int(query["size"])))
    elif name == "cut":
        answer(sock, 200, pattern(100), size=1000)
        raise ConnectionError
    elif name == "slow":
        time.sleep(60)
    elif name == "away":
        answer(sock, 302, b"", b"Location: %s\r\n" % query.get("to", "/hello").encode())
    elif name == "tunnels":
        answer(sock, 200, b"%d" % tunnels[0])
    else:
        answer(sock, 404, b"no such thing")


def serve(sock):
    stream = Stream(sock)
    while True:
        lines = stream.until(b"\r\n\r\n").decode().split("\r\n")
        path, _, query = lines[0].split(" ")[1].partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        headers = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:]}
        name = path.strip("/")
        if "upgrade" not in headers or name in ("refuse", "away"):
            get(sock, "status" if name == "refuse" else name, query)
        elif name == "never":
            time.sleep(60)
        elif "origin" in headers:
            answer(sock, 403, b"no browsers here")
        else:
            key = base64.b64encode(hashlib.sha1(headers["sec-websocket-key"].encode() + GUID).digest())
            sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n")
            SOCKETS[name](stream, sock, query)
            return


def tunnel(sock):
    stream = Stream(sock)
    head = stream.until(b"\r\n\r\n")
    if not head.startswith(b"CONNECT "):
        answer(sock, 405, b"CONNECT only")
        return
    tunnels[0] += 1
    other = socket.create_connection(("127.0.0.1", ports["good"]))
    sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pour, args=(other, sock), daemon=True).start()
    pour(sock, other)


def pour(source, sink):
    try:
        while some := source.recv(65536):
            sink.sendall(some)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


# ---- listening ----

def handle(sock, context, work):
    try:
        if context is not None:
            sock = context.wrap_socket(sock, server_side=True)
        work(sock)
    except (OSError, ConnectionError, ValueError, AssertionError):
        pass
    finally:
        sock.close()


def accept(listener, context, work):
    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=handle, args=(sock, context, work), daemon=True).start()


def listen(name, context=None, work=serve):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    ports[name] = listener.getsockname()[1]
    if name != "closed":
        listener.listen(64)
        threading.Thread(target=accept, args=(listener, context, work), daemon=True).start()
    return listener


def main():
    folder = sys.argv[1]

    def with_certificate(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, "server.key"))
        return context

    old = with_certificate("good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    listeners = [listen(name, with_certificate(name)) for name in ("good", "wrong", "expired", "stranger")]
    listeners += [listen("old", old), listen("plain"), listen("proxy", None, tunnel), listen("closed")]
    print(*ports.values(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
