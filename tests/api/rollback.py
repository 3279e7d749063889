#!/usr/bin/env python3
"""The way back: by hand to an earlier document, and by itself from one that does not converge."""
import glob
import os
import signal
import time

from testbed import (Daemon, addresses, check, document, enter_namespace, finish, has, impossible, kept, read, status,
                     told, twobox, wait_until, write)


def rollbacks(daemon):
    for octet in (90, 91, 92):
        daemon.put(document(octet), "?wait=5s")
    listed = daemon.curl("/v1/documents").json()["documents"]
    check("documents are listed, the one in force as number 0",
          [each["number"] for each in listed] == list(range(len(listed))) and len(listed) >= 3
          and listed[0]["in_force"] and listed[0]["converged"] and not listed[1]["in_force"], listed)
    api = ("--api", "unix:" + daemon.socket)
    back = twobox("rollback", *api)
    check("twobox rollback goes one back and exits 0", back.returncode == 0 and has(91) and not has(92), back.stderr)
    check("once more: forth again", twobox("rollback", *api).returncode == 0 and has(92) and not has(91))
    check("twobox rollback 2 goes two back", twobox("rollback", "2", *api).returncode == 0 and has(90) and not has(92))
    shown = twobox("rollback", "--list", *api)
    check("--list shows them", shown.returncode == 0 and len(shown.stdout.splitlines()) == len(listed)
          and shown.stdout.splitlines()[0].endswith("in force"), shown.stdout)
    stale = daemon.curl("/v1/rollback", "-X", "POST", "-H", f"If-Match: {listed[0]['etag']}")
    check("with a stale If-Match it is 412", stale.status == 412 and has(90), stale.status)
    far = twobox("rollback", "99", *api)
    check("further back than is kept: exit 1, in words", far.returncode == 1 and "99 back" in far.stderr, far.stderr)
    for octet in range(100, 113):
        daemon.put(document(octet), "?wait=5s")
    kept_now = daemon.curl("/v1/documents").json()["documents"]
    check("ten are kept", len(kept_now) == 10, len(kept_now))
    daemon.stop(signal.SIGKILL)
    daemon.start()
    wait_until(lambda: has(112))
    check("and after a restart still", daemon.curl("/v1/documents").json()["documents"][1:] == kept_now[1:])
    check("the record is for its owner alone", os.stat(glob.glob(daemon.path("state/documents.*.json"))[0]).st_mode & 0o777 == 0o600)


def not_converged(daemon):
    daemon.put(document(90), "?wait=5s")
    put = daemon.put(impossible(91), "?wait=500ms")
    check("what cannot converge stays, unless it says otherwise", put.status == 202)
    bad = impossible(92, if_not_converged="revert")
    put = daemon.put(bad, "?wait=500ms")
    began = time.monotonic()
    check("it is tried", put.status == 202 and kept(daemon) == "")
    check("then the last one that converged is in force", wait_until(lambda: kept(daemon) == "NotConverged", 20)
          and wait_until(lambda: has(90)) and daemon.curl("/v1/document").body.decode() == document(90))
    took = time.monotonic() - began
    check("after ten seconds, not at the first refusal", 9 < took < 15, took)
    reason = next(each for each in status(daemon)["conditions"] if each["type"] == "DocumentKept")["message"]
    check("the status says what was refused", "eth7" in reason, reason)
    check("the history says it, too", told(daemon)[-1] == "revert")
    check("and it is ready", daemon.curl("/readyz").status == 200)
    daemon.stop(signal.SIGKILL)
    daemon.start()
    check("it is not tried again after a restart", wait_until(lambda: has(90)) and kept(daemon) == "NotConverged")
    daemon.put(document(93), "?confirm=60s&wait=5s")
    daemon.put(bad, "?confirm=60s")
    check("on trial it goes back, before its time, to what needs no confirmation",
          wait_until(lambda: kept(daemon) == "NotConverged", 20) and wait_until(lambda: has(90) and not has(93)),
          addresses())


def nothing_before():
    daemon = Daemon()
    daemon.put(impossible(92, if_not_converged="revert"))
    check("without one that ever converged it stays, and that is said",
          wait_until(lambda: "there is none to go back to" in read(daemon.path("log")), 20)
          and daemon.curl("/v1/document").status == 200)
    daemon.close()


def file_alone():
    daemon = Daemon()
    path = daemon.path("document.json")
    daemon.stop()
    write(path, document(70))
    daemon.start("--document", path)
    wait_until(lambda: has(70))
    check("a file as source: rollback is 409", daemon.curl("/v1/rollback", "-X", "POST").status == 409)
    bad = impossible(71, if_not_converged="revert")
    write(path, bad)
    check("a file that does not converge: the last document is in force, the file is left alone",
          wait_until(lambda: kept(daemon) == "NotConverged", 20) and wait_until(lambda: has(70)) and read(path) == bad)
    daemon.stop(signal.SIGKILL)
    daemon.start("--document", path)
    check("nor is it tried after a restart", wait_until(lambda: has(70)) and kept(daemon) == "NotConverged"
          and daemon.curl("/readyz").status == 200)
    os.utime(path)
    time.sleep(0.5)
    check("nor when it is touched", kept(daemon) == "NotConverged")
    daemon.process.send_signal(signal.SIGHUP)
    check("a reload tries it again", wait_until(lambda: kept(daemon) == "") and not has(70))
    write(path, document(72))
    check("a new document is taken", wait_until(lambda: has(72)) and kept(daemon) == "")
    daemon.close()


def file_and_api():
    daemon = Daemon()
    path = daemon.path("document.json")
    daemon.stop()
    write(path, document(74))
    daemon.start("--document", path, "--allow-put")
    wait_until(lambda: has(74))
    daemon.put(impossible(75, if_not_converged="revert"))
    check("what was put and does not converge goes back in the file",
          wait_until(lambda: read(path) == document(74), 20) and kept(daemon) == "NotConverged")
    bad = impossible(76, if_not_converged="revert")
    write(path, bad)
    check("what was written by hand is left in the file", wait_until(lambda: told(daemon).count("revert") == 2, 20)
          and wait_until(lambda: has(74)) and read(path) == bad, told(daemon))
    daemon.close()


def main():
    enter_namespace()
    daemon = Daemon()
    rollbacks(daemon)
    not_converged(daemon)
    daemon.close()
    nothing_before()
    file_and_api()
    file_alone()
    finish()


if __name__ == "__main__":
    main()
