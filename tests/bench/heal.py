#!/usr/bin/python3
"""How long the kernel stays wrong: from the moment a sabotage returns until what it broke is there again.

heal.py PROGRAM [TIMES]   runs the daemon in a network namespace of its own and prints, for each kind of sabotage, the
                          median and the maximum in milliseconds of TIMES (default 50). IPVS only where this kernel has
                          it; there also how long the bypass takes to follow the VIP, beside a notify script that does
                          nothing else.

All of it twice: as it is, and while the processors are kept from going to sleep, since what waking one takes is the
machine's. In the guest only as it is: an emulated processor that spins takes the emulator its time away.

Sabotage and looking go by system calls of this process, so that no start of a program is measured.
"""
import contextlib
import json
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

from bench import VIP, is_guest, keep_translations

MAIL, FLIP = "192.0.2.25", "192.0.2.90"
SYSCTL = "/proc/sys/net/ipv4/conf/eth0/arp_notify"
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 1, 4, 0x300, 2, 3
RTM_NEWADDR, RTM_DELADDR = 20, 21
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
NFT = 10 << 8
GET_ELEMENTS = 13
IPVS_FLUSH, IPVS_EDIT_SERVER = 1152 + 5, 1152 + 9  # IP_VS_SO_SET_*
PATIENCE = 20


