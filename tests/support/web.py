#!/usr/bin/python3
"""Clients that ask who is there; the servers that answer with their own name are those of tests/vm/web.cc.

web.py ask ADDRESS PORT COUNT         COUNT requests, a new connection each: who answered ("-" for nobody), then a sum
web.py hold ADDRESS PORT COUNT        open COUNT connections, wait for a line on stdin, then use each one
"""

import argparse
import collections
import socket
import sys


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for function in (ask, hold):
        sub = commands.add_parser(function.__name__)
        sub.set_defaults(function=function)
        for argument in ("address", "port", "count"):
            sub.add_argument(argument, type=str if argument == "address" else int)
        sub.add_argument("--timeout", type=float, default=1)
        sub.add_argument("--source-port", type=int, default=0, help="the first request's; the others count on")
        if function is ask:
            sub.add_argument("--udp", action="store_true")
            sub.add_argument("--names", default="", help="a,b: names to list in the sum even when they never answer")
    args = parser.parse_args()
    args.function(args)


if __name__ == "__main__":
    main()
