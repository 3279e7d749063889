#!/usr/bin/python3
"""gratuitous_arp.py INTERFACE ADDRESS: for each line on stdin tells the wire that the IPv4 address is here, five times,
as keepalived does when it has set it."""

import socket
import struct
import sys


def frame(mac, address):
    broadcast = b"\xff" * 6
    # ARP over Ethernet for IPv4, a request in which sender and target are the same.
    request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + address + broadcast + address
    return broadcast + mac + struct.pack("!H", 0x0806) + request


def main(interface, address):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((interface, 0))
        announcement = frame(wire.getsockname()[4], socket.inet_aton(address))
        for _ in sys.stdin:
            for _ in range(5):
                wire.send(announcement)


if __name__ == "__main__":
    main(*sys.argv[1:])
