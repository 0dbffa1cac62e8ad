"""A device that misbehaves on purpose, on either side; standard library only.

Up to the point where it misbehaves it does what little a cold boot needs.
"""

import argparse
import base64
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from datetime import datetime, timezone

MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# A limit to what is sent, so that a peer that never reads costs nothing.
PATIENCE = 10
MEBIBYTE = 1 << 20


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Gone(Exception):
    """The other side is not there any more."""


class Socket:
    """A WebSocket without manners."""

    def __init__(self, connection, masks):
        self.connection, self.masks = connection, masks
        connection.settimeout(PATIENCE)
        self.writing = threading.Lock()

    def raw(self, data):
        try:
            with self.writing:
                self.connection.sendall(data)
        except OSError as gone:
            raise Gone from gone

    def frame(self, payload, opcode=1, fin=True, claims=None):
        """A frame; `claims` is the length that its head tells."""
        length = len(payload) if claims is None else claims
        mask = 0x80 if self.masks else 0
        head = bytes([(0x80 if fin else 0) | opcode])
        if length < 126:
            head += bytes([mask | length])
        elif length < 1 << 16:
            head += struct.pack("!BH", mask | 126, length)
        else:
            head += struct.pack("!BQ", mask | 127, length)
        # Masking with zeros leaves the payload as it is.
        return head + (b"\0\0\0\0" if self.masks else b"") + payload

    def send(self, payload, **how):
        self.raw(self.frame(payload if isinstance(payload, bytes) else json.dumps(payload).encode(), **how))

    def receive(self):
        """The next message as bytes; control frames are dealt with."""
        message = b""
        while True:
            first, second = self._exactly(2)
            length = second & 0x7F
            if length > 125:
                length = int.from_bytes(self._exactly(2 if length == 126 else 8), "big")
            if length > MEBIBYTE:
                raise Gone
            key = self._exactly(4) if second & 0x80 else b"\0\0\0\0"
            data = bytes(byte ^ key[at % 4] for at, byte in enumerate(self._exactly(length)))
            opcode = first & 0x0F
            if opcode == 8:
                self.raw(self.frame(data, opcode=8))
                raise Gone
            if opcode == 9:
                self.raw(self.frame(data, opcode=10))
            elif opcode < 3:
                message += data
                if first & 0x80:
                    return message

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.connection.recv(count - len(data))
            except TimeoutError:
                continue
            except OSError as gone:
                raise Gone from gone
            if not more:
                raise Gone
            data += more
        return data


# What it does once the handshake is done (a station: once it has sent its boot). Each may raise Gone.


def close_mid_frame(ws):
    ws.raw(ws.frame(b'[2,"1","Heart', claims=40))
    ws.connection.close()


def stall_mid_frame(ws):
    ws.raw(ws.frame(b'[2,"1","Heart', claims=40))
    idle(ws)


def flood(ws):
    ends = time.monotonic() + PATIENCE
    number = 0
    while time.monotonic() < ends:
        batch = b"".join(
            ws.frame(json.dumps([2, f"f{number + at}", "Heartbeat", {}]).encode()) for at in range(200)
        )
        number += 200
        ws.raw(batch)


def flood_pings(ws):
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        ws.raw(ws.frame(b"x" * 100, opcode=9) * 200)


def ten_mebibytes(ws):
    ws.send([2, "big", "DataTransfer", {"vendorId": "x", "data": "y" * (10 * MEBIBYTE)}])


def huge_claim(ws):
    ws.raw(ws.frame(b"x" * 1000, claims=(1 << 62)))
    idle(ws)


def endless_fragments(ws):
    ends = time.monotonic() + PATIENCE
    ws.send(b'[2,"', fin=False)
    while time.monotonic() < ends:
        ws.raw(ws.frame(b"x" * 65_536, opcode=0, fin=False))


def binary(ws):
    ws.send(bytes(range(256)), opcode=2)


def invalid_utf8(ws):
    ws.send(b'[2,"1","Heartbeat",{"x":"\xff\xfe\xc0\x80"}]')


def not_json(ws):
    ws.send(b'[2,"1","Heartbeat",{')


def deep_json(ws):
    ws.send(b"[" * 200_000)


def long_number(ws):
    ws.send(b'[2,"1","Heartbeat",{"x":' + b"9" * 100_000 + b"}]")


def odd_envelopes(ws):
    for text in [b"[]", b"{}", b"null", b"[2]", b'[2,1,"Heartbeat",{}]', b'[9,"1",{}]', b'[2,"1",[],{}]', b'[3,"?",{}]']:
        ws.send(text)


def control_characters(ws):
    text = "".join(map(chr, [*range(32), 127, 0xFFFE, 0x202E, 0x1F600])) * 50
    ws.send([2, text[:36], text, {text: text}])


def lone_surrogates(ws):
    ws.send(b'[2,"\\ud800","Heartbeat",{"\\udfff":"\\ud800x"}]')


def bad_opcode(ws):
    ws.send(b"x", opcode=11)


def reserved_bits(ws):
    ws.raw(b"\xf1\x80\0\0\0\0" if ws.masks else b"\xf1\0")


