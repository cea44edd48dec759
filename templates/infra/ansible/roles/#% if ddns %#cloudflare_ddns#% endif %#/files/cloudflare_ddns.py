#!/usr/bin/python3 -I
"""Lets names at Cloudflare follow the public IPv4 address of this machine's connection. By the standard library alone.

The token is a credential of systemd (LoadCredential=token:FILE). It goes to the API alone: not along a redirection, not over a connection
that others read, and into no message.

Exit codes: 0 where every name has the address, 1 where something did not answer as it should and the next run may succeed, 2 where a person
has to do something.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

API = "https://api.cloudflare.com/client/v4"
# An address, not a name: the answer is about IPv4 then, whatever else this machine has.
ADDRESS_URL = "https://1.1.1.1/cdn-cgi/trace"
SECONDS = 20
MOST_BYTES = 1 << 20
# One that changes should not be remembered for long.
NEW_TTL_SECONDS = 300
AGAIN, PERSON = 1, 2
LOOPBACK = {"127.0.0.1", "localhost"}


class Failed(Exception):
    """What went wrong, in words for a person, and the exit code."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class NoRedirection(urllib.request.HTTPRedirectHandler):
    """Follows none: it would take the token elsewhere."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirection)


def safe(url):
    """Return an address that is encrypted, or leads to this machine itself."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" and parts.hostname or parts.scheme == "http" and parts.hostname in LOOPBACK:
        return url.rstrip("/")
    raise argparse.ArgumentTypeError("only https is taken, and http to 127.0.0.1")


def fetch(url, what, **options):
    """Return status and content of an answer, whatever the status."""
    request = urllib.request.Request(url, **options)
    try:
        with OPENER.open(request, timeout=SECONDS) as answer:
            return answer.status, answer.read(MOST_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(MOST_BYTES)
    # Also what http.client raises where the other side does not speak HTTP.
    except Exception as error:
        reason = getattr(error, "reason", None) or error
        raise Failed(AGAIN, f"{what} does not answer: {reason}") from None


def public_address(url):
    """Return the address that this machine's connection has on the Internet."""
    host = urllib.parse.urlsplit(url).hostname
    status, content = fetch(url, host)
    found = re.search(r"(?m)^ip=(\S+)$", content.decode("utf-8", "replace"))
    if status != 200 or not found:
        raise Failed(AGAIN, f"{host} does not say which address this connection has (status {status})")
    try:
        address = ipaddress.IPv4Address(found.group(1))
    except ValueError:
        raise Failed(AGAIN, f"{host} says that this connection has {found.group(1)[:45]!r}, which is no IPv4 address") from None
    if not address.is_global:
        raise Failed(AGAIN, f"{host} says that this connection has {address}, which is no public address")
    return str(address)


class Cloudflare:
    """The API, with a token."""

    def __init__(self, api, token):
        self.api = api
        self.token = token

    def ask(self, method, path, body=None, **query):
        """Return the result of a call."""
        url = f"{self.api}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "User-Agent": "cloudflare-ddns"}
        data = None if body is None else json.dumps(body).encode()
        status, content = fetch(url, "the API", data=data, headers=headers, method=method)
        try:
            answer = json.loads(content)
            success, result = answer["success"], answer["result"]
            said = "; ".join(f"{error['message']} ({error['code']})" for error in answer.get("errors") or [])
        except (ValueError, KeyError, TypeError, AttributeError):
            success, result, said = False, None, ""
        if status == 200 and success is True:
            return result
        reason = f"status {status}{': ' + said if said else ''}"
        if status in (400, 401, 403):
            raise Failed(
                PERSON,
                f"the API refuses the token, or what it may do ({reason}). It needs the permission Zone, DNS, Edit for this zone: make one in"
                " Cloudflare's dashboard, put it into the vault as README.md says, and run playbooks/ddns.yml",
            )
        raise Failed(AGAIN, f"the API does not do {method} {path.split('/')[0]} ({reason})")

    def rows(self, path, **query):
        """Return the list that a question is answered with."""
        found = self.ask("GET", path, **query)
        if not isinstance(found, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in found):
            raise Failed(AGAIN, "the API answers with something else than a list")
        return found

    def zone(self, name):
        """Return the id of a zone."""
        zones = self.rows("zones", name=name)
        if len(zones) != 1:
            raise Failed(PERSON, f"the token sees no zone {name}: is it the name of the zone, and the token made for it?")
        return zones[0]["id"]

    def update(self, zone, name, address):
        """Let a name have an address; return what was done."""
        records = self.rows(f"zones/{zone}/dns_records", type="A", name=name)
        if len(records) > 1:
            raise Failed(PERSON, f"{name} has {len(records)} A records, and which of them is meant can't be told: remove all but one")
        if not records:
            new = {"type": "A", "name": name, "content": address, "ttl": NEW_TTL_SECONDS, "proxied": False}
            self.ask("POST", f"zones/{zone}/dns_records", new)
            return f"made, with {address}"
        before = records[0].get("content")
        if before == address:
            return f"has {address} already"
        # Nothing else of the record: whether it is proxied, and for how long it is remembered, a person may have chosen.
        self.ask("PATCH", f"zones/{zone}/dns_records/{records[0]['id']}", {"content": address})
        return f"changed from {before} to {address}"


def read_token():
    """Return the token that systemd gives this service."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Failed(PERSON, "there is no token: start this as the service that it belongs to, `systemctl start cloudflare-ddns`")
    try:
        with open(os.path.join(folder, "token"), encoding="ascii") as file:
            token = file.read().strip()
    except (OSError, ValueError):
        token = ""
    # What Cloudflare makes; anything else could not stand in a header either.
    if not re.fullmatch(r"[A-Za-z0-9_-]{20,}", token):
        raise Failed(PERSON, "there is no usable token: put one into the vault as README.md says, then run playbooks/ddns.yml")
    return token


def arguments_of(given):
    """Return the arguments, none of which is secret."""
    parser = argparse.ArgumentParser(description="Let names at Cloudflare follow the public address of this machine's connection.")
    parser.add_argument("--zone", required=True, help="the zone that the names are in")
    parser.add_argument("--record", required=True, action="append", help="a name; may be given several times")
    parser.add_argument("--api", type=safe, default=API, help="where the API is")
    parser.add_argument("--address-url", type=safe, default=ADDRESS_URL, help="what answers with a line ip=ADDRESS")
    return parser.parse_args(given)


def update_all(arguments, token):
    """Update each name, whatever becomes of the others; yield an exit code and a message for each."""
    cloudflare = Cloudflare(arguments.api, token)
    address = public_address(arguments.address_url)
    zone = cloudflare.zone(arguments.zone)
    for name in arguments.record:
        try:
            yield 0, f"{name}: {cloudflare.update(zone, name, address)}"
        except Failed as failed:
            yield failed.code, f"{name}: {failed}"


def main(given):
    """Run, and return the exit code."""
    arguments, token, worst = arguments_of(given), "", 0

    def say(code, message):
        # Others choose what an answer says: one line that can be printed, not too long, without the token.
        text = "".join(letter if letter.isprintable() else "?" for letter in message)
        print((text.replace(token, "TOKEN") if token else text)[:500], file=sys.stderr if code else sys.stdout)
        return code

    try:
        token = read_token()
        for code, message in update_all(arguments, token):
            worst = max(worst, say(code, message))
    except Failed as failed:
        worst = max(worst, say(failed.code, str(failed)))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
