#!/usr/bin/env python3
"""Each call and status of the API, by curl over the unix socket and TCP, against a live daemon."""
import json
import os
import signal
import subprocess
import threading

from testbed import (PROGRAM, Daemon, addresses, check, document, enter_namespace, finish)


def problem(answer, status):
    return (answer.status == status and answer.header["content-type"] == "application/problem+json"
            and answer.json()["status"] == status and answer.json()["detail"] != "")


def views(daemon, over):
    for target in ("/v1/status", "/healthz", "/v1/openapi.json"):
        answer = daemon.curl(target, over=over)
        check(f"{over}: GET {target} is 200 and JSON", answer.status == 200 and answer.json(), answer.status)
    schema = daemon.curl("/v1/schema", over=over)
    printed = subprocess.run([PROGRAM, "schema"], capture_output=True, check=True).stdout
    check(f"{over}: the schema is the one that is printed", schema.body == printed)
    head = daemon.curl("/v1/status", "-I", over=over)
    check(f"{over}: HEAD has no body", head.status == 200 and head.body == b"", head.status)
    check(f"{over}: an unknown call is 404", problem(daemon.curl("/v1/nothing", over=over), 404))
    refused = daemon.curl("/v1/document", "-X", "DELETE", over=over)
    check(f"{over}: an unknown method is 405 and says which are known",
          problem(refused, 405) and refused.header["allow"] == "GET, HEAD, POST, PUT", refused.status)
    check(f"{over}: an unknown parameter is 400",
          problem(daemon.curl("/v1/status?dryrun=true", over=over), 400))


def before_the_first_document(daemon, over):
    check(f"{over}: no document yet is 404", problem(daemon.curl("/v1/document", over=over), 404))
    check(f"{over}: no diff yet is 503", problem(daemon.curl("/v1/diff", over=over), 503))
    check(f"{over}: not ready is 503", daemon.curl("/readyz", over=over).status == 503)
    check(f"{over}: If-Match without a document is 412",
          problem(daemon.put(document(), "", "-H", "If-Match: *", over=over), 412))


def refusals(daemon, over):
    etag = daemon.curl("/v1/document", over=over).header["etag"]
    bad = daemon.put('{"version": 2, "nodes": 7, "color": 1}', over=over)
    check(f"{over}: an invalid document is 400 with every fault",
          problem(bad, 400) and len(bad.json()["errors"]) >= 3
          and all(set(fault) == {"pointer", "detail"} for fault in bad.json()["errors"]), bad.body)
    check(f"{over}: no JSON is 400", problem(daemon.put("{", over=over), 400))
    foreign = document().replace("02:00:00:00:00:0a", "02:00:00:00:00:0c").replace("192.0.2.1\"", "192.0.2.9\"")
    check(f"{over}: a document of other machines is 400", problem(daemon.put(foreign, over=over), 400))
    for query in ("?dry_run=yes", "?dry_run", "?wait=10", "?wait=2m", "?dryrun=true", "?wait=1s&wait=2s"):
        check(f"{over}: {query} is 400", problem(daemon.put(document(99), query, over=over), 400))
    check(f"{over}: a stale If-Match is 412 and tells the ETag",
          (stale := daemon.put(document(99), "", "-H", 'If-Match: "x"', over=over)).status == 412
          and stale.header["etag"] == etag)
    check(f"{over}: a dry run honours it, too",
          daemon.put(document(99), "?dry_run=true", "-H", 'If-Match: "x"', over=over).status == 412)
    plain = daemon.curl("/v1/document", "-X", "PUT", "-H", "Content-Type: text/plain", over=over, data=document())
    check(f"{over}: another Content-Type is 415", problem(plain, 415))
    packed = daemon.put(document(), "", "-H", "Content-Encoding: gzip", over=over)
    check(f"{over}: a Content-Encoding is 415", problem(packed, 415))
    large = daemon.put(" " * (1 << 20) + document(), over=over)
    check(f"{over}: more than 1 MiB is 413", problem(large, 413), large.status)
    check(f"{over}: nothing of that came into force",
          daemon.curl("/v1/document", over=over).header["etag"] == etag)


def documents(daemon, over, octet):
    preview = daemon.put(document(octet), "?dry_run=true", over=over)
    check(f"{over}: a dry run shows the difference and changes nothing",
          preview.status == 200 and not preview.json()["in_sync"]
          and any(f"192.0.2.{octet}" in change["key"] for change in preview.json()["changes"])
          and f"192.0.2.{octet}" not in addresses(), preview.body)
    put = daemon.put(document(octet), "?wait=10s", over=over)
    at_that_moment = addresses()
    check(f"{over}: PUT with wait is 200 when the kernel is as asked",
          put.status == 200 and put.json()["converged"] and f"192.0.2.{octet}/32" in at_that_moment, put.body)
    got = daemon.curl("/v1/document", over=over)
    check(f"{over}: GET gives the very text, with the ETag that PUT told",
          got.body.decode() == document(octet) and got.header["etag"] == put.header["etag"])
    known = daemon.curl("/v1/document", "-H", f"If-None-Match: {got.header['etag']}", over=over)
    check(f"{over}: it is 304 for who has it", known.status == 304 and known.body == b"")
    again = daemon.put(document(octet + 1), "?wait=10s", "-H", f"If-Match: {got.header['etag']}", over=over,
                       method="POST")
    check(f"{over}: POST with the right If-Match is taken", again.status == 200, again.body)
    diff = daemon.curl("/v1/diff", over=over)
    check(f"{over}: then nothing differs", diff.status == 200 and diff.json()["in_sync"], diff.body)
    text = daemon.curl("/v1/diff", "-H", "Accept: text/plain", over=over)
    check(f"{over}: the same as text", text.body == b"0 to create, 0 to update, 0 to delete\n", text.body)
    check(f"{over}: ready is 200", daemon.curl("/readyz", over=over).status == 200)


