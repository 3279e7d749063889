#!/usr/bin/python3
"""Servers that answer with their own name, and clients that ask who is there.

web.py serve NAME ADDRESS PORT        HTTP: every request is answered with "NAME\\n"
web.py serve-udp NAME ADDRESS PORT    the same for each datagram
web.py ask ADDRESS PORT COUNT         COUNT requests, a new connection each: who answered ("-" for nobody), then a sum
web.py hold ADDRESS PORT COUNT        open COUNT connections, wait for a line on stdin, then use each one
web.py load ADDRESS PORT RATE         RATE requests a second, whatever becomes of them, until stdin ends; each line on
                                      stdin is answered with the sum of what has ended since the line before
"""

import argparse
import collections
import contextlib
import selectors
import socket
import sys
import threading
import time

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


def ask_once(args, source_port=0):
    family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM if args.udp else socket.SOCK_STREAM) as sock:
            sock.settimeout(args.timeout)
            if source_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("", source_port))
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
    for number in range(args.count):
        names.append(ask_once(args, args.source_port and args.source_port + number))
        print(names[-1], flush=True)
    counts = collections.Counter({name: 0 for name in args.names.split(",") if name})
    counts.update(names)
    failed = counts.pop("-", 0)
    alternating = not failed and all(one != two for one, two in zip(names, names[1:]))
    print(*listed(counts), f"failed={failed}", f"alternating={'yes' if alternating else 'no'}", flush=True)


def held_connection(args, number):
    source = ("", args.source_port + number) if args.source_port else None
    return socket.create_connection((args.address, args.port), args.timeout, source)


def hold(args):
    connections = [held_connection(args, number) for number in range(args.count)]
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


class Load:
    """Requests at fixed times, each in a connection of its own. Slow answers do not slow the next requests down,
    as they would if one waited for the other: a service that hangs for a second loses RATE requests, not one."""

    def __init__(self, args):
        self.args = args
        self.target = (args.address, args.port)
        self.family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
        self.selector = selectors.DefaultSelector()
        self.open = {}  # socket -> when it counts as failed; in order of time, since all wait equally long
        self.replies = {}
        self.counts = collections.Counter()
        self.next = time.monotonic()

    def start_due(self):
        period = 1 / self.args.rate
        # Only what is due by now: a machine that can't keep the pace must still come to read the answers.
        now = time.monotonic()
        while self.next <= now:
            # Late by more than ten turns, the pace is no longer what was asked for.
            self.counts["late"] += now - self.next > 10 * period
            self.next += period
            self.start(now)

    def start(self, now):
        sock = socket.socket(self.family, socket.SOCK_DGRAM if self.args.udp else socket.SOCK_STREAM)
        sock.setblocking(False)
        self.open[sock] = now + self.args.timeout
        self.replies[sock] = b""
        sock.connect_ex(self.target)
        self.selector.register(sock, selectors.EVENT_WRITE)

    def end(self, sock, name):
        self.selector.unregister(sock)
        del self.open[sock], self.replies[sock]
        sock.close()
        self.counts["failed" if name == "-" else name] += 1

    def handle(self, sock, events):
        try:
            if events & selectors.EVENT_WRITE:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                self.selector.modify(sock, selectors.EVENT_READ)
                return
            data = sock.recv(65536)
            self.replies[sock] += data
            if self.args.udp or not data:
                self.end(sock, name_in(self.replies[sock]))
        except OSError:
            self.end(sock, "-")

    def give_up_on_silent(self):
        now = time.monotonic()
        while self.open and (oldest := next(iter(self.open.items())))[1] <= now:
            self.end(oldest[0], "-")

    def print_sum(self):
        counts, self.counts = self.counts, collections.Counter({name: 0 for name in self.counts})
        failed, late = counts.pop("failed", 0), counts.pop("late", 0)
        print(*listed(counts), f"failed={failed}", f"late={late}", flush=True)

    def run(self):
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            self.start_due()
            for key, events in self.selector.select(max(0, self.next - time.monotonic())):
                if key.fileobj is not sys.stdin:
                    self.handle(key.fileobj, events)
                elif sys.stdin.readline():
                    self.print_sum()
                else:
                    return
            self.give_up_on_silent()


def load(args):
    Load(args).run()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for function in (serve, serve_udp, ask, hold, load):
        sub = commands.add_parser(function.__name__.replace("_", "-"))
        sub.set_defaults(function=function)
        serving = function in (serve, serve_udp)
        amount = "rate" if function is load else "count"
        for argument in ("name", "address", "port") if serving else ("address", "port", amount):
            sub.add_argument(argument, type=int if argument in ("port", amount) else str)
        if not serving:
            sub.add_argument("--timeout", type=float, default=1)
        if function in (ask, load):
            sub.add_argument("--udp", action="store_true")
        if function in (ask, hold):
            sub.add_argument("--source-port", type=int, default=0, help="the first request's; the others count on")
        if function is ask:
            sub.add_argument("--names", default="", help="a,b: names to list in the sum even when they never answer")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
