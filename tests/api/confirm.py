#!/usr/bin/env python3
"""Documents on trial: confirmed in time or not, the daemon killed meanwhile, the file edited meanwhile."""
import glob
import json
import os
import signal
import subprocess
import time

from testbed import (PATIENCE, Daemon, addresses, check, document, enter_namespace, finish, has, kept, read, status, told,
                     twobox, wait_until, write)


def record_path(daemon):
    return glob.glob(daemon.path("state/documents.*.json"))[0]


def edit_record(daemon, change):
    with open(record_path(daemon), encoding="utf-8") as file:
        record = json.load(file)
    change(record)
    with open(record_path(daemon), "w", encoding="utf-8") as file:
        json.dump(record, file)


def confirm(daemon, *arguments):
    return daemon.curl("/v1/confirm", "-X", "POST", *arguments)


def calls(daemon):
    """Before there is a document."""
    begin = time.monotonic()
    check("nothing to confirm is 409", confirm(daemon).status == 409)
    check("a call without a body is not waited for to have one", time.monotonic() - begin < 5, time.monotonic() - begin)
    check("nothing to go back to is 404", daemon.curl("/v1/rollback", "-X", "POST").status == 404)
    none = daemon.put(document(80), "?confirm=60s")
    check("a first document has nothing to go back to: 409, and it is not in force",
          none.status == 409 and daemon.curl("/v1/document").status == 404, none.body)
    check("without confirm it is taken", daemon.put(document(80), "?wait=10s").status == 200 and has(80))
    for query in ("?confirm=0s", "?confirm=25h", "?confirm=60", "?confirm=", "?confirm=60s&dry_run=true"):
        check(f"PUT {query} is 400", daemon.put(document(81), query).status == 400)
    for query in ("?number=0", "?number=x", "?number=1x", "?number=-1", "?wait=2m"):
        check(f"rollback {query} is 400", daemon.curl("/v1/rollback" + query, "-X", "POST").status == 400)
    check("nothing of that came into force", has(80) and not has(81))


def confirmed_in_time(daemon):
    put = daemon.put(document(81), "?confirm=10s&wait=5s")
    check("on trial it is in force at once, and the answer says until when",
          put.status == 200 and put.json()["confirm_until"] and has(81) and not has(80), put.body)
    waits = status(daemon)["confirmation"]
    check("the status says who waits, until when, and what it goes back to",
          waits and waits["document"] == put.header["etag"] and waits["until"] == put.json()["confirm_until"]
          and waits["reverts_to"] != waits["document"] and kept(daemon) == "AwaitsConfirmation", waits)
    check("a confirmation of another document is 412", confirm(daemon, "-H", 'If-Match: "x"').status == 412)
    done = confirm(daemon, "-H", f"If-Match: {put.header['etag']}")
    check("of this one it is taken", done.status == 200 and done.json()["etag"] == put.header["etag"], done.body)
    check("nothing waits any more", status(daemon)["confirmation"] is None and kept(daemon) == "")
    time.sleep(10.5)
    check("and it stays beyond the deadline", has(81) and not has(80), addresses())
    check("the history says both", told(daemon)[-2:] == ["await", "confirm"], told(daemon))


def not_confirmed(daemon):
    before = daemon.curl("/v1/document").body
    etag = daemon.put(document(82), "?confirm=1s&wait=5s").header["etag"]
    check("not confirmed: the document before is in force by itself", wait_until(lambda: has(81) and not has(82)))
    check("the API has its text", daemon.curl("/v1/document").body == before)
    check("the status says why", kept(daemon) == "NotConfirmed" and status(daemon)["confirmation"] is None)
    check("so does the history", told(daemon)[-1] == "revert", told(daemon))
    late = confirm(daemon)
    check("a confirmation that comes late is 409 and hears what happened",
          late.status == 409 and etag.strip('"') in late.json()["detail"], late.body)
    check("the log has it", "was not confirmed by" in read(daemon.path("log")))
    check("the next document ends that", daemon.put(document(81), "?wait=5s").status == 200 and kept(daemon) == "")


