"""A daemon in a network namespace of its own, and how to call it: by curl, and by bare sockets."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("TWOBOX_PROGRAM", "build/release/twobox")
TCP_PORT = 8080

# Built with a sanitizer, which takes several times the time and memory; see tests/run.
INSTRUMENTED = os.environ.get("TWOBOX_INSTRUMENTED") == "yes"
PATIENCE = 6 if INSTRUMENTED else 1

passed = 0
failed = 0
skipped = 0


def check(description, holds, found=""):
    """Counts one check and says how it went."""
    global passed, failed
    if holds:
        passed += 1
        print(f"ok - {description}", flush=True)
    else:
        failed += 1
        print(f"not ok - {description}" + (f": {found}" if found != "" else ""), flush=True)


def check_limit(description, holds, found=""):
    """A limit of time or memory, which only the daemon as it is shipped is held to."""
    global skipped
    if INSTRUMENTED and not holds:
        skipped += 1
        print(f"skipped - {description}: the sanitizer takes its share: {found}", flush=True)
    else:
        check(description, holds, found)


def look_for_report(said):
    """g++'s UndefinedBehaviorSanitizer writes nowhere else when it stands beside AddressSanitizer."""
    if INSTRUMENTED and ": runtime error: " in said:
        check("no undefined behaviour", False, said)


def finish():
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 0)


def enter_namespace():
    """Runs this program again in a namespace with a wire; nothing outside sees its traffic."""
    if os.environ.get("TWOBOX_API_NAMESPACE") == "1":
        return
    if os.geteuid() != 0:
        print("SKIPPED: a network namespace needs root", file=sys.stderr)
        sys.exit(77)
    wire = ("ip link set lo up && ip link add eth0 type veth peer name peer0 && "
            "ip link set eth0 address 02:00:00:00:00:0a && ip address add 192.0.2.1/24 dev eth0 && "
            "ip link set eth0 up && ip link set peer0 up && exec \"$@\"")
    os.environ["TWOBOX_API_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "sh", "-ec", wire, "sh", sys.executable] + sys.argv)


def document(last_octet=80, **vip):
    """A document of this machine, node a, whose VIP is 192.0.2.<last_octet>."""
    return json.dumps({
        "version": 1,
        "nodes": {"a": {"addresses": ["192.0.2.1"], "macs": ["02:00:00:00:00:0a"]},
                  "b": {"addresses": ["192.0.2.2"], "macs": ["02:00:00:00:00:0b"]}},
        "vips": {"web": {"address": f"192.0.2.{last_octet}", "interface": "eth0",
                         "role": {"master": "a"}, "bypass": "none", "services": []} | vip}})


def impossible(octet, **top):
    """A document whose VIP is on an interface that is not there."""
    return json.dumps(json.loads(document(octet, interface="eth7")) | top)


def addresses():
    return subprocess.run(["ip", "-brief", "address", "show", "dev", "eth0"], check=True,
                          capture_output=True, text=True).stdout


def has(octet):
    return f"192.0.2.{octet}/32" in addresses()


def wait_until(holds, seconds=10.0):
    end = time.monotonic() + seconds * PATIENCE
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def twobox(*arguments, **more):
    run = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60 * PATIENCE, check=False,
                         **more)
    look_for_report(run.stderr)
    return run


class Answer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head, _, self.body = self.body.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0] else 0
        self.header = {name.lower(): value.strip()
                       for name, _, value in (line.partition(":") for line in lines[1:])}

    def json(self):
        return json.loads(self.body)


class Daemon:
    """`twobox run` with a state directory that stays until close()."""

    def __init__(self, *arguments):
        self.directory = tempfile.mkdtemp(prefix="twobox-api-")
        self.socket = self.directory + "/api.sock"
        self.arguments = arguments
        self.process = None
        self.start()

    def path(self, name):
        return f"{self.directory}/{name}"

    def start(self, *more):
        self.log = open(self.path("log"), "a", encoding="utf-8")
        self.process = subprocess.Popen(
            [PROGRAM, "run", "--state-dir", self.path("state"), "--listen", "unix:" + self.socket,
             "--listen", f"127.0.0.1:{TCP_PORT}", *self.arguments, *more], stderr=self.log)
        for _ in range(200 * PATIENCE):
            try:
                self.connect().close()  # what a killed daemon left behind takes no connection
                return
            except OSError:
                time.sleep(0.05)
        self.stop(signal.SIGKILL)
        raise RuntimeError("the daemon does not start: " + open(self.path("log")).read())

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait()
        look_for_report(read(self.path("log")))

    def close(self):
        self.stop()
        shutil.rmtree(self.directory)

    def resident_kib(self, field="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field))

    def curl(self, target, *arguments, over="unix", data=None):
        """One call by curl over the unix socket or TCP."""
        where = ["--unix-socket", self.socket] if over == "unix" else []
        base = "http://localhost" if over == "unix" else f"http://127.0.0.1:{TCP_PORT}"
        body = [] if data is None else ["--data-binary", "@-"]
        run = subprocess.run(["curl", "-sS", "-i", "--max-time", "70", *where, *arguments, *body,
                              base + target], input=(data or "").encode(), capture_output=True,
                             check=False)
        return Answer(run.stdout)

    def put(self, text, query="", *arguments, over="unix", method="PUT"):
        return self.curl("/v1/document" + query, "-X", method, "-H",
                         "Content-Type: application/json", *arguments, over=over, data=text)

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.socket)
        return client

    def raw(self, text, timeout=5):
        """What comes back for these bytes until the daemon closes."""
        with self.connect() as client:
            client.settimeout(timeout)
            try:
                client.sendall(text if isinstance(text, bytes) else text.encode())
            except OSError:
                pass  # refused before all was sent
            return Answer(read_all(client))


def read_all(client):
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except OSError:
        pass
    return data


def status(daemon):
    return daemon.curl("/v1/status").json()


def kept(daemon):
    """The condition DocumentKept: its reason, "" without it."""
    found = [each for each in status(daemon)["conditions"] if each["type"] == "DocumentKept"]
    return found[0]["reason"] if found else ""


def told(daemon):
    """What the history says of documents, oldest first."""
    return [entry["action"] for entry in daemon.curl("/v1/history").json()["entries"] if entry["kind"] == "document"]