def what_is_seen(daemon, over, octet):
    """After documents(): the address was created because a document asked for it."""
    history = daemon.curl("/v1/history", over=over).json()
    made = [entry for entry in history["entries"] if entry["action"] == "create" and f"192.0.2.{octet}" in entry["key"]]
    check(f"{over}: the history has the change, its cause and its time",
          made and made[-1]["cause"] == "document" and made[-1]["duration_ms"] >= 0 and made[-1]["error"] is None,
          history["entries"][-2:])
    traffic = daemon.curl("/v1/traffic", over=over)
    path = traffic.json().get("vips", {}).get("web", {}).get("path", [])
    check(f"{over}: the traffic has the VIP's packet path", traffic.status == 200 and path
          and path[0]["step"] == "arp" and path[0]["state"] == "active", traffic.body)
    metrics = daemon.curl("/metrics", over=over)
    check(f"{over}: metrics are text for Prometheus", metrics.header["content-type"].startswith("text/plain; version=0.0.4")
          and b"\ntwobox_in_sync 1\n" in metrics.body, metrics.body[:200])
    page = daemon.curl("/", over=over)
    check(f"{over}: the page is packed, and its policy lets nothing in from elsewhere",
          page.status == 200 and page.header["content-encoding"] == "gzip"
          and "default-src 'none'" in page.header["content-security-policy"], page.header)
    events = subprocess.run(["curl", "-sN", "--max-time", "3", "--unix-socket", daemon.socket,
                             "http://localhost/v1/events"], capture_output=True, check=False).stdout
    check(f"{over}: events tell status and traffic", events.startswith(b"event: status\ndata: {")
          and events.count(b"event: traffic\n") >= 2, events[:100])


def roles(daemon, over):
    def put(body, vip="web"):
        return daemon.curl(f"/v1/vips/{vip}/role", "-X", "PUT", "-H", "Content-Type: application/json",
                           over=over, data=body)
    answer = put('{"role": "backup"}')
    check(f"{over}: a role by hand", answer.status == 200 and answer.json()["role"] == "backup", answer.body)
    check(f"{over}: the address went with it", "192.0.2.8" not in addresses(), addresses())
    check(f"{over}: and comes back", put('{"role": "document"}').json()["role"] == "master"
          and "192.0.2.8" in addresses())
    check(f"{over}: no such role is 400", problem(put('{"role": "boss"}'), 400))
    check(f"{over}: no such VIP is 404", problem(put('{"role": "backup"}', "mail"), 404))


def drains(daemon, over):
    def put(name, body):
        return daemon.curl(f"/v1/drains/{name}", "-X", "PUT", "-H", "Content-Type: application/json", over=over,
                           data=body)

    def end(name):
        return daemon.curl(f"/v1/drains/{name}", "-X", "DELETE", over=over)
    begun = put("b", '{"deadline": "5m"}')
    check(f"{over}: a node is told to drain", begun.status == 200
          and begun.json() == {"b": {"deadline": "300s"}}, begun.body)
    listed = daemon.curl("/v1/drains", over=over)
    check(f"{over}: which is listed", listed.status == 200 and listed.json() == begun.json(), listed.body)
    check(f"{over}: and in the status", daemon.curl("/v1/status", over=over).json()["drains"] == begun.json())
    ended = end("b")
    check(f"{over}: a drain is ended", ended.status == 200 and ended.json() == {}, ended.body)
    check(f"{over}: what does not drain can't be ended", problem(end("b"), 404))
    check(f"{over}: no such node or server is 404", problem(put("c", "{}"), 404)
          and problem(put("192.0.2.99:80", "{}"), 404))
    check(f"{over}: no such deadline is 400", problem(put("b", '{"deadline": "soon"}'), 400))


def what_cannot_converge(daemon):
    absent = json.loads(document(90, interface="eth7"))
    put = daemon.put(json.dumps(absent), "?wait=500ms")
    check("what cannot converge is 202 after the wait", put.status == 202 and not put.json()["converged"], put.body)
    check("the next document is taken all the same", daemon.put(document(80), "?wait=10s").status == 200)


