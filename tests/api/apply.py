#!/usr/bin/env python3
"""`twobox apply` without a daemon: on trial, and held to a plan that was saved."""
import shutil
import signal
import subprocess
import tempfile

from testbed import PATIENCE, PROGRAM, check, document, enter_namespace, finish, has, read, twobox, wait_until, write


class Apply:
    """`twobox apply` in the foreground, with a pipe for a terminal."""

    def __init__(self, state, path, *more):
        self.process = subprocess.Popen([PROGRAM, "apply", path, "--state-dir", state, *more], stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def waits(self):
        """Until it asks to be confirmed."""
        for line in self.process.stderr:
            if "Enter keeps this" in line:
                return True
        return False

    def ends(self, word=None):
        if word is not None:
            self.process.stdin.write(word)
            self.process.stdin.flush()
        code = self.process.wait(timeout=30 * PATIENCE)
        return code, self.process.stderr.read()


def apply_on_trial(directory):
    state = directory + "/state"
    path = directory + "/next.json"

    def on_trial(octet, *more):
        write(path, document(octet))
        return Apply(state, path, "--confirm", *more)
    code, said = on_trial(10, "60s").ends()
    check("apply --confirm with nothing to go back to is refused, and changes nothing",
          code == 1 and "nothing to go back to" in said and not has(10), said)
    check("apply without it", twobox("apply", path, "--state-dir", state).returncode == 0 and has(10))
    trial = on_trial(11, "60s")
    check("apply --confirm applies at once", trial.waits() and has(11) and not has(10))
    other = twobox("apply", path, "--state-dir", state)
    check("nobody else applies meanwhile", other.returncode == 1 and "another twobox" in other.stderr, other.stderr)
    code, said = trial.ends("\n")
    check("Enter keeps it", code == 0 and has(11) and "confirmed" in said, said)
    trial = on_trial(12, "8s")
    check("not confirmed in time", trial.waits() and trial.ends()[0] == 1 and has(11) and not has(12))
    for name, number in (("a terminal that is gone (SIGHUP)", signal.SIGHUP), ("Ctrl-C", signal.SIGINT),
                         ("SIGTERM", signal.SIGTERM)):
        trial = on_trial(12, "60s")
        trial.waits()
        trial.process.send_signal(number)
        check(f"{name}: the document before", trial.ends()[0] == 1 and has(11) and not has(12))
    trial = on_trial(12, "60s")
    trial.waits()
    trial.process.stdin.close()
    check("the end of input: the document before", trial.ends()[0] == 1 and has(11) and not has(12))
    trial = on_trial(12, "60s")
    trial.waits()
    trial.process.kill()
    trial.process.wait()
    check("killed, what was tried stays", has(12))
    trial = on_trial(13, "60s")
    code = trial.waits()
    trial.process.send_signal(signal.SIGHUP)
    trial.ends()
    check("the next one on trial goes back to what was confirmed", code and has(11) and not has(12) and not has(13))
    trial = on_trial(12, "60s")
    trial.waits()
    trial.process.kill()
    trial.process.wait()
    write(path, document(11))
    said = twobox("apply", path, "--state-dir", state)
    check("the next apply says what was left, and is the new word",
          said.returncode == 0 and "was killed while it waited" in said.stderr and has(11) and not has(12), said.stderr)
    check("once", "was killed" not in twobox("apply", path, "--state-dir", state).stderr)
    trial = on_trial(12, "60s")
    trial.waits()
    trial.process.kill()
    trial.process.wait()
    log = directory + "/log"
    with open(log, "w", encoding="utf-8") as file:
        daemon = subprocess.Popen([PROGRAM, "run", "--document", path, "--state-dir", state, "--listen",
                                   f"unix:{directory}/api.sock"], stderr=file)
    check("a daemon started then says so and holds its own document",
          wait_until(lambda: "was killed while it waited" in read(log)) and wait_until(lambda: has(12)))
    daemon.terminate()
    daemon.wait()


def expected(directory):
    state, path, saved = directory + "/state", directory + "/next.json", directory + "/plan.json"
    write(path, document(20))
    write(saved, twobox("diff", path, "--state-dir", state, "-o", "json").stdout)

    def apply(*more):
        return twobox("apply", path, "--state-dir", state, "--expect", saved, *more)
    subprocess.run(["ip", "address", "add", "192.0.2.20/32", "dev", "eth0"], check=True)
    moved = apply()
    check("--expect: the kernel has moved: exit 1, a line for each change that differs, and nothing changed",
          moved.returncode == 1 and "not to be done now: create address eth0 192.0.2.20/32" in moved.stderr
          and "nothing was changed" in moved.stderr and len(moved.stderr.splitlines()) == 2 and has(12), moved.stderr)
    subprocess.run(["ip", "address", "del", "192.0.2.20/32", "dev", "eth0"], check=True)
    write(path, document(21))
    other = apply()
    check("--expect: another document, another plan", other.returncode == 1 and "not in the saved plan" in other.stderr
          and has(12) and not has(21), other.stderr)
    write(path, document(20))
    for name, text in (("no JSON", "{"), ("another program's JSON", '{"hello": 1}'), ("nothing", "")):
        whole = read(saved)
        write(saved, text)
        broken = apply()
        check(f"--expect: {name} is refused in one line", broken.returncode == 1
              and len(broken.stderr.splitlines()) == 1 and "no plan" in broken.stderr and has(12), broken.stderr)
        write(saved, whole)
    trial = Apply(state, path, "--expect", saved + ".missing", "--confirm", "60s")
    code, said = trial.ends()
    check("--expect: a file that is not there", code == 1 and "nothing was changed" in said and has(12), said)
    check("and no trial is left behind", "killed" not in twobox("apply", path, "--state-dir", state, "--expect",
                                                                saved + ".missing").stderr)
    good = apply()
    check("--expect: the same plan is carried out", good.returncode == 0 and has(20) and not has(12), good.stderr)
    twobox("cleanup", "--state-dir", state)


def main():
    enter_namespace()
    directory = tempfile.mkdtemp(prefix="twobox-api-")
    apply_on_trial(directory)
    expected(directory)
    shutil.rmtree(directory)
    finish()


if __name__ == "__main__":
    main()
