"""A small HTTP endpoint on asyncio: how a device is moved from outside its OCPP link."""

import asyncio
import json
from urllib.parse import parse_qsl, unquote, urlsplit

MOST = 1 << 20


class Refused(Exception):
    """A request that cannot be carried out: its status code and the reason."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Request:
    """What was asked: the parts of the path, the query, and the JSON body."""

    def __init__(self, method, target, body):
        url = urlsplit(target)
        self.method = method
        self.path = [unquote(part) for part in url.path.split("/") if part]
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.body = body


async def serve(address, answer):
    """Serves at `HOST:PORT`; `answer` is a coroutine from a Request to a JSON value. Gives the URL."""
    host, port = address.rsplit(":", 1)
    server = await asyncio.start_server(lambda r, w: _connection(r, w, answer), host, int(port))
    host, port = server.sockets[0].getsockname()[:2]
    return server, f"http://{host}:{port}"


async def _connection(reader, writer, answer):
    try:
        request = await asyncio.wait_for(_read(reader), 30)
        status, value = await _answered(request, answer)
        body = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.TimeoutError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def _answered(request, answer):
    try:
        return 200, await answer(request)
    except Refused as refused:
        return refused.status, {"reason": str(refused)}
    except (KeyError, TypeError, ValueError) as wrong:
        return 400, {"reason": f"{type(wrong).__name__}: {wrong}"}


async def _read(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = dict(line.lower().split(":", 1) for line in head[1:] if ":" in line)
    length = int(headers.get("content-length", "0"))
    if length > MOST:
        raise ValueError("too long")
    body = await reader.readexactly(length)
    return Request(method, target, json.loads(body) if body else {})
