#!/usr/bin/python3
"""Large IPVS tables: twobox beside ipvsadm and beside a raw netlink program, on one kernel in one run.

scale.py BUILD [SERVICES [TIMES [SECONDS]]]   BUILD: the build folder; SERVICES (default 1000) have 10 real servers each;
                                              medians of TIMES (default 5), with the smallest and the largest, in
                                              milliseconds; the daemon idles for SECONDS (default 60)

To be run in the guest (tests/run bench). Each table is built in a network namespace of its own: real servers that were
flushed slow every later addition down for two minutes.
"""
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from bench import SERVERS, VIP, UnixConnection, document, keep_translations


def run(*command, node=None, **options):
    prefix = ["ip", "netns", "exec", node] if node else []
    return subprocess.run(prefix + list(command), check=True, **options)


def timed(*command, node=None, **options):
    begin = time.perf_counter()
    run(*command, node=node, stdout=subprocess.DEVNULL, **options)
    return 1000 * (time.perf_counter() - begin)


class Row:
    def __init__(self, name, took):
        self.name, self.took = name, took
        self.median = statistics.median(took)

    def text(self, against):
        ratios = ", ".join(f"{self.median / other.median:.2f} x {other.name}" for other in against)
        return (f"{self.name:44} {self.median:9.1f} ({min(self.took):.1f} to {max(self.took):.1f})"
                + (f"   {ratios}" if ratios else ""))


def show(row, *against):
    print(row.text(against), flush=True)
    return row


class Nodes:
    """Network namespaces, one at a time: services of all of them share one hash table (ip_vs_ctl.c, ip_vs_svc_table),
    so that what is left of others slows the next one down."""

    def __init__(self):
        self.count, self.name = 0, None

    def new(self):
        self.end()
        self.name = name = f"bench-{self.count}"
        self.count += 1
        run("ip", "netns", "add", name)
        wire = f"""link set lo up
link add eth0 address 02:00:00:00:00:0b type veth peer name peer0
address add 192.0.2.2/24 dev eth0
link set eth0 up
link set peer0 up
"""
        run("ip", "-n", name, "-batch", "-", input=wire.encode())
        return name

    def end(self):
        if self.name:
            run("ipvsadm", "-C", node=self.name)  # returns when it is done, other than the end of a namespace
            run("ip", "netns", "delete", self.name)
            self.name = None


def ipvsadm_rules(services):
    lines = []
    for port in range(1, services + 1):
        lines.append(f"-A -t {VIP}:{port} -s rr")
        lines += [f"-a -t {VIP}:{port} -r 198.51.100.{i}:{port} -g -w 1" for i in range(1, SERVERS + 1)]
    return ("\n".join(lines) + "\n").encode()


class Daemon:
    """`twobox run` of a document in a network namespace; ended with the `with` block."""

    def __init__(self, twobox, node, document, state):
        self.socket = f"{state}.sock"
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", node, twobox, "run", "--document", document, "--large", "--state-dir", state,
             "--listen", f"unix:{self.socket}"], stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def last_pass(self):
        """None until there is one. Asked without starting a program, so that no short pass is missed."""
        try:
            connection = UnixConnection(self.socket)
            connection.request("GET", "/v1/status")
            return json.loads(connection.getresponse().read())["last_pass"]
        except OSError:
            return None

    def pass_other_than(self, before):
        end = time.monotonic() + 120
        while time.monotonic() < end:
            last = self.last_pass()
            if last and (not before or last["at"] != before["at"]):
                return last
            time.sleep(0.01)
        raise SystemExit("the daemon made no pass")

    def pass_after(self, cause):
        """The duration of the pass that `cause` brings about, in milliseconds."""
        before = self.last_pass()
        cause()
        return self.pass_other_than(before)["duration_ms"]


