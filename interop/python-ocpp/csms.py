"""A CSMS for OCPP 1.6 and 2.0.1 on the Python package `ocpp`, moved by the trigger API of tzi-OCTT."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from urllib.parse import unquote

import ocpp.messages
import websockets
from websockets.asyncio.server import serve

import control
from central import Central
from csms_16 import Station16
from csms_201 import Station201

# Answers in the order of the questions.
ocpp.messages.ASYNC_VALIDATION = False

VERSIONS = {"ocpp2.0.1": Station201, "ocpp1.6": Station16}


class Csms:
    def __init__(self, central, any_station):
        self.central = central
        self.any_station = any_station

    def admit(self, connection, request):
        """Who nobody knows does not get as far as a WebSocket."""
        identity = identity_of(request.path)
        if self.any_station:
            self.central.know(identity)
        if identity not in self.central.stations:
            return connection.respond(404, "no such station\n")
        return None

    @staticmethod
    def choose(_, offered):
        return next((name for name in offered if name in VERSIONS), None)

    async def attend(self, connection):
        make = VERSIONS.get(connection.subprotocol)
        if make is None:
            await connection.close(1002, "no version in common")
            return
        identity = identity_of(connection.request.path)
        before = self.central.links.get(identity)
        link = make(identity, connection, self.central)
        self.central.links[identity] = link
        if before is not None:
            # The station came back before its old connection was seen to end.
            await before._connection.close(1000, "replaced by a newer connection")
        try:
            await link.start()
        except websockets.ConnectionClosed:
            pass
        finally:
            if self.central.links.get(identity) is link:
                del self.central.links[identity]

    async def control(self, request):
        match request.path:
            case ["api", "octt", "set-basic-auth-password"]:
                raise control.Refused(501, "stations do not log in here")
            case ["api", "octt", "create-token"]:
                body = request.body
                self.central.tokens[body["token_id"].upper()] = {"status": body.get("status", "Accepted")}
                return {}
            case ["api", "octt", "2.0.1", station, "set-pending-boot"]:
                self.central.stations[station]["boot"] = "Pending" if request.body["pending"] else "Accepted"
                return {}
            case ["api", "octt", "2.0.1", _, "set-security-profile" | "set-items-per-message"]:
                raise control.Refused(501, "this cannot be chosen here")
            case ["api", "octt", "2.0.1", station, "call", action]:
                return await self.ask(Station201, station, action, request.body)
            case ["api", "octt", "2.0.1", station, action]:
                return await self.ask(Station201, station, pascal(action), request.body)
            case ["api", "octt", "1.6", station, action]:
                return await self.ask(Station16, station, pascal(action), request.body)
            case ["stations", station, "boot"]:
                self.central.stations[station]["boot"] = request.body["status"]
                return {}
            case ["alive"]:
                return {"stations": sorted(self.central.links)}
        raise control.Refused(404, "there is no such thing to do")

    async def ask(self, version, station, action, fields):
        link = self.central.links.get(station)
        if not isinstance(link, version):
            raise control.Refused(409, f"{station} is not connected in this version")
        try:
            return await link.ask(action, fields)
        except LookupError as wrong:
            raise control.Refused(404, str(wrong)) from wrong


def identity_of(path):
    return unquote(path.split("?")[0].rsplit("/", 1)[-1])


def pascal(kebab):
    return "".join(word[:1].upper() + word[1:] for word in kebab.split("-"))


async def main():
    here = Path(__file__).resolve().parent
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--listen", default="127.0.0.1:0", help="where stations connect")
    arguments.add_argument("--control", default="127.0.0.1:0", help="where it is told what to do")
    arguments.add_argument("--site", default=here.parent / "site.json", help="stations and tokens")
    arguments.add_argument("--any-station", action="store_true", help="whoever comes is known, for benchmarks")
    arguments.add_argument("--interval", type=int, default=300, help="heartbeat interval, seconds")
    arguments.add_argument("--log", default="WARNING")
    chosen = arguments.parse_args()
    logging.basicConfig(level=chosen.log, stream=sys.stderr)
    for quiet in ("ocpp", "websockets"):
        logging.getLogger(quiet).setLevel("CRITICAL" if chosen.log == "WARNING" else chosen.log)
    csms = Csms(Central.from_file(chosen.site, chosen.interval), chosen.any_station)
    host, port = chosen.listen.rsplit(":", 1)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    async with serve(
        csms.attend,
        host,
        int(port),
        subprotocols=list(VERSIONS),
        select_subprotocol=csms.choose,
        process_request=csms.admit,
        close_timeout=2,
    ) as server:
        door, url = await control.serve(chosen.control, csms.control)
        host, port = server.sockets[0].getsockname()[:2]
        print(json.dumps({"url": f"ws://{host}:{port}/ocpp", "control": url}), flush=True)
        async with door:
            await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
