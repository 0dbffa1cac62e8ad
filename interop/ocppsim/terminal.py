"""Keeps the terminal program ocppsim running, and does to it what it is told over HTTP.

`POST /stimulus` takes a stimulus as JSON; `GET /alive` tells whether the program runs.
"""

import argparse
import json
import os
import pty
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

from person import CannotBeDone, Person

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>78]")
# The program does not connect by itself, neither at first nor after a lost link; whoever sits before it types `connect`.
LOST = re.compile(r"Simulator ready|Disconnected\.|Connection lost|Connection error|Connection closed|Command failed")
PAUSE = 0.5
PATIENCE = 12


class Terminal:
    def __init__(self, command):
        self.command = command
        self.pid = None
        self.screen = None
        self.connects_at = None
        self.change = threading.RLock()
        self.lines = []
        self.news = threading.Condition()

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
            self.pid = self.screen = self.connects_at = None

    def is_on(self):
        """Whether it runs as it should; off on purpose is fine, too."""
        with self.change:
            return self.pid is None or os.waitpid(self.pid, os.WNOHANG)[0] == 0

    def type(self, line):
        with self.change:
            if self.screen is None:
                raise OSError("it is off")
            os.write(self.screen, line.encode() + b"\r")

    def ask(self, line, *answers):
        """Types a line, and gives the first line printed after it that holds one of the answers."""
        with self.news:
            before = len(self.lines)
            self.type(line)
            ends = time.monotonic() + PATIENCE
            while time.monotonic() < ends:
                for said in self.lines[before:]:
                    if any(answer in said for answer in answers):
                        return said
                self.news.wait(0.2)
        raise OSError(f"nothing was printed after {line.split()[0]}")

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
            lines = [line.strip() for line in lines if line.strip()]
            with self.news:
                self.lines += lines
                self.news.notify_all()
            for line in lines:
                print(line, file=sys.stderr, flush=True)
                if LOST.search(line):
                    self.connects_at = time.monotonic() + PAUSE


def door(terminal, address):
    person = Person(terminal)
    turn = threading.Lock()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(200 if terminal.is_on() else 500)

        def do_POST(self):
            try:
                stimulus = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with turn:
                    person.do(stimulus["verb"], stimulus["with"])
                self._answer(200)
            except CannotBeDone as never:
                self._answer(501, str(never))
            except (OSError, KeyError, ValueError) as wrong:
                self._answer(500, str(wrong))

        def _answer(self, status, said=""):
            self.send_response(status)
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

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
            *("--protocol", "1.6", "--connectors", "2", "--request-timeout-seconds", "10"),
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