def enter_namespace():
    if os.environ.get("TWOBOX_BENCH_NAMESPACE") == "1":
        return
    wire = ("ip link set lo up && ip link add eth0 type veth peer name peer0 && ip link set eth0 address "
            "02:00:00:00:00:0a && ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up && ip link set peer0 up && "
            "exec \"$@\"")
    os.environ["TWOBOX_BENCH_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "sh", "-ec", wire, "sh", sys.executable] + sys.argv)


def message(kind, flags, payload):
    return struct.pack("=IHHII", 16 + len(payload), kind, flags | NLM_F_REQUEST, 1, 0) + payload


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


class Netlink:
    def __init__(self, protocol):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
        self.socket.bind((0, 0))

    def ask(self, data):
        self.socket.send(data)
        answer = self.socket.recv(65536)
        kind = struct.unpack_from("=H", answer, 4)[0]
        error = struct.unpack_from("=i", answer, 16)[0] if kind == NLMSG_ERROR else 0
        if error:
            raise OSError(-error, os.strerror(-error))
        return answer[16:]

    def dump(self, data):
        self.socket.send(data)
        parts = []
        while True:
            parts.append(self.socket.recv(65536))
            # The end stands alone behind few messages, or last behind many.
            if any(struct.unpack_from("=H", parts[-1], at)[0] in (NLMSG_DONE, NLMSG_ERROR)
                   for at in (4, max(4, len(parts[-1]) - 16))):
                return b"".join(parts)


def set_up_firewall():
    """A chain at each hook, as a firewall has them. The first chain at a hook makes the kernel change its own code, the last
    one to go changes it back (net/netfilter/core.c, nf_static_key_inc): 0.8 ms that only a machine without any pays."""
    chains = "".join(f"add chain inet firewall {hook} {{ type filter hook {hook} priority 0; }}\n"
                     for hook in ("prerouting", "input", "forward", "output", "postrouting"))
    subprocess.run(["nft", "-f", "-"], input=b"add table inet firewall\n" + chains.encode(), check=True)


class Box:
    """The daemon's machine, as whoever sabotages it sees it."""

    def __init__(self):
        self.route = Netlink(NETLINK_ROUTE)
        self.netfilter = Netlink(NETLINK_NETFILTER)
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def nft_generation(self):
        payload = self.netfilter.ask(message(NFT | 16, 0, struct.pack("=BBH", 0, 0, 0)))
        return struct.unpack_from(">I", payload, 8)[0]

    def delete_table(self):
        # One change deletes the table, the next makes it again.
        self.generation = self.nft_generation() + 2
        inet = struct.pack("=BBH", 1, 0, 0)
        mark = struct.pack(">BBH", 0, 0, 10)
        self.netfilter.ask(message(16, 0, mark) +
                           message(NFT | 2, NLM_F_ACK, inet + attribute(1, b"twobox\0")) + message(17, 0, mark))

    def table_is_back(self):
        return self.nft_generation() >= self.generation

    def change_address(self, kind, address):
        index = socket.if_nametoindex("eth0")
        vip = socket.inet_aton(address)
        self.route.ask(message(kind, NLM_F_ACK, struct.pack("=BBBBI", socket.AF_INET, 32, 0, 0, index) +
                               attribute(1, vip) + attribute(2, vip)))

    def delete_address(self):
        self.change_address(RTM_DELADDR, MAIL)

    def becomes_backup(self):
        self.change_address(RTM_DELADDR, FLIP)

    def becomes_master(self):
        self.change_address(RTM_NEWADDR, FLIP)

    def is_redirected(self):
        elements = self.netfilter.dump(message(NFT | GET_ELEMENTS, NLM_F_DUMP, struct.pack("=BBH", 1, 0, 0) +
                                               attribute(1, b"twobox\0") + attribute(2, b"redirect-ipv4\0")))
        return socket.inet_aton(FLIP) in elements

    def is_not_redirected(self):
        return not self.is_redirected()

    def address_is_back(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((MAIL, 0))
            except OSError:
                return False
        return True

    def write_sysctl(self):
        with open(SYSCTL, "w") as file:
            file.write("0")

    def sysctl_is_back(self):
        with open(SYSCTL) as file:
            return file.read() == "1\n"

    def flush_ipvs(self):
        self.raw.setsockopt(socket.IPPROTO_IP, IPVS_FLUSH, b"")

    def edit_weight(self):
        service = struct.pack("@H2xI2s2xI16sIII", socket.IPPROTO_TCP, int.from_bytes(socket.inet_aton(VIP), "little"),
                              struct.pack(">H", 80), 0, b"rr", 0, 0, 0xffffffff)
        server = struct.pack("@I2s2xIiII", int.from_bytes(socket.inet_aton("192.0.2.1"), "little"),
                             struct.pack(">H", 80), 3, 7, 0, 0)
        self.raw.setsockopt(socket.IPPROTO_IP, IPVS_EDIT_SERVER, service + server)

    def ipvs_table(self):
        with open("/proc/net/ip_vs") as file:
            return file.read()

    def ipvs_is_back(self):
        return self.ipvs_table() == self.before


def document():
    server = [{"node": "a"}, {"node": "b"}]
    vip = {"interface": "eth0", "bypass": "redirect",
           "services": [{"protocol": "tcp", "port": 80, "scheduler": "rr", "servers": server}]}
    return {"version": 1,
            "nodes": {"a": {"addresses": ["192.0.2.1"], "macs": ["02:00:00:00:00:0a"]},
                      "b": {"addresses": ["192.0.2.2"], "macs": ["02:00:00:00:00:0b"]}},
            "vips": {"web": vip | {"address": VIP, "role": "backup"},
                     "flip": vip | {"address": FLIP, "role": {"follow": "address"}},
                     "mail": vip | {"address": MAIL, "role": "master", "bypass": "none",
                                    "services": []}},
            "sysctls": {"net.ipv4.conf.eth0.arp_notify": "1"}}


def milliseconds(cause, is_done):
    # A pass each 100 ms is what storms get (reconciler/schedule.h); this is to be none.
    time.sleep(0.1)
    cause()
    begin = time.perf_counter()
    while not is_done():
        if time.perf_counter() - begin > PATIENCE:
            raise SystemExit(f"not done within {PATIENCE} s: {cause.__name__}")
    return 1000 * (time.perf_counter() - begin)


class Awake:
    """Keeps the processors from going to sleep while it lasts: a process on each spins whenever nobody else wants to run,
    and gives way at once (SCHED_IDLE)."""

    def __enter__(self):
        self.spinners = [self.spin_on(processor) for processor in os.sched_getaffinity(0)]

    @staticmethod
    def spin_on(processor):
        pid = os.fork()
        if pid:
            return pid
        os.sched_setaffinity(0, {processor})
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while os.getppid() != 1:
            for _ in range(1000000):
                pass
        os._exit(0)

    def __exit__(self, *_):
        for pid in self.spinners:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


class Sleeper:
    """A process that sleeps until it hears a word, and answers it: what waking alone takes here."""

    def __init__(self):
        (word, self.word), (self.answer, answer) = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            while os.read(word, 1) != b"x":
                os.write(answer, b"!")
            os._exit(0)
        os.set_blocking(self.answer, False)

    def call(self):
        os.write(self.word, b"?")

    def has_answered(self):
        try:
            return os.read(self.answer, 1) == b"!"
        except BlockingIOError:
            return False

    def end(self):
        os.write(self.word, b"x")
        os.waitpid(self.pid, 0)


def show_what_waking_takes(times):
    sleeper = Sleeper()
    show("(a sleeping process answers)", [milliseconds(sleeper.call, sleeper.has_answered) for _ in range(times)])
    sleeper.end()


def show(name, took, against=None):
    ratio = f", {statistics.median(against) / statistics.median(took):5.1f} x faster than the script" if against else ""
    print(f"{name:32} {statistics.median(took):7.2f} ms (median of {len(took)}), {max(took):7.2f} max{ratio}", flush=True)


# As those that are passed around do it: a rule for each protocol, unless there is one; or as long as there is one.
IS_THERE = f"iptables -t nat -n -L PREROUTING | grep -qwF {VIP}"
RULES = "for protocol in tcp udp; do iptables -t nat {} PREROUTING -d " + VIP + " -p $protocol -j REDIRECT; done"
SCRIPT_ON = f"{IS_THERE} || {RULES.format('-A')}"
SCRIPT_OFF = f"while {IS_THERE}; do {RULES.format('-D')}; done"


def script_takes(script):
    begin = time.perf_counter()
    subprocess.run(["sh", "-c", script], check=True)
    return 1000 * (time.perf_counter() - begin)


def flip_often(box, times):
    """What a VIP that comes or goes brings about, until the bypass is right; and the same by the old way's script,
    which keepalived starts."""
    off, on, script_off, script_on = [], [], [], []
    for _ in range(times):
        off.append(milliseconds(box.becomes_master, box.is_not_redirected))
        on.append(milliseconds(box.becomes_backup, box.is_redirected))
        script_on.append(script_takes(SCRIPT_ON))
        script_off.append(script_takes(SCRIPT_OFF))
    show("VIP gone: bypass on", on, script_on)
    show("VIP here: bypass off", off, script_off)


def main():
    enter_namespace()
    keep_translations()
    program, times = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    set_up_firewall()
    box = Box()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "twobox.json")
        wanted = document()
        subprocess.run(["modprobe", "--quiet", "ip_vs"], stderr=subprocess.DEVNULL, check=False)
        has_ipvs = os.path.exists("/proc/net/ip_vs")
        if not has_ipvs:
            wanted["vips"]["web"]["services"] = []
            wanted["vips"]["web"]["bypass"] = "mac-mark"  # whose rules stand without a service
            del wanted["vips"]["flip"]
        with open(path, "w") as file:
            json.dump(wanted, file)
        api = f"unix:{folder}/api.sock"
        daemon = subprocess.Popen([program, "run", "--document", path, "--state-dir", folder + "/state", "--listen", api],
                                  stderr=open(folder + "/log", "w"))
        try:
            while subprocess.run([program, "status", "--api", api], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL).returncode != 0:
                time.sleep(0.2)
                if daemon.poll() is not None:
                    raise SystemExit(open(folder + "/log").read())
            time.sleep(1)
            rows = [("nft delete table", box.delete_table, box.table_is_back),
                    ("address deleted", box.delete_address, box.address_is_back),
                    ("sysctl written", box.write_sysctl, box.sysctl_is_back)]
            if has_ipvs:
                box.before = box.ipvs_table()
                rows += [("ipvs flushed", box.flush_ipvs, box.ipvs_is_back),
                         ("ipvs weight edited", box.edit_weight, box.ipvs_is_back)]
            conditions = [("as it is", contextlib.nullcontext())]
            if not is_guest():
                conditions.append(("processors kept awake", Awake()))
            for way, condition in conditions:
                print(f"# {way}; Linux {os.uname().release}", flush=True)
                with condition:
                    show_what_waking_takes(times)
                    for name, sabotage, is_back in rows:
                        show(name + ": healed", [milliseconds(sabotage, is_back) for _ in range(times)])
                    if has_ipvs:
                        flip_often(box, times)
        finally:
            daemon.terminate()
            daemon.wait()


if __name__ == "__main__":
    main()