def restart(daemon):
    etag = daemon.curl("/v1/document").header["etag"]
    daemon.stop(signal.SIGKILL)
    daemon.start()
    check("the document outlives kill -9, under the same ETag",
          daemon.curl("/v1/document").header.get("etag") == etag)
    check("the status shows the source", daemon.curl("/v1/status").json()["source"] == "api")


def file_is_the_source():
    directory = Daemon()
    path = directory.path("document.json")
    directory.stop()
    with open(path, "w", encoding="utf-8") as file:
        file.write(document(70))
    os.chmod(path, 0o640)
    directory.start("--document", path)
    refused = directory.put(document(71), "?wait=5s")
    check("a file as source: PUT is 409", problem(refused, 409), refused.body)
    check("a dry run is not", directory.put(document(71), "?dry_run=true").status == 200)
    check("and says so in the status", directory.curl("/v1/status").json()["source"] == "file")
    directory.stop()
    directory.start("--document", path, "--allow-put")
    taken = directory.put(document(72), "?wait=10s")
    check("--allow-put: PUT is taken", taken.status == 200 and "192.0.2.72" in addresses(), taken.body)
    with open(path, encoding="utf-8") as file:
        check("it stands in the file, whose mode is kept",
              file.read() == document(72) and os.stat(path).st_mode & 0o777 == 0o640)
    with open(path, "w", encoding="utf-8") as file:
        file.write(document(73))
    stale = directory.put(document(74), "", "-H", f"If-Match: {taken.header['etag']}")
    check("what an editor wrote a moment before is not overwritten by who did not see it",
          stale.status == 412, stale.body)
    directory.close()


def many_writers(daemon):
    """Each success saw the document it replaces, so the documents alternate and the sum is exact."""
    texts = [document(61), document(62)]
    daemon.put(texts[0], "?wait=5s")
    before = daemon.curl("/v1/status").json()["generation"]
    left = [1000]
    refused, late = [0], [0]
    lock = threading.Lock()

    def write():
        import http.client
        import socket

        def call(method, body=None, headers=None):
            connection = http.client.HTTPConnection("localhost")
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(daemon.socket)
            connection.request(method, "/v1/document", body, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer, text

        while True:
            with lock:
                if left[0] == 0:
                    return
                left[0] -= 1
            while True:
                answer, text = call("GET")
                other = texts[1] if text == texts[0] else texts[0]
                answer, _ = call("PUT", other, {"Content-Type": "application/json",
                                                "If-Match": answer.headers["ETag"]})
                if answer.status in (200, 202):
                    break
                with lock:
                    (late if answer.status == 503 else refused)[0] += 1

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    final = daemon.put(daemon.curl("/v1/document").body.decode(), "?wait=10s")
    status = daemon.curl("/v1/status").json()
    taken = status["generation"] - before
    print(f"# 1000 PUTs of 8 clients; {refused[0]} more met 412, {late[0]} found the daemon busy")
    # Who found it busy gave up waiting; the daemon may still come to that call.
    check("1,000 PUTs of 8 clients with If-Match: none is lost",
          1000 <= taken <= 1000 + late[0], taken)
    check("and the last one is in force", final.status == 200
          and ("192.0.2.61/32" in addresses()) != ("192.0.2.62/32" in addresses()), addresses())


def command_line(daemon):
    def twobox(*arguments):
        return subprocess.run([PROGRAM, *arguments, "--api", "unix:" + daemon.socket], capture_output=True,
                              text=True, check=False)
    path = daemon.path("next.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(document(50))
    preview = twobox("put", path, "--dry-run")
    check("twobox put --dry-run shows and exits 2", preview.returncode == 2 and "192.0.2.50" in preview.stdout
          and "192.0.2.50" not in addresses(), preview.stdout + preview.stderr)
    put = twobox("put", path)
    check("twobox put waits and exits 0", put.returncode == 0 and "192.0.2.50" in addresses(), put.stderr)
    check("-o json", json.loads(twobox("put", path, "-o", "json").stdout)["converged"] is True)
    check("twobox diff asks the daemon", (diff := twobox("diff")).returncode == 0
          and diff.stdout.endswith("0 to delete\n"), diff.stderr)
    check("-o json", json.loads(twobox("diff", "-o", "json").stdout)["in_sync"] is True)
    with open(path, "w", encoding="utf-8") as file:
        file.write("{}")
    bad = twobox("put", path)
    check("each fault on a line of its own, exit 1", bad.returncode == 1 and len(bad.stderr.splitlines()) > 2,
          bad.stderr)


def main():
    enter_namespace()
    daemon = Daemon()
    for over in ("unix", "tcp"):
        before_the_first_document(daemon, over)
    for over, octet in (("unix", 80), ("tcp", 82)):
        views(daemon, over)
        documents(daemon, over, octet)
        what_is_seen(daemon, over, octet)
        refusals(daemon, over)
        roles(daemon, over)
        drains(daemon, over)
    what_cannot_converge(daemon)
    command_line(daemon)
    many_writers(daemon)
    restart(daemon)
    daemon.close()
    file_is_the_source()
    finish()


if __name__ == "__main__":
    main()
