"""A charging station for OCPP 1.6 on the Python package `ocpp`, moved by the SUT API of the official tool."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys

import ocpp.messages

import control
from charger.station import Station

# Answers in the order of the questions.
ocpp.messages.ASYNC_VALIDATION = False


class Panel:
    """What can be done to the station by hand. Power, network, faults and locks go beyond the official API."""

    def __init__(self, station):
        self.station = station

    async def __call__(self, request):
        match request.path:
            case ["sut", verb]:
                act = getattr(self, f"do_{verb}", None)
                if act is None:
                    raise control.Refused(404, f"there is no {verb}")
                return await act(request.query) or {}
            case ["alive"]:
                return {"registration": self.station.registration}
        raise control.Refused(404, "there is no such thing to do")

    def connector(self, query):
        number = int(query.get("evse_id") or 1)
        if number not in self.station.connectors:
            raise control.Refused(400, f"there is no connector {number}")
        return self.station.connectors[number]

    async def do_plugin(self, query):
        self.station.plug_in(self.connector(query))

    async def do_plugout(self, query):
        if not self.station.unplug(self.connector(query), query.get("end", "")):
            raise control.Refused(409, "the lock holds the cable")

    async def do_authorize(self, query):
        if self.station.is_powered():
            self.station.later(self.station.present(self.connector(query), query["id"]))

    async def do_state(self, query):
        self.station.vehicle(self.connector(query), query["ready"] == "true")

    async def do_end(self, query):
        self.station.vehicle(self.connector(query), False)

    async def do_fault(self, query):
        connector = self.connector(query)
        connector.fault = (query.get("code") or "InternalError") if query["on"] == "true" else None
        if connector.fault:
            self.station.stop(connector, "Other")
        self.station.report()

    async def do_lock(self, query):
        connector = self.connector(query)
        connector.jammed = query["jammed"] == "true"
        if not connector.jammed and connector.fault == "ConnectorLockFailure":
            connector.fault = None
            self.station.report()

    async def do_emergency(self, _):
        for connector in self.station.connectors.values():
            self.station.stop(connector, "EmergencyStop")

    async def do_power(self, query):
        if query["on"] == "true":
            self.station.power_up(self.station.boot_seconds)
        else:
            await self.station.cut_power()

    async def do_reboot(self, _):
        await self.station.reboot()

    async def do_network(self, query):
        if query["on"] == "true":
            self.station.network.set()
            return
        self.station.network.clear()
        if self.station.session:
            self.station.session._connection.transport.abort()

    async def do_look(self, query):
        connector = self.connector(query)
        match query["what"]:
            case "cable is locked":
                return {"seen": connector.locked}
            case "cable is free":
                return {"seen": not connector.locked}
            case "energy flows":
                return {"seen": connector.meter.flows()}
            case "energy is off":
                return {"seen": not connector.meter.flows()}
        raise control.Refused(501, "that cannot be seen")


async def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--url", required=True, help="base URL of the CSMS; the identity is appended")
    arguments.add_argument("--identity", default="INTEROP-STATION")
    arguments.add_argument("--control", default="127.0.0.1:0", help="where it is told what to do")
    arguments.add_argument("--boot-seconds", type=float, default=0.5)
    arguments.add_argument("--retry-seconds", type=float, default=0.5, help="first pause after a lost link")
    arguments.add_argument("--retry-limit", type=float, default=30, help="longest pause between attempts")
    arguments.add_argument("--password-env", help="variable that holds the password for Basic authentication")
    arguments.add_argument("--log", default="WARNING")
    chosen = arguments.parse_args()
    logging.basicConfig(level=chosen.log, stream=sys.stderr)
    for quiet in ("ocpp", "websockets"):
        logging.getLogger(quiet).setLevel("CRITICAL" if chosen.log == "WARNING" else chosen.log)
    station = Station(
        chosen.identity,
        chosen.url,
        boot_seconds=chosen.boot_seconds,
        retry=(chosen.retry_seconds, chosen.retry_limit),
        password=os.environ.get(chosen.password_env) if chosen.password_env else None,
    )
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    door, url = await control.serve(chosen.control, Panel(station))
    print(json.dumps({"url": chosen.url, "control": url + "/sut"}), flush=True)
    station.power_up()
    async with door:
        await ended.wait()
        await station.power_down()


if __name__ == "__main__":
    asyncio.run(main())
