"""Keeps the terminal program ocppsim running, and types into it what it is told over HTTP.

`POST /type?line=…` types a line. `POST /restart` ends the program and starts it anew, which is this device's way of
power cycling; `POST /off` and `POST /on` do the halves. `GET /status` gives the lines that the program prints when it is
asked for its status.
"""

import argparse
import json
import os
import pty
import queue
import re
import select
import signal
import struct
import sys
import termios
import threading
import time
from fcntl import ioctl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]")
# The program does not connect by itself, neither at first nor after a lost link; whoever sits before it types `connect`.
LOST = re.compile(r"Simulator ready|Disconnected\.|Connection lost|Connection error|Connection closed|Command failed")
CONNECTOR = re.compile(r"Connector \d+ status=.*")
PAUSE = 0.5
CONNECTORS = 2


class Terminal:
    def __init__(self, command):
        self.command = command
        self.pid = None
        self.screen = None
        self.change = threading.RLock()
        self.status_lines = queue.Queue()
        self.connects_at = None

    def on(self):
        with self.change:
            if self.pid is not None:
                return
            self.pid, self.screen = pty.fork()
            if self.pid == 0:
                os.environ["TERM"] = "xterm"
                os.execv(self.command[0], self.command)
            ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 4000, 0, 0))
            threading.Thread(target=self._read, args=(self.screen,), daemon=True).start()

    def off(self):
        with self.change:
            if self.pid is None:
                return
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.screen)
            self.pid = self.screen = None

    def is_on(self):
        """Whether it runs as it should; off on purpose is fine, too."""
        with self.change:
            return self.pid is None or os.waitpid(self.pid, os.WNOHANG)[0] == 0

    def type(self, line):
        with self.change:
            if self.screen is not None:
                os.write(self.screen, line.encode() + b"\r")

    def status(self):
        """What the program says of its connectors."""
        with self.change:
            while not self.status_lines.empty():
                self.status_lines.get()
            self.type("status")
            try:
                return [self.status_lines.get(timeout=3) for _ in range(CONNECTORS)]
            except queue.Empty:
                return []

    def tend(self):
        while True:
            time.sleep(0.1)
            with self.change:
                if self.connects_at is not None and time.monotonic() >= self.connects_at:
                    self.connects_at = None
                    self.type("connect")

    def _read(self, screen):
        rest = ""
        while True:
            try:
                if not select.select([screen], [], [], 1)[0]:
                    continue
                data = os.read(screen, 65_536)
            except (OSError, ValueError):
                return
            text = rest + ESCAPES.sub("", data.decode(errors="replace"))
            *lines, rest = text.replace("\r", "\n").split("\n")
            rest = rest[-65_536:]
            for line in filter(str.strip, lines):
                print(line, file=sys.stderr, flush=True)
                if status := CONNECTOR.search(line):
                    self.status_lines.put(status.group())
                if LOST.search(line):
                    self.connects_at = time.monotonic() + PAUSE


def door(terminal, address):
    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/status":
                self._answer(200, terminal.status())
            else:
                self._answer(200 if terminal.is_on() else 500)

        def do_POST(self):
            url = urlsplit(self.path)
            query = parse_qs(url.query, keep_blank_values=True)
            if url.path == "/type":
                terminal.type(query["line"][0])
            elif url.path in ("/on", "/off", "/restart"):
                if url.path != "/on":
                    terminal.off()
                if url.path != "/off":
                    terminal.on()
            else:
                return self._answer(404)
            self._answer(200)

        def _answer(self, status, value=None):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    host, port = address.rsplit(":", 1)
    return ThreadingHTTPServer((host, int(port)), Door)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--url", required=True)
    arguments.add_argument("--control", default="127.0.0.1:0")
    chosen = arguments.parse_args()
    terminal = Terminal(
        [
            *(chosen.program, "--ws-url", chosen.url, "--cp-id", "INTEROP-SIM"),
            *("--protocol", "1.6", "--connectors", str(CONNECTORS), "--request-timeout-seconds", "10"),
        ]
    )
    server = door(terminal, chosen.control)
    signal.signal(signal.SIGTERM, lambda *_: (terminal.off(), os._exit(0)))
    terminal.on()
    threading.Thread(target=terminal.tend, daemon=True).start()
    print(json.dumps({"control": "http://{}:{}".format(*server.server_address)}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
