"""What the benches of large tables and documents share."""
import http.client
import os
import socket

SERVERS = 10
VIP = "192.0.2.80"


def document(services, weight=1):
    """A document whose one VIP has TCP services of ports 1 to `services`, each with SERVERS real servers."""
    servers = [{"address": f"198.51.100.{i}", "weight": weight} for i in range(1, SERVERS + 1)]
    return {"version": 1,
            "nodes": {"a": {"addresses": ["192.0.2.1"], "macs": ["02:00:00:00:00:0a"]},
                      "b": {"addresses": ["192.0.2.2"], "macs": ["02:00:00:00:00:0b"]}},
            "vips": {"web": {"address": VIP, "interface": "eth0", "role": "backup", "bypass": "none",
                             "services": [{"protocol": "tcp", "port": port, "scheduler": "rr", "servers": servers}
                                          for port in range(1, services + 1)]}}}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def is_guest():
    return os.uname().nodename == "twobox-guest"


def keep_translations():
    """In the guest: every program is loaded at the same addresses each time. Otherwise the emulator translates its code
    anew for each start, which takes longer than running it, and no processor does that."""
    if is_guest():
        with open("/proc/sys/kernel/randomize_va_space", "w") as file:
            file.write("0")
