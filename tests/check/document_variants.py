"""Documents made from valid ones by one change at a time, on both sides of every border."""

import copy
import json
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[2]

WRONG_TYPES = [None, True, False, 0, 1, -1, 1.5, 2**64, "", "x", "1", [], {}, [1], {"x": 1}]
NAMES = ["a", "A", "9", "-a", ".a", "_a", "a-", "a.b_c-d", "a" * 63, "a" * 64, "", "a b", "é", "a\n",
         "a/b", "a~b"]
COUNTS = [0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, 2**32, -1]
PORTS = [0, 1, 80, 65535, 65536, 65616, -1]
SECONDS = [0, 1, 2147483, 2147484, 2678400, 2678401]
V4 = ["0.0.0.0", "0.0.0.1", "1.2.3.4", "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.1",
      "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.254",
      "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "1.2.3.4 ",
      " 1.2.3.4", "1.2.3.4\n", "1.2.3.4\x00", "0x1.2.3.4", "1..2.3", "1.2.3.1000", "١.2.3.4"]
V6 = ["::", "::0", "0::0", "0:0:0:0:0:0:0:0", "::0.0.0.0", "::1", "::0001", "0:0:0:0:0:0:0:1", "::0.0.0.1",
      "::2", "::10", "1::", "1::1", "2001:db8::1", "2001:DB8::1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::",
      "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
      "1::2::3", ":1", "1:", ":::", ":", "12345::", "g::", "1:2:3:4:5:6:1.2.3.4",
      "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5::1.2.3.4", "1:2:3:4:5:6::1.2.3.4", "1::6:1.2.3.4",
      "::5:1.2.3.4", "::1.2.3.4.5", "::01.2.3.4", "1.2.3.4::", "::ffff:1.2.3.4", "::ffff:1:2",
      "::FFFF:1:2", "0:0:0:0:0:ffff:1:2", "0:0:0:0:0:ffff::", "0:0:0:0:0:ffff:1::", "0:0:0:0:0:ffff::1",
      "::ffff:1:2:3", "::ffff:0:1.2.3.4", "0:0:0:0:0:0:ffff:1", "::ffff", "::ffff:1",
      "1::ffff:1:2", "ff00::", "ff02::1", "FF02::1", "ff2::1", "feff::1", "fe80::1", "FEBF::1", "fec0::1", "fe7f::1", "fe80::1%eth0", "fe8::1",
      "[::1]", "2001:db8::1 ", "2001:db8::1\n", "::/0"]
LENGTHS = ["/0", "/1", "/9", "/10", "/32", "/33", "/64", "/99", "/100", "/119", "/120", "/128", "/129",
           "/024", "/", "/-1", "/+1", "/1 ", "/1/1", "/ 1"]
MACS = ["00:00:00:00:00:00", "00-00-00-00-00-00", "00:00:00:00:00:01", "01:00:00:00:00:00",
        "02:00:00:00:00:00", "0F:aa:BB:cc:DD:ee", "0E-aa-BB-cc-DD-ee", "fe:ff:ff:ff:ff:ff",
        "ff:ff:ff:ff:ff:ff", "02:00:00:00:00", "02:00:00:00:00:00:00", "02:00-00:00:00:00",
        "0200.0000.0000", "020000000000", "2:0:0:0:0:0", "02:00:00:00:00:0g", "02:00:00:00:00:00\n",
        " 02:00:00:00:00:00", "+2:00:00:00:00:00"]
INTERFACES = ["lo", "lo0", "Lo", "all", "default", "all0", ".", "..", "...", "a", "a" * 15, "a" * 16, "",
              "a b", "a/b", "a:b", "a\n", "a\t", "\x01", "\x7f", "\x00", "eth0.100", "br+0", "ü0", "a@b"]
NETMASKS = [0, 1, 24, 32, 33, 64, 128, 129, "0.0.0.0", "128.0.0.0", "255.0.0.0", "255.255.255.0",
            "255.255.255.128", "255.255.255.252", "255.255.255.253", "255.255.255.255", "255.0.255.0",
            "255.255.0.1", "192.0.0.0", "191.0.0.0", "24", "/24", "255.255.255.0\n", "ffff::"]
