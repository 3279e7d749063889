#!/usr/bin/python3
"""Large documents, and many: documents.py TWOBOX [RATE [SECONDS]], in the guest or on any machine with IPVS (tests/run bench).

How long it takes to validate a document, and to validate and plan it against a kernel that has none of it, as the document
grows to 10 MB: what a megabyte costs should not change. And RATE (default 1,000) documents a second posted for SECONDS
(default 5), each different: how many passes the daemon makes of them, what memory it takes, and whether the last one holds.
"""
import concurrent.futures
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from bench import UnixConnection, document

TIMES = 5


def timed(*command):
    begin = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    return 1000 * (time.perf_counter() - begin)


def growth(twobox, folder):
    first = {}
    for services in (2500, 5000, 12500, 25000):
        path = f"{folder}/large.json"
        with open(path, "w") as file:
            json.dump(document(services), file)
        size = os.path.getsize(path) / 1e6
        for what, command in (("validate", ("validate", path, "--large")),
                              ("validate and plan", ("diff", path, "--large", "--node", "b", "--state-dir", folder))):
            took = [timed(twobox, *command) for _ in range(TIMES)]
            each = statistics.median(took) / size
            first.setdefault(what, each)
            print(f"{what:18} {size:5.1f} MB: {statistics.median(took):8.1f} ms ({min(took):.1f} to {max(took):.1f}), "
                  f"{each:6.1f} ms a MB, {each / first[what]:.2f} x the smallest's", flush=True)


def call(path, method, target, body=None):
    connection = UnixConnection(path)
    connection.request(method, target, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, text


def resident(pid):
    return int(dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))["VmRSS"].split()[0]) / 1024


def passes(api):
    text = call(api, "GET", "/metrics")[1].decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("twobox_reconcile_total"))


def posted(twobox, folder, rate, seconds):
    api = f"{folder}/api.sock"
    daemon = subprocess.Popen([twobox, "run", "--node", "b", "--state-dir", f"{folder}/state", "--listen", f"unix:{api}"],
                              stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(api):
            time.sleep(0.05)
        call(api, "PUT", "/v1/document", json.dumps(document(1)))
        before, passes_before = resident(daemon.pid), passes(api)
        bodies = [json.dumps(document(1, weight=1 + i)) for i in range(rate * seconds)]
        begin = time.monotonic()
        outcomes = {}
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            def post(i):
                time.sleep(max(0, begin + i / rate - time.monotonic()))
                return call(api, "PUT", "/v1/document", bodies[i])[0]
            for status in clients.map(post, range(len(bodies))):
                outcomes[status] = outcomes.get(status, 0) + 1
        took = time.monotonic() - begin
        last = json.dumps(document(1, weight=7))
        status, _ = call(api, "PUT", "/v1/document?wait=10s", last)
        in_force = json.loads(call(api, "GET", "/v1/document")[1])
        holds = status == 200 and in_force == json.loads(last)
        print(f"{len(bodies)} documents posted at {rate} a second, taken in {took:.1f} s, answers {outcomes}: "
              f"{passes(api) - passes_before:.0f} passes, {before:.1f} MiB resident before and {resident(daemon.pid):.1f} "
              f"after; the last one {'is in force and converged' if holds else f'is not in force: {status}'}", flush=True)
        return holds
    finally:
        daemon.terminate()
        daemon.wait()


def main():
    twobox = sys.argv[1]
    rate = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    subprocess.run(["ip", "link", "add", "eth0", "type", "dummy"], check=False, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        growth(twobox, folder)
        raise SystemExit(0 if posted(twobox, folder, rate, seconds) else 1)


if __name__ == "__main__":
    main()
