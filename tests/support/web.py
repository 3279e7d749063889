#!/usr/bin/python3
"""Servers that answer with their own name, and clients that ask who is there.

web.py serve NAME ADDRESS PORT        HTTP: every request is answered with "NAME\\n"
web.py serve-udp NAME ADDRESS PORT    the same for each datagram
web.py ask ADDRESS PORT COUNT         COUNT requests, a new connection each: who answered ("-" for nobody), then a sum
web.py hold ADDRESS PORT COUNT        open COUNT connections, wait for a line on stdin, then use each one
"""

import argparse
import collections
import contextlib
import socket
import sys
import threading

# Not in Python's socket module. Needed because an address may come to the machine after its service.
IPV6_FREEBIND = 78
# A client that says nothing must not keep its thread for ever, but has to outlast a failover test.
IDLE_SECONDS = 600


def listener(kind, address, port):
    """An IPv6 socket also for IPv4 (as ::ffff:ADDRESS), so that "::" serves both."""
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address if ":" in address else "::ffff:" + address, port))
    return sock


def answer(connection, response):
    """Whatever comes is a request: `hold` sends a single byte."""
    with connection, contextlib.suppress(OSError):
        connection.settimeout(IDLE_SECONDS)
        if not connection.recv(65536):
            return
        connection.sendall(response)
        # Closing while the rest of a request is unread would reset the connection.
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        while connection.recv(65536):
            pass


def serve(args):
    response = f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{args.name}\n".encode()
    sock = listener(socket.SOCK_STREAM, args.address, args.port)
    sock.listen(1024)
    while True:
        connection, _ = sock.accept()
        threading.Thread(target=answer, args=(connection, response), daemon=True).start()


def serve_udp(args):
    sock = listener(socket.SOCK_DGRAM, args.address, args.port)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    while True:
        _, ancillary, _, client = sock.recvmsg(65536, 256)
        # The client asked the virtual address, which routing would not choose as the source of the answer.
        # Its interface (lo, perhaps) must not be the answer's, hence the zero.
        source = [(level, kind, data[:16] + bytes(4)) for level, kind, data in ancillary]
        with contextlib.suppress(OSError):
            sock.sendmsg([args.name.encode() + b"\n"], source, 0, client)


def read_all(sock):
    return b"".join(iter(lambda: sock.recv(65536), b""))


def name_in(reply):
    """First line of the body, as one word so that the sum stays easy to take apart."""
    body = reply.partition(b"\r\n\r\n")[2] if reply.startswith(b"HTTP/") else reply
    return "_".join(body.decode(errors="replace").partition("\n")[0].split()) or "-"


def ask_once(args):
    family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM if args.udp else socket.SOCK_STREAM) as sock:
            sock.settimeout(args.timeout)
            # Connected even for UDP, so that an answer from any other address does not count.
            sock.connect((args.address, args.port))
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return name_in(sock.recv(65536) if args.udp else read_all(sock))
    except OSError:
        return "-"


def listed(counts):
    return [f"{name}={counts[name]}" for name in sorted(counts)]


def ask(args):
    names = []
    for _ in range(args.count):
        names.append(ask_once(args))
        print(names[-1], flush=True)
    counts = collections.Counter({name: 0 for name in args.names.split(",") if name})
    counts.update(names)
    failed = counts.pop("-", 0)
    alternating = not failed and all(one != two for one, two in zip(names, names[1:]))
    print(*listed(counts), f"failed={failed}", f"alternating={'yes' if alternating else 'no'}", flush=True)


def hold(args):
    connections = [socket.create_connection((args.address, args.port), args.timeout) for _ in range(args.count)]
    print(f"holding {len(connections)}", flush=True)
    sys.stdin.readline()
    survivors = collections.Counter()
    reset = silent = 0
    for connection in connections:
        try:
            connection.settimeout(args.timeout)
            connection.sendall(b"?")
            # An orderly end without an answer is a lost connection, too.
            if (name := name_in(read_all(connection))) == "-":
                reset += 1
            else:
                survivors[name] += 1
        except TimeoutError:
            silent += 1
        except OSError:
            reset += 1
        connection.close()
    print(f"survived={survivors.total()} reset={reset} silent={silent}", *listed(survivors), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for command, function in (("serve", serve), ("serve-udp", serve_udp), ("ask", ask), ("hold", hold)):
        sub = commands.add_parser(command)
        sub.set_defaults(function=function)
        serving = function in (serve, serve_udp)
        for argument in ("name", "address", "port") if serving else ("address", "port", "count"):
            sub.add_argument(argument, type=int if argument in ("port", "count") else str)
        if not serving:
            sub.add_argument("--timeout", type=float, default=1)
        if function is ask:
            sub.add_argument("--udp", action="store_true")
            sub.add_argument("--names", default="", help="a,b: names to list in the sum even when they never answer")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