SYSCTLS = ["net.a", "net", "net.", "net..a", "net.a.", "net./a", "net.//", "net.a/", "net.a//b", "net.a b",
           "net.é", "kernel.a", "xnet.a", "net/a", "net.a/../b", "net.-a", "net.a\n", "net." + "a" * 251,
           "net." + "a" * 252, "net.A_9-z.b"]
VALUES = ["0", "4096 87380", "a\tb", "", " ", "\t", " 1 ", "1\n", "1\x00", "1\x7f", "é", "~", "!",
          "a" * 255, "a" * 256]
INSTANCES = ["VI_1", "VI 1", "ü", "ü" * 255, "ü" * 256, "", 'a"b', "a\nb", "a\n", "a\x00", "a\x7f", "\\"]
FIFOS = ["/a", "/", "a", "", "//", "/a b", "/ü", "/a\n", "/a\x00", "/" + "a" * 4094, "/" + "a" * 4095]
FLAGS = ["flag-1", "flag-2", "flag-3", "sh-fallback", "sh-port", "mh-fallback", "mh-port"]
SCHEDULERS = ["rr", "wrr", "lc", "wlc", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh", "sed", "nq",
              "twos", "RR", "rr ", "xx"]
ROLES = ["master", "backup", "fault", "Master", {"master": "a"}, {"master": "c"}, {"master": "a b"},
         {"master": "a", "follow": "address"}, {"follow": "address"}, {"follow": "keepalived"},
         {"follow": "address", "instance": "x"}, {"follow": "nobody", "instance": "x", "fifo": "/x"},
         {"follow": "keepalived", "instance": "x", "fifo": "/x"}, {"instance": "x", "fifo": "/x"},
         {"follow": "keepalived", "instance": "x", "fifo": "/x", "master": "a"}]
MARKS = [1, 2**32 - 1, {"a": 1, "b": 1}, {"a": 1}, {"a": 1, "b": 0}, {"a": 1, "b": 2**32}, {},
         {"a": 1, "b": "2"}, {"a": 1, "b": 2, "c": 3}, {"": 1}]
SERVERS = [[], [{"node": "a"}], [{"node": "a b"}], [{"address": "10.9.9.9"}], [{}],
           [{"node": "a", "address": "10.9.9.9"}], [{"node": "a"}, {"node": "a"}], [{"weight": 1}]]
DURATIONS = ["0s", "1s", "01s", "9ms", "10ms", "99ms", "100ms", "1000ms", "1500ms", "60000ms", "60001ms", "60s", "61s",
             "1m", "2m", "60m", "61m", "1h", "2h", "24h", "25h", "1440m", "1441m", "3600s", "3601s", "3600000ms",
             "3600001ms", "86400s", "86401s", "86400000ms", "86401000ms", "1", "s", "", "1.5s", "-1s", "+1s", "1 s",
             " 1s", "1s ", "1s\n", "1S", "1d", "99999999999999999999s"]
CHECKS = [{"type": "tcp"}, {"type": "http"}, {"type": "https"}, {"type": "exec"}, {"type": "exec", "argv": ["/bin/true"]},
          {"type": "file"}, {"type": "file", "path": "/a"}, {"type": "icmp"}, {}, {"type": "tcp", "path": "/"},
          {"type": "http", "verify": True}, {"type": "https", "verify": True, "server_name": "a"},
          {"type": "file", "path": "/a", "timeout": "1s"}, {"type": "file", "path": "/a", "port": 1},
          {"type": "exec", "argv": ["/a"], "connect_timeout": "1s"}, {"type": "exec", "argv": ["/a"], "port": 1},
          {"type": "exec", "argv": ["/a"], "through_vip": True}, {"type": "tcp", "through_vip": True, "port": 1},
          {"type": "tcp", "timeout": "10ms"}, {"type": "tcp", "connect_timeout": "1m"},
          {"type": "tcp", "timeout": "10ms", "connect_timeout": "11ms"}]