class Bench:
    def __init__(self, build, services, times, idle_seconds, folder):
        self.twobox, self.raw = f"{build}/twobox", f"{build}/tests/raw_ipvs"
        self.services, self.times, self.idle_seconds, self.folder = services, times, idle_seconds, folder
        self.nodes = Nodes()
        self.path = f"{folder}/twobox.json"
        with open(self.path, "w") as file:
            json.dump(document(services), file)

    def repeat(self, measure):
        return [measure(i) for i in range(self.times)]

    def state(self, i):
        return f"{self.folder}/state-{i}"

    def last_state(self):
        """Of the table that was left: the last that apply has built."""
        return self.state(self.times - 1)

    def write_raw(self):
        return timed(self.raw, "write", VIP, str(self.services), str(SERVERS), node=self.nodes.new())

    def restore(self):
        return timed("ipvsadm", "-R", node=self.nodes.new(), input=ipvsadm_rules(self.services))

    def apply(self, i):
        node = self.nodes.new()
        return timed(self.twobox, "apply", self.path, "--large", "--state-dir", self.state(i), node=node)

    def first_pass(self, i):
        """Of a daemon that has found nothing of its document in the kernel."""
        with Daemon(self.twobox, self.nodes.new(), self.path, self.state(f"daemon-{i}")) as daemon:
            first = daemon.pass_other_than(None)
            if first["changes"] != self.services * (SERVERS + 1):
                raise SystemExit(f"the first pass was missed: {first}")
            return first["duration_ms"]

    def start(self):
        """What every command pays before it has come to the kernel."""
        show(Row("twobox --version", self.repeat(lambda i: timed(self.twobox, "--version"))))
        show(Row("twobox validate", self.repeat(lambda i: timed(self.twobox, "validate", self.path, "--large"))))

    def build(self):
        """In turn, so that whatever goes on beside this, or is left of the table before, slows all down alike."""
        ways = {"raw writer": lambda i: self.write_raw(), "ipvsadm -R": lambda i: self.restore(),
                "daemon: a pass that builds, and verifies": self.first_pass,
                "twobox apply, which also verifies": self.apply}
        if self.services < 100:  # such a pass has been followed by another before anybody can ask for it
            del ways["daemon: a pass that builds, and verifies"]
        took = [[way(i) for way in ways.values()] for i in range(self.times)]
        raw, admin, *ours = [Row(name, list(times)) for name, times in zip(ways, zip(*took))]
        show(raw)
        show(admin, raw)
        for row in ours:
            show(row, raw, admin)
        self.node = self.nodes.name

    def read(self):
        node = self.node
        raw = show(Row("raw dumps", self.repeat(lambda i: timed(self.raw, "read", node=node))))
        admin = show(Row("ipvsadm -Ln", self.repeat(lambda i: timed("ipvsadm", "-Ln", node=node))), raw)
        show(Row("reading /proc/net/ip_vs", self.repeat(lambda i: timed("cat", "/proc/net/ip_vs", node=node))), raw)
        show(Row("twobox diff, nothing to do", self.repeat(
            lambda i: timed(self.twobox, "diff", self.path, "--large", "--state-dir", self.last_state(), node=node))), raw, admin)
        return raw, admin

    def daemon(self, raw, admin):
        with Daemon(self.twobox, self.node, self.path, self.last_state()) as daemon:
            daemon.pass_other_than(None)
            time.sleep(2)
            cold = show(Row("daemon: a pass that reads everything", self.repeat(
                lambda i: daemon.pass_after(lambda: daemon.process.send_signal(signal.SIGHUP)))), raw, admin)
            show(Row("daemon: a pass after an event of nftables", self.repeat(
                lambda i: daemon.pass_after(self.disturb_nftables))), raw, cold, admin)
            show(Row("daemon: one weight of another hand undone", self.repeat(
                lambda i: daemon.pass_after(lambda: run(self.raw, "edit", VIP, "1", "7", node=self.node)))), cold)
            self.idle(daemon.process.pid, self.idle_seconds)

    def disturb_nftables(self):
        run("nft", "add table inet twobox; delete table inet twobox", node=self.node)

    def idle(self, pid, seconds):
        def reading():
            fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
            status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
            switches = sum(int(dict(line.split(":", 1) for line in open(f"/proc/{pid}/task/{task}/status"))
                               ["voluntary_ctxt_switches"]) for task in os.listdir(f"/proc/{pid}/task"))
            return int(fields[11]) + int(fields[12]), switches, int(status["VmRSS"].split()[0])
        before = reading()
        time.sleep(seconds)
        after = reading()
        ticks = os.sysconf("SC_CLK_TCK")
        print(f"daemon, idle for {seconds} s: {(after[0] - before[0]) / ticks:.2f} s of CPU, "
              f"{(after[1] - before[1]) * 60 / seconds:.0f} wakeups a minute, {after[2] / 1024:.1f} MiB resident",
              flush=True)

    def end(self):
        self.nodes.end()


def main():
    build = sys.argv[1]
    services = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    times = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    idle_seconds = int(sys.argv[4]) if len(sys.argv) > 4 else 60
    print(f"# {services} services x {SERVERS} real servers, median (smallest to largest) of {times}, in ms; "
          f"Linux {os.uname().release}", flush=True)
    keep_translations()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(build, services, times, idle_seconds, folder)
        try:
            bench.start()
            bench.build()
            bench.daemon(*bench.read())
        finally:
            bench.end()


if __name__ == "__main__":
    main()
