"""The link to the CSMS: made again whenever it is lost."""

import asyncio
import base64
import logging
import random
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from .session import Session

LOG = logging.getLogger("station")
SUBPROTOCOL = "ocpp1.6"


async def keep_link(station):
    """Connects, attends, and connects again with growing pauses; ended from outside."""
    first, longest = station.retry
    pause = first
    while True:
        await station.network.wait()
        try:
            async with connect(
                f"{station.url}/{quote(station.identity, safe='')}",
                subprotocols=[SUBPROTOCOL],
                additional_headers=credentials(station),
                proxy=None,
                open_timeout=10,
                close_timeout=2,
            ) as connection:
                if connection.subprotocol != SUBPROTOCOL:
                    raise ConnectionError("the CSMS does not speak OCPP 1.6")
                pause = first
                await _attend(station, connection)
        except (OSError, asyncio.TimeoutError, InvalidHandshake, InvalidURI, ConnectionClosed) as lost:
            LOG.info("no link: %r", lost)
        await asyncio.sleep(pause * random.uniform(1, 1.2))
        pause = min(2 * pause, longest)


async def _attend(station, connection):
    session = Session(station, connection)
    station.session = session
    tasks = [asyncio.ensure_future(session.start()), asyncio.ensure_future(station.talk(session))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        station.session = None
        for task in (*tasks, session.closed):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        station.link_lost()


def credentials(station):
    if not station.password:
        return {}
    login = f"{station.identity}:{station.password}".encode()
    return {"Authorization": "Basic " + base64.b64encode(login).decode()}