ARGVS = [[], ["/a"], ["a"], ["/"], ["/a", ""], ["/a", "b"], ["/a", "b\n"], ["/a"] * 64, ["/a"] * 65, ["/a", 1], "/a"]
STATUSES = [[], [200], [99], [100], [599], [600], ["2xx"], ["0xx"], ["6xx"], ["2XX"], ["2xx\n"], ["200"], [200, "3xx"],
            ["200-299"], 200, "2xx"]

# What to put at a key, whatever object it stands in.
BY_KEY = {
    "version": [0, 1, 2, "1"], "id": [0, 1, 255, 256, -1], "ttl": [0, 1, 255, 256],
    "max_length": [0, 1, 65535, 65536], "port": PORTS, "weight": COUNTS, "upper_threshold": COUNTS,
    "lower_threshold": COUNTS, "persistence_timeout": SECONDS, "tcp": SECONDS, "tcp_fin": SECONDS,
    "udp": SECONDS, "mark": COUNTS + MARKS, "persistence_netmask": NETMASKS, "interface": INTERFACES,
    "instance": INSTANCES, "fifo": FIFOS, "scheduler": SCHEDULERS, "role": ROLES, "master": NAMES,
    "node": NAMES, "group": V4 + V6, "address": V4 + V6, "servers": SERVERS,
    "protocol": ["tcp", "udp", "sctp", "TCP", "icmp"], "prune": ["owned", "all", "none"],
    "if_not_converged": ["keep", "revert", "rollback"],
    "bypass": ["redirect", "mac-mark", "backup-only", "none", "mac_mark"],
    "forwarding": ["direct", "masquerade", "tunnel", "local"], "one_packet": [True, False],
    "follow": ["address", "keepalived", "x"],
    "check": CHECKS, "type": ["tcp", "http", "https", "exec", "file", "x"], "argv": ARGVS, "status": STATUSES,
    "interval": DURATIONS, "connect_timeout": DURATIONS, "timeout": DURATIONS, "drain": DURATIONS,
    "slow_start": DURATIONS, "rise": [0, 1, 1000, 1001], "fall": [0, 1, 1000, 1001], "jitter": [0, 100, 101],
    "quorum": [0, 1, 2, 3, 65535, 65536], "on_failure": ["remove", "weight-zero", "x"],
    "fallback": [server[0] for server in SERVERS if server], "through_vip": [True, False], "verify": [True, False],
    "path": FIFOS + ["/a?b=c", "/#", "/\"", "/" + "a" * 2047, "/" + "a" * 2048],
    "host": ["a", "a b", "a:1", "[::1]:80", "a/b", "ü", "a" * 255, "a" * 256, "a\n"],
    "server_name": ["a", "a:1", "a_b.c-d", "a" * 253, "a" * 254, "a\n"], "body": INSTANCES + ["ü" * 1024, "ü" * 1025],
    "user": ["_apt", "www-data", "-a", ".a", "a.b", "a@b", "a" * 32, "a" * 33, "a\n"],
    "scheduler_flags": [[], *([flag] for flag in FLAGS),
                        *([one, two] for one in FLAGS for two in FLAGS)],
}
# Keys that an object may also have, by a key that it does have.
MAY_HAVE = {
    "protocol": ["scheduler", "scheduler_flags", "persistence_timeout", "persistence_netmask",
                 "one_packet", "mark", "servers", "check", "on_failure", "quorum", "fallback", "slow_start",
                 "drain"],
    "version": ["sync", "timeouts", "sysctls", "prune", "if_not_converged"],
    "node": ["port", "weight", "forwarding", "upper_threshold", "lower_threshold", "address", "drain"],
    "macs": ["drain"],
    "type": ["interval", "rise", "fall", "jitter", "port", "through_vip", "connect_timeout", "timeout", "path", "host",
             "status", "body", "server_name", "verify", "argv", "user"],
}


def places(value, path=()):
    """Every path of the document with its value, the whole document first."""
    yield path, value
    children = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for key, child in children:
        yield from places(child, path + (key,))


def changed(document, path, change):
    """A copy in which `change` was applied to the container and key at the end of the path."""
    document = copy.deepcopy(document)
    container = document
    for key in path[:-1]:
        container = container[key]
    change(container, path[-1])
    return document


