#!/usr/bin/python3
"""When did the VIP move, when did the bypass follow?

failover.py watch NODE VIP           a line for each change in this network namespace: TIME NODE vip-on|vip-off|
                                     bypass-on|bypass-off, as the kernel announces it
failover.py table NAME=LOG...        what became of the failovers in each log. Beside lines of `watch` it has, for each
                                     failover, "TIME flip NODE" and, behind its events, "TIME load a=.. b=.. failed=.. late=.."
"""

import dataclasses
import ipaddress
import re
import select
import socket
import statistics
import struct
import sys
import time

NETLINK_ROUTE, RTMGRP_IPV4_IFADDR = 0, 0x10
NETLINK_NETFILTER, NFNLGRP_NFTABLES = 12, 7
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
NFT = 10 << 8
ADDRESS_EVENTS = {20: "vip-on", 21: "vip-off"}
# A rule in the script's way, an element in twobox's.
BYPASS_EVENTS = {NFT | 6: "bypass-on", NFT | 8: "bypass-off", NFT | 12: "bypass-on", NFT | 14: "bypass-off"}


def messages(datagram):
    while len(datagram) >= 16:
        length, kind = struct.unpack_from("=IH", datagram)
        yield kind, datagram[16:length]
        datagram = datagram[(length + 3) & ~3:]


def events(datagram, vip):
    for kind, payload in messages(datagram):
        if kind in BYPASS_EVENTS:
            yield BYPASS_EVENTS[kind]
        # The address itself is somewhere in the attributes; four bytes that mean something else will not match it.
        elif kind in ADDRESS_EVENTS and vip in payload[8:]:
            yield ADDRESS_EVENTS[kind]


def watch(node, vip):
    vip = ipaddress.ip_address(vip).packed
    addresses = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    addresses.bind((0, RTMGRP_IPV4_IFADDR))
    rules = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    rules.bind((0, 0))
    rules.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTABLES)
    while True:
        for sock in select.select([addresses, rules], [], [])[0]:
            now = time.time()
            for event in events(sock.recv(65536), vip):
                print(f"{now:.6f} {node} {event}", flush=True)


@dataclasses.dataclass
class Failover:
    start: float
    promoted: str
    events: list = dataclasses.field(default_factory=list)  # (time, node, event)
    answered: int = 0
    failed: int = 0
    late: int = 0

    def moved(self):
        """When the VIP appeared on the new master; None if it never did."""
        return next((at for at, node, event in self.events if (node, event) == (self.promoted, "vip-on")), None)

    def behind(self, event, on_promoted):
        """Milliseconds by which the bypass came to rest behind the VIP; None if its last change was another."""
        changes = [(at, what) for at, node, what in self.events
                   if what.startswith("bypass") and (node == self.promoted) == on_promoted]
        if self.moved() is None or not changes or changes[-1][1] != event:
            return None
        return 1000 * (changes[-1][0] - self.moved())


def read(path):
    """The failovers of one log. Several programs write it, so its lines are put in order first."""
    failovers = []
    with open(path, encoding="ascii") as log:
        lines = sorted((line.split(maxsplit=2) for line in log), key=lambda line: float(line[0]))
    for at, who, what in lines:
        if who == "flip":
            failovers.append(Failover(float(at), what.strip()))
        elif who == "load" and failovers:
            counts = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", what)}
            failovers[-1].failed, failovers[-1].late = counts.pop("failed"), counts.pop("late")
            failovers[-1].answered = sum(counts.values())
        elif failovers:
            failovers[-1].events.append((float(at), who, what.strip()))
    return failovers


def spread(values):
    """Median, largest, and how many are missing."""
    known = [value for value in values if value is not None]
    if not known:
        return f"{'never':>16}"
    missing = f" ({len(values) - len(known)} never)" if len(known) < len(values) else ""
    return f"{statistics.median(known):7.0f} {max(known):8.0f}{missing}"


def table(*logs):
    print(f"{'':24}{'failovers':>10}  {'bypass on, demoted':>20}  {'bypass off, promoted':>20}  "
          f"{'requests':>9} {'lost':>6} {'each':>6} {'worst':>6} {'late':>5}")
    print(f"{'':24}{'':>10}  {'median ms      max':>20}  {'median ms      max':>20}")
    for name, path in (log.split("=", 1) for log in logs):
        failovers = read(path)
        failed = [failover.failed for failover in failovers]
        print(f"{name:24}{len(failovers):>10}  "
              f"{spread([failover.behind('bypass-on', False) for failover in failovers]):>20}  "
              f"{spread([failover.behind('bypass-off', True) for failover in failovers]):>20}  "
              f"{sum(failover.answered for failover in failovers) + sum(failed):>9} {sum(failed):>6} "
              f"{statistics.mean(failed):6.1f} {max(failed):>6} {sum(failover.late for failover in failovers):>5}")


if __name__ == "__main__":
    {"watch": watch, "table": table}[sys.argv[1]](*sys.argv[2:])
