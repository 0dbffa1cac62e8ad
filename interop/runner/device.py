"""A running device: started on loopback, watched, started again when it dies or when the rig asks for it."""

import json
import os
import queue
import socket
import subprocess
import threading
import time
import urllib.request
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StartError(Exception):
    """A device did not come up."""


class Device:
    """A context: inside it the device runs; every restart keeps its addresses."""

    def __init__(self, entry, tools):
        self.entry, self.tools = entry, tools
        self.address, control = free_address(), free_address()
        words = {**tools, "address": self.address, "control": control}
        self.command = [word.format(**words) for word in entry.command]
        self.control = None
        self.process = None
        self.deaths = []
        self.last_words = deque(maxlen=40)
        self.closing = False
        self.change = threading.Lock()

    def __enter__(self):
        self.hook = ThreadingHTTPServer(("127.0.0.1", 0), _hook_for(self))
        threading.Thread(target=self.hook.serve_forever, daemon=True).start()
        try:
            self._start()
        except StartError:
            self.__exit__()
            raise
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing = True
        with self.change:
            self._stop()
        self.hook.shutdown()
        self.hook.server_close()

    def environment(self):
        """What the rig wants to know."""
        return {
            "INTEROP_URL": f"ws://{self.address}/ocpp",
            "INTEROP_LISTEN": self.address,
            "INTEROP_CONTROL": self.control,
            "INTEROP_RESTART": f"http://127.0.0.1:{self.hook.server_port}/restart",
            "INTEROP_FOLDER": str(self.entry.folder),
        }

    def restart(self):
        with self.change:
            self._stop()
            self._start()

    def is_alive(self):
        """Whether it answers at its control endpoint; one that is just being started again gets its time."""
        base = "/".join(self.control.split("/", 3)[:3])
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            try:
                with urllib.request.urlopen(base + "/alive", timeout=5) as answer:
                    return answer.status == 200
            except OSError:
                time.sleep(0.2)
        return False

    def wait(self):
        while not self.closing:
            time.sleep(1)

    def _start(self):
        self.process = subprocess.Popen(
            self.command,
            cwd=self.entry.folder,
            env={**os.environ, **self.tools["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        first = queue.Queue()
        for stream, sink in ((self.process.stdout, first), (self.process.stderr, None)):
            threading.Thread(target=self._read, args=(stream, sink), daemon=True).start()
        try:
            line = first.get(timeout=self.entry.patience)
        except queue.Empty:
            line = None
        try:
            self.control = json.loads(line or "")["control"]
        except (ValueError, KeyError, TypeError):
            said = "\n".join(self.last_words)
            self._stop()
            raise StartError(f"{self.entry.title} did not say where it is: {line!r}\n{said}") from None

    def _read(self, stream, sink):
        for line in stream:
            if sink is not None:
                sink.put(line)
                sink = None
            else:
                self.last_words.append(line.rstrip())
        if sink is not None:
            sink.put(None)

    def _stop(self):
        process = self.process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _watch(self):
        while not self.closing:
            time.sleep(0.2)
            with self.change:
                if self.closing or self.process.poll() is None:
                    continue
                self.deaths.append((time.time(), self.process.returncode, list(self.last_words)[-5:]))
                try:
                    self._start()
                except StartError:
                    return


def free_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _hook_for(device):
    class Hook(BaseHTTPRequestHandler):
        """POST /restart, as the rig's `restart:` has it."""

        def do_POST(self):
            try:
                device.restart()
                status = 200 if self.path == "/restart" else 404
            except StartError:
                status = 500
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return Hook