def replaced(document, path, value):
    def put(container, key):
        container[key] = value
    return changed(document, path, put)


def renamed(document, path, name):
    def rename(container, key):
        container[name] = container.pop(key)
    return changed(document, path, rename)


def special_values(path):
    """Values on both sides of the border of what this place takes."""
    key = path[-1]
    if len(path) > 1 and path[-2] == "addresses":
        return V4 + V6
    if len(path) > 1 and path[-2] == "macs":
        return MACS
    if path[0] == "sysctls":
        return VALUES
    if key == "address" and len(path) == 3:
        return V4 + V6 + [each + length for each in ("10.1.2.3", "2001:db8::3") for length in LENGTHS]
    return BY_KEY.get(key, [])


def near_misses(text, chance):
    """The text with one character put in, taken out or replaced."""
    at = chance.randrange(len(text) + 1)
    put_in = chance.choice(list("aZ09fF.:-/_~ \"\\%é") + ["\n", "\t", "\x00", "\x7f", "::"])
    return [text[:at] + put_in + text[at:], text[:at] + text[at + 1:], text[:at] + put_in + text[at + 1:]]


def variants_at(document, path, value, chance):
    for other in special_values(path) + chance.sample(WRONG_TYPES, 5):
        yield replaced(document, path, other)
    yield changed(document, path, lambda container, key: container.pop(key))
    if isinstance(value, str):
        for other in near_misses(value, chance):
            yield replaced(document, path, other)
    if isinstance(value, dict):
        yield replaced(document, path, {**value, "unknown": 1})
        for key, optional in MAY_HAVE.items():
            for name in optional if key in value else []:
                for other in BY_KEY.get(name, []):
                    yield replaced(document, path, {**value, name: other})
    if isinstance(value, list) and value:
        yield replaced(document, path, value + value[:1])
    if path in {("nodes", "a"), ("vips", "web")}:
        for name in NAMES:
            yield renamed(document, path, name)
    if path[0] == "sysctls" and len(path) == 2:
        for name in SYSCTLS:
            yield renamed(document, path, name)


def with_nodes(document, count):
    return {**document, "nodes": {
        f"n{i}": {"addresses": [f"10.7.0.{i + 1}"], "macs": [f"02:00:00:00:00:{i:02x}"]}
        for i in range(count)}}


def random_addresses(chance, count):
    """Texts made of an address's pieces: about half are addresses."""
    pieces = ["0", "1", "ffff", "FFFF", "fe80", "ff02", "2001", "00db", "12345"]
    for _ in range(count):
        groups = [chance.choice(pieces) for _ in range(chance.randrange(9))]
        if groups and chance.random() < 0.3:
            groups[-1] = chance.choice(["1.2.3.4", "0.0.0.1", "0.0.0.0", "255.1.1.1", "1.2.3"])
        if chance.random() < 0.8:
            groups.insert(chance.randrange(len(groups) + 1), "")
        text = ":".join(groups)
        if groups and groups[0] == "" and chance.random() < 0.9:
            text = ":" + text
        if groups and groups[-1] == "" and chance.random() < 0.9:
            text += ":"
        yield text


def corpus():
    chance = random.Random(20260101)
    files = sorted((ROOT / "schema/examples").glob("*.json"))
    files += sorted((ROOT / "tests/support/documents").glob("*.json"))
    bases = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    yield from bases
    for base in bases:
        for path, value in places(base):
            if path:
                yield from variants_at(base, path, value, chance)
    for other in WRONG_TYPES:
        yield other
    for count in (0, 1, 2, 16, 17):
        yield with_nodes({**bases[0], "vips": {}}, count)
    every_field = bases[-1]
    for text in random_addresses(chance, 500):
        yield replaced(every_field, ("nodes", "a", "addresses", 1), text)
        yield replaced(every_field, ("vips", "dns", "address"), text)
        yield replaced(every_field, ("sync", "group"), text)
    variants = list(variants_at(bases[0], ("vips", "web"), bases[0]["vips"]["web"], chance))
    for variant in variants:  # two faults at once
        yield {**variant, "prune": "none"}
