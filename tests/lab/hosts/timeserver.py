"""A time server for the lab, a stand-in: `python timeserver.py ADDRESS OFFSET_FILE`, on port 123.

It answers as RFC 5905 (section 7.3) has it, as one that has a clock of its own, with the time of this machine and the
offset in seconds that the file holds at that moment.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from pathlib import Path

_PORT = 123
_SINCE_1900 = 2_208_988_800
# No leap second, version 4, a server; a stratum of 1; asked every 64 s at most; exact to a microsecond; by GPS.
_HEAD = struct.pack("!BBbbII4s", 0x24, 1, 6, -20, 0, 0, b"GPS\0")


def stamp(seconds: float) -> bytes:
    """Return a time since 1970 as the format has it: seconds since 1900, and a fraction."""
    whole = int(seconds)
    return struct.pack("!II", (whole + _SINCE_1900) & 0xFFFFFFFF, int((seconds - whole) * (1 << 32)))


def answer(request: bytes, received: float, now: float) -> bytes:
    """Return the answer to a request that came at a time and is answered at another one."""
    return _HEAD + stamp(received - 1) + request[40:48] + stamp(received) + stamp(now)


def serve(address: str, offset_file: Path) -> None:
    """Answer for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.bind((address, _PORT))
        while True:
            request, peer = connection.recvfrom(1024)
            if len(request) >= 48:
                offset = float(offset_file.read_text())
                connection.sendto(answer(request, time.time() + offset, time.time() + offset), peer)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