def one_after_another(daemon):
    daemon.put(document(83), "?confirm=60s&wait=5s")
    first = status(daemon)["confirmation"]
    daemon.put(document(84), "?confirm=2s&wait=5s")
    second = status(daemon)["confirmation"]
    check("a second trial has its own deadline and goes back to the same document",
          second["reverts_to"] == first["reverts_to"] and second["until"] < first["until"]
          and second["since"] == first["since"], (first, second))
    check("which it does", wait_until(lambda: has(81) and not has(83) and not has(84)), addresses())
    daemon.put(document(83), "?confirm=2s&wait=5s")
    daemon.put(document(84), "?wait=5s")
    check("a document that is put to stay ends the trial", status(daemon)["confirmation"] is None)
    time.sleep(2.5)
    check("and stays", has(84) and not has(81), addresses())
    daemon.put(document(85), "?confirm=2s&wait=5s")
    daemon.put(document(84), "?confirm=60s&wait=5s")
    check("the document before, put again, needs no confirmation", status(daemon)["confirmation"] is None and has(84))


def killed(daemon):
    daemon.put(document(85), f"?confirm={4 * PATIENCE}s&wait=5s")
    until = status(daemon)["confirmation"]["until"]
    daemon.stop(signal.SIGKILL)
    daemon.start()
    check("killed and started before the deadline: it waits on, until the same moment",
          (status(daemon)["confirmation"] or {}).get("until") == until and wait_until(lambda: has(85)),
          status(daemon)["confirmation"])
    check("and goes back then", wait_until(lambda: has(84) and not has(85)))
    daemon.put(document(85), "?confirm=1s&wait=5s")
    daemon.stop(signal.SIGKILL)
    subprocess.run(["ip", "address", "del", "192.0.2.85/32", "dev", "eth0"], check=True)
    time.sleep(1.5)
    sequence = json.loads(read(glob.glob(daemon.path("state/history.*.jsonl"))[0]).splitlines()[-1])["sequence"]
    daemon.start()
    check("killed, and started after the deadline: it has gone back", wait_until(lambda: has(84) and not has(85)))
    since = [entry for entry in daemon.curl("/v1/history").json()["entries"] if entry["sequence"] > sequence]
    check("before the first pass: what waited was not brought about again",
          since and not any("192.0.2.85" in entry["key"] and entry["action"] == "create" for entry in since), since)
    check("and says so", kept(daemon) == "NotConfirmed" and told(daemon)[-1] == "revert")


def another_boot(daemon):
    daemon.put(document(85), "?confirm=1h&wait=5s")
    daemon.stop(signal.SIGKILL)
    edit_record(daemon, lambda record: record["trial"].update(boot_id="of an earlier boot"))
    daemon.start()
    check("after a boot it goes back at once", wait_until(lambda: has(84) and not has(85)))
    daemon.put(document(85), "?confirm=1h&wait=5s")
    daemon.stop(signal.SIGKILL)
    edit_record(daemon, lambda record: record["trial"].update(until="1999-01-01T00:00:00.000Z"))
    daemon.start()
    time.sleep(0.5)
    check("what the clock on the wall says does not count", has(85) and status(daemon)["confirmation"])
    check("and confirmed it stays", confirm(daemon).status == 200 and told(daemon)[-1] == "confirm")


def killed_between_writes(daemon):
    """The files as a kill between any two writes leaves them; in force is 85."""
    path = daemon.path("state/document.json")
    before = read(path)
    daemon.put(document(86), "?confirm=1h&wait=5s")
    on_trial = read(path)
    daemon.put(document(87), "?confirm=1h&wait=5s")

    def found(text, description, octet, waits):
        daemon.stop(signal.SIGKILL)
        write(path, text)
        daemon.start()
        good = wait_until(lambda: has(octet) and sum(has(each) for each in (85, 86, 87, 88)) == 1)
        check(description, good and (status(daemon)["confirmation"] is not None) == waits,
              (addresses(), status(daemon)["confirmation"]))
    found(on_trial, "killed before a second document on trial was written: the first is on trial still", 86, True)
    found(document(88), "killed after a document to stay was written: it stays", 88, False)
    daemon.put(before, "?wait=5s")
    daemon.put(document(86), "?confirm=1h&wait=5s")
    found(before, "killed before the document on trial was written, or while going back: the one before", 85, False)
    daemon.stop(signal.SIGKILL)
    write(record_path(daemon), '{"format": 1, "conv')
    daemon.start()
    check("a damaged record is said, and the document is held all the same",
          wait_until(lambda: has(85)) and "the record of documents is damaged" in read(daemon.path("log")))


