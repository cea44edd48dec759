#!/usr/bin/python
"""Ask name servers, and fail where an answer is not the expected one. Messages as in RFC 1035, by the standard library alone."""

from __future__ import annotations

import random
import socket
import struct
from collections import namedtuple

DOCUMENTATION = r"""
module: dns_answers
short_description: Asks name servers, and fails where an answer is not the expected one
description:
  - Each server is asked for everything, over UDP, and for the first name over TCP, too.
  - All wrong answers are named at once. Nothing is changed.
options:
  servers:
    description: IPv4 addresses of the servers.
    type: list
    elements: str
    required: true
  port:
    description: Their port.
    type: int
    required: true
  records:
    description: Names with their addresses, as C(name) and C(address).
    type: list
    elements: dict
    default: []
  reverse:
    description: Names in in-addr.arpa with the names that they lead to, as C(name) and C(target).
    type: list
    elements: dict
    default: []
  missing:
    description: Names that must not exist.
    type: list
    elements: str
    default: []
  zones:
    description: Zones that must have the serial.
    type: list
    elements: str
    default: []
  serial:
    description: That serial.
    type: int
    default: 0
  timeout:
    description: Seconds to wait for an answer. A question is asked three times.
    type: float
    default: 2
"""

TYPES = {"A": 1, "PTR": 12, "SOA": 6}
RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
TRIES = 3

# A question and what has to come: the only value of that type, or "NXDOMAIN".
Question = namedtuple("Question", "name type expected")


def questions_of(parameters):
    """Return what is asked, in order."""
    return (
        [Question(zone, "SOA", str(parameters["serial"])) for zone in parameters["zones"]]
        + [Question(record["name"], "A", record["address"]) for record in parameters["records"]]
        + [Question(record["name"], "PTR", record["target"]) for record in parameters["reverse"]]
        + [Question(name, "A", "NXDOMAIN") for name in parameters["missing"]]
    )


def query(identifier, question):
    """Return the message that asks: one question, recursion desired."""
    labels = b"".join(bytes([len(label)]) + label for label in question.name.rstrip(".").encode("ascii").split(b"."))
    return struct.pack("!6H", identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", TYPES[question.type], 1)


def read_name(message, at):
    """Return the name at a position, lower case and without the last dot, and the position behind it."""
    labels = []
    behind = None
    for _ in range(len(message)):
        length = message[at]
        if length >= 0xC0:
            behind = behind or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        elif length:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
            at += 1 + length
        else:
            return ".".join(labels), behind or at + 1
    raise ValueError("a name without an end")


def read_answer(message, identifier, question):
    """Return what a message answers: the values of the question's type, joined, or the name of the error.

    Raises:
        ValueError: It is no answer to this question.
    """
    try:
        found, flags, asked, count = struct.unpack_from("!4H", message)
        if found != identifier or not flags & 0x8000:
            raise ValueError("not the answer to this question")
        if flags & 0x0F:
            return RCODES.get(flags & 0x0F, "error %d" % (flags & 0x0F))
        at = 12
        for _ in range(asked):
            at = read_name(message, at)[1] + 4
        values = []
        for _ in range(count):
            at = read_name(message, at)[1]
            kind, _, _, length = struct.unpack_from("!2HIH", message, at)
            at += 10
            if kind == TYPES[question.type]:
                values.append(read_value(message, at, length, question.type))
            at += length
    except (struct.error, IndexError, OSError):
        raise ValueError("a message that is cut off") from None
    return " ".join(sorted(values)) or "no %s record" % question.type


def read_value(message, at, length, kind):
    """Return the address, the name or, of an SOA record, the serial."""
    if kind == "A":
        return socket.inet_ntoa(message[at : at + length])
    name, at = read_name(message, at)
    if kind == "PTR":
        return name
    at = read_name(message, at)[1]
    return str(struct.unpack_from("!I", message, at)[0])


def ask_by_udp(server, port, question, timeout):
    """Return the answer; an OSError or a ValueError of the last try where none comes."""
    for rest in reversed(range(TRIES)):
        identifier = random.randrange(1 << 16)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.settimeout(timeout)
            try:
                # Connected, so that nobody else's packet counts, and a closed port is an error at once.
                connection.connect((server, port))
                connection.send(query(identifier, question))
                return read_answer(connection.recv(65535), identifier, question)
            except (OSError, ValueError):
                if not rest:
                    raise
    return None


def ask_by_tcp(server, port, question, timeout):
    """Return the answer, like `ask_by_udp`."""
    identifier = random.randrange(1 << 16)
    message = query(identifier, question)
    with socket.create_connection((server, port), timeout) as connection:
        connection.sendall(struct.pack("!H", len(message)) + message)
        stream = connection.makefile("rb")
        length = stream.read(2)
        if len(length) < 2:
            raise ValueError("the connection was closed without an answer")
        return read_answer(stream.read(struct.unpack("!H", length)[0]), identifier, question)


def faults_of(server, port, questions, timeout):
    """Return a line for each wrong answer of a server; one that does not answer at all is asked no further."""
    faults = []
    for asked, way in [(question, ask_by_udp) for question in questions] + [(questions[0], ask_by_tcp)]:
        protocol = "TCP" if way is ask_by_tcp else "UDP"
        try:
            found = way(server, port, asked, timeout)
        except (OSError, ValueError) as error:
            faults.append("%s does not answer over %s: %s" % (server, protocol, error))
            break
        if found.lower() != asked.expected.lower():
            faults.append("%s, %s %s: found %s, expected %s" % (server, asked.name, asked.type, found, asked.expected))
    return faults


def main():
    """Run as a module of Ansible."""
    from ansible.module_utils.basic import AnsibleModule

    names = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec={
            "servers": dict(names, required=True),
            "port": {"type": "int", "required": True},
            "records": {"type": "list", "elements": "dict", "default": []},
            "reverse": {"type": "list", "elements": "dict", "default": []},
            "missing": dict(names, default=[]),
            "zones": dict(names, default=[]),
            "serial": {"type": "int", "default": 0},
            "timeout": {"type": "float", "default": 2},
        },
        supports_check_mode=True,
    )
    given = module.params
    questions = questions_of(given)
    if not questions or not given["servers"]:
        module.fail_json(msg="There is nothing to ask, or nobody: give servers, and names in records, reverse, missing or zones.")
    faults = [
        fault for server in given["servers"] for fault in faults_of(server, given["port"], questions, given["timeout"])
    ]
    if faults:
        module.fail_json(msg="; ".join(faults), faults=faults)
    module.exit_json(changed=False, asked=len(questions))


if __name__ == "__main__":
    main()
