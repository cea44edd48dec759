"""`python3 -m unittest` in this folder: the service on free ports, asked as its users ask it."""

from __future__ import annotations

import base64
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from hello import Service, serve


class Asked:
    """An answer."""

    def __init__(self, port: int, path: str, method: str = "GET", **headers: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        self.status, self.headers, self.text = response.status, response.headers, response.read().decode()
        connection.close()


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class TestHello(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.password = Path(folder.name, "password")
        self.password.write_text("s3cret")
        self.service = Service(self.password)
        servers = serve(self.service, 0, 0)
        self.port, self.metrics_port = (server.server_port for server in servers)
        for server in servers:
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)

    def test_the_page_says_where_it_comes_from(self) -> None:
        asked = Asked(self.port, "/?from=a+test")
        self.assertEqual(asked.status, 200)
        self.assertIn("Hello from ", asked.text)
        self.assertEqual(asked.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(asked.headers["Content-Security-Policy"], "default-src 'none'")

    def test_the_private_page_wants_user_and_password(self) -> None:
        asked = Asked(self.port, "/private/")
        self.assertEqual(asked.status, 401)
        self.assertIn('Basic realm="hello"', asked.headers["WWW-Authenticate"])
        for wrong in (basic("hello", "wrong"), basic("other", "s3cret"), "Basic ???", "Bearer s3cret", "Basic"):
            self.assertEqual(Asked(self.port, "/private/", Authorization=wrong).status, 401, wrong)
        asked = Asked(self.port, "/private/", Authorization=basic("hello", "s3cret"))
        self.assertEqual((asked.status, asked.headers["Cache-Control"]), (200, "no-store"))

    def test_a_rotated_password_counts_at_once(self) -> None:
        self.password.write_text("another")
        self.assertEqual(Asked(self.port, "/private/", Authorization=basic("hello", "s3cret")).status, 401)
        self.assertEqual(Asked(self.port, "/private/", Authorization=basic("hello", "another")).status, 200)

    def test_without_a_password_nobody_comes_in_and_no_request_is_sent_here(self) -> None:
        self.password.write_text("")
        self.assertEqual(Asked(self.port, "/private/", Authorization=basic("hello", "")).status, 401)
        self.password.unlink()
        self.assertEqual(Asked(self.port, "/private/", Authorization=basic("hello", "")).status, 401)
        self.assertEqual(Asked(self.port, "/readyz").status, 503)
        self.assertEqual(Asked(self.port, "/healthz").status, 200)

    def test_who_is_about_to_end_is_not_ready(self) -> None:
        self.assertEqual(Asked(self.port, "/readyz").status, 200)
        self.service.stopping.set()
        self.assertEqual(Asked(self.port, "/readyz").status, 503)
        self.assertEqual(Asked(self.port, "/").status, 200)

    def test_other_pages_and_methods_are_not_there(self) -> None:
        self.assertEqual(Asked(self.port, "/../etc/passwd").status, 404)
        self.assertEqual(Asked(self.port, "/metrics").status, 404)
        self.assertEqual(Asked(self.port, "/", method="POST").status, 501)
        asked = Asked(self.port, "/", method="HEAD")
        self.assertEqual((asked.status, asked.text), (200, ""))

    def test_requests_are_counted_by_known_paths_alone(self) -> None:
        for path in ("/", "/", "/a", "/b", "/readyz"):
            Asked(self.port, path)
        deadline = time.monotonic() + 10
        while True:
            text = Asked(self.metrics_port, "/metrics").text
            if "duration_seconds_count 5" in text or time.monotonic() > deadline:
                break
        self.assertIn('hello_requests_total{path="/",code="200"} 2\n', text)
        self.assertIn('hello_requests_total{path="other",code="404"} 2\n', text)
        self.assertIn("hello_request_duration_seconds_count 5\n", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \S+ .+|[a-z_]+(\{path="[^"]+",code="\d+"\})? [\d.]+)$')
        self.assertEqual(Asked(self.metrics_port, "/").status, 404)


class TestProcess(unittest.TestCase):
    def test_it_answers_until_it_has_ended(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "password").write_text("s3cret")
            settings = {"HELLO_PORT": "0", "HELLO_METRICS_PORT": "0", "HELLO_DRAIN_SECONDS": "3"}
            process = subprocess.Popen(
                [sys.executable, "-m", "hello"],
                cwd=Path(__file__).parent,
                env={**os.environ, **settings, "HELLO_PASSWORD_FILE": f"{folder}/password"},
                stdout=subprocess.PIPE,
                text=True,
            )
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
            said = process.stdout.readline() if process.stdout else ""
            found = re.fullmatch(r"hello listens on (\d+), metrics on \d+\n", said)
            port = int(found[1]) if found else self.fail(said)
            self.assertEqual(Asked(port, "/readyz").status, 200)
            process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 10
            while Asked(port, "/readyz").status == 200:
                self.assertLess(time.monotonic(), deadline)
            self.assertEqual(Asked(port, "/").status, 200)
            self.assertEqual(process.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