def command_line(daemon):
    api = ("--api", "unix:" + daemon.socket)
    path = daemon.path("next.json")
    daemon.put(document(50), "?wait=5s")
    write(path, document(51))
    put = twobox("put", path, "--confirm", "60s", *api)
    check("twobox put --confirm says until when", put.returncode == 0 and "unless `twobox confirm`" in put.stdout
          and has(51), put.stdout + put.stderr)
    shown = twobox("status", *api)
    check("twobox status shows that it waits", "DocumentKept: False" in shown.stdout, shown.stdout)
    check("twobox confirm", twobox("confirm", *api).returncode == 0 and status(daemon)["confirmation"] is None)
    again = twobox("confirm", *api)
    check("nothing to confirm: exit 1, one line", again.returncode == 1 and len(again.stderr.splitlines()) == 1,
          again.stderr)
    history = twobox("history", *api).stdout
    check("twobox history shows both", ": await document " in history and ": confirm document " in history)
    check("a wrong time is a usage error", twobox("put", path, "--confirm", "soon", *api).returncode == 64
          and twobox("apply", path, "--confirm", "0s").returncode == 64)
    check("so is --confirm with --dry-run", twobox("put", path, "--confirm", "9s", "--dry-run", *api).returncode == 64)


def file_and_api():
    daemon = Daemon()
    path = daemon.path("document.json")
    daemon.stop()
    write(path, document(70))
    os.chmod(path, 0o640)
    daemon.start("--document", path, "--allow-put")
    wait_until(lambda: has(70))
    daemon.put(document(71), "?confirm=1s&wait=5s")
    check("a document on trial is in the file", read(path) == document(71) and has(71))
    check("and goes back in the file, too", wait_until(lambda: has(70) and not has(71)) and read(path) == document(70)
          and os.stat(path).st_mode & 0o777 == 0o640)
    write(path, document(71))
    check("what went back and is written by hand is a new word", wait_until(lambda: has(71)) and kept(daemon) == "")
    daemon.put(document(72), "?confirm=2s&wait=5s")
    write(path, document(73))
    check("an edit in between is the new word", wait_until(lambda: has(73) and not has(72)) and
          status(daemon)["confirmation"] is None and told(daemon)[-1] == "overrule", told(daemon))
    time.sleep(2.5)
    check("which no deadline takes back", has(73) and read(path) == document(73))
    daemon.put(document(72), "?confirm=2s&wait=5s")
    write(path, "{ half an edit")
    check("one that is no document is left alone: the document before is in force",
          wait_until(lambda: has(73) and not has(72)) and read(path) == "{ half an edit" and
          kept(daemon) == "NotConfirmed")
    write(path, document(73))
    daemon.put(document(72), "?confirm=1s&wait=5s")
    daemon.stop(signal.SIGKILL)
    write(path, document(74))
    time.sleep(1.2)
    daemon.start("--document", path, "--allow-put")
    check("an edit while the daemon was dead is the new word, too",
          wait_until(lambda: has(74)) and read(path) == document(74) and told(daemon)[-1] == "overrule", told(daemon))
    for octet in (75, 76):
        daemon.put(document(octet), "?confirm=1h&wait=5s")
    daemon.stop(signal.SIGKILL)
    write(path, document(75))
    edit_record(daemon, lambda record: record["trial"].update(boot_id="of an earlier boot"))
    daemon.start("--document", path, "--allow-put")
    check("killed before a second document on trial was written, and overdue: the first goes back in the file, too",
          wait_until(lambda: has(74) and not has(75)) and read(path) == document(74), read(path))
    daemon.close()


def main():
    enter_namespace()
    daemon = Daemon()
    for part in (calls, confirmed_in_time, not_confirmed, one_after_another, killed, another_boot,
                 killed_between_writes, command_line):
        part(daemon)
    daemon.close()
    file_and_api()
    finish()


if __name__ == "__main__":
    main()