def wrong_masking(ws):
    ws.masks = not ws.masks
    ws.send([2, "m", "Heartbeat", {}])


def odd_close(ws):
    ws.raw(ws.frame(struct.pack("!H", 1005) + b"\xff", opcode=8))
    idle(ws)


def close_at_once(ws):
    ws.raw(ws.frame(struct.pack("!H", 1000), opcode=8))


def reset(ws):
    ws.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.connection.close()


def idle(ws):
    """Reads nothing and says nothing."""
    ws.connection.settimeout(None)
    threading.Event().wait(600)


AT_ONCE = {
    "close-mid-frame": close_mid_frame,
    "stall-mid-frame": stall_mid_frame,
    "flood": flood,
    "flood-pings": flood_pings,
    "ten-mebibytes": ten_mebibytes,
    "huge-claim": huge_claim,
    "endless-fragments": endless_fragments,
    "binary": binary,
    "invalid-utf8": invalid_utf8,
    "not-json": not_json,
    "deep-json": deep_json,
    "long-number": long_number,
    "odd-envelopes": odd_envelopes,
    "control-characters": control_characters,
    "lone-surrogates": lone_surrogates,
    "bad-opcode": bad_opcode,
    "reserved-bits": reserved_bits,
    "wrong-masking": wrong_masking,
    "odd-close": odd_close,
    "close-at-once": close_at_once,
    "reset": reset,
    "deaf": idle,
}
# How it answers calls.
ANSWERS = ["never-answers", "answers-twice", "answers-wrong-id", "answers-with-call", "behaves"]
# What it does instead of a handshake.
INSTEAD = ["silent-tcp", "refuses", "garbage", "wrong-accept", "endless-header"]
EVERYTHING = [*AT_ONCE, *ANSWERS, *INSTEAD]


def answer(ws, does, message):
    try:
        kind, name, action = message[0], message[1], message[2]
    except (TypeError, IndexError, KeyError):
        return
    if kind != 2 or does == "never-answers":
        return
    payload = {"currentTime": now()} if action in ("BootNotification", "Heartbeat") else {}
    if action == "BootNotification":
        payload.update(status="Accepted", interval=300)
    if does == "answers-wrong-id":
        name = f"{name}x"[-36:]
    if does == "answers-with-call":
        ws.send([2, name, action, message[3]])
        return
    for _ in range(2 if does == "answers-twice" else 1):
        ws.send([3, name, payload])


def converse(ws, does, boots):
    if boots:
        ws.send([2, "boot", "BootNotification", {"chargePointVendor": "Hostile", "chargePointModel": "Station"}])
    if does in AT_ONCE:
        if boots:
            ws.receive()
        AT_ONCE[does](ws)
    while True:
        text = ws.receive()
        try:
            message = json.loads(text)
        except ValueError:
            continue
        answer(ws, does, message)


def head(connection):
    """Reads up to the blank line."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < 65_536:
        more = connection.recv(4096)
        if not more:
            raise Gone
        data += more
    return data.decode("latin-1")


def instead(connection, does):
    if does == "silent-tcp":
        threading.Event().wait(600)
    elif does == "refuses":
        connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    elif does == "garbage":
        connection.sendall(os.urandom(4096) + b"\r\n\r\n")
    elif does == "endless-header":
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n")
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            connection.sendall(b"X-Long: " + b"y" * 4096 + b"\r\n")


def serve(connection, does):
    """As a CSMS."""
    try:
        connection.settimeout(PATIENCE)
        if does in INSTEAD and does != "wrong-accept":
            if does == "refuses":
                head(connection)
            instead(connection, does)
            return
        lines = head(connection).split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        accept = base64.b64encode(hashlib.sha1((headers["sec-websocket-key"] + MAGIC).encode()).digest()).decode()
        if does == "wrong-accept":
            accept = accept[::-1]
        connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )
        converse(Socket(connection, masks=False), does, boots=False)
    except (Gone, OSError, KeyError):
        pass
    finally:
        connection.close()


def dial(host, port, does):
    """As a station: one connection after the other."""
    while True:
        try:
            with socket.create_connection((host, port), timeout=PATIENCE) as connection:
                if does in INSTEAD and does != "wrong-accept":
                    instead(connection, does)
                else:
                    key = "short" if does == "wrong-accept" else base64.b64encode(os.urandom(16)).decode()
                    connection.sendall(
                        f"GET /ocpp/HOSTILE HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
                        "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
                    )
                    head(connection)
                    converse(Socket(connection, masks=True), does, boots=True)
        except (Gone, OSError):
            pass
        time.sleep(0.3)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("role", choices=["csms", "station"])
    arguments.add_argument("does", choices=EVERYTHING)
    arguments.add_argument("--address", default="127.0.0.1:0", help="where it listens, or where it connects to")
    chosen = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    host, port = chosen.address.rsplit(":", 1)
    if chosen.role == "station":
        print(json.dumps({"address": chosen.address}), flush=True)
        dial(host, int(port), chosen.does)
    listener = socket.create_server((host, int(port)))
    print(json.dumps({"address": "{}:{}".format(*listener.getsockname())}), flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, chosen.does), daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
