"""What is on its way to the CSMS: transactions without loss and in order, statuses while there is a link."""

import asyncio
import logging
from collections import deque

from ocpp.exceptions import OCPPError
from ocpp.v16 import call

LOG = logging.getLogger("station")


class Start:
    def __init__(self, transaction):
        self.transaction = transaction

    def message(self):
        known = self.transaction
        return call.StartTransaction(
            connector_id=known.connector,
            id_tag=known.id_tag,
            meter_start=known.meter_start,
            timestamp=known.started,
        )


class Values:
    def __init__(self, transaction, connector, value):
        self.transaction, self.connector, self.value = transaction, connector, value

    def message(self):
        return call.MeterValues(
            connector_id=self.connector,
            transaction_id=self.transaction.name() if self.transaction else None,
            meter_value=[self.value],
        )


class Stop:
    def __init__(self, transaction, meter, timestamp, reason, id_tag):
        self.transaction, self.meter, self.timestamp = transaction, meter, timestamp
        self.reason, self.id_tag = reason, id_tag

    def message(self):
        return call.StopTransaction(
            transaction_id=self.transaction.name(),
            meter_stop=self.meter,
            timestamp=self.timestamp,
            reason=self.reason,
            id_tag=self.id_tag,
            transaction_data=self.transaction.samples or None,
        )


class Outbox:
    """Transaction messages outlive links and power cycles; each is repeated as the configuration says."""

    def __init__(self, configuration, answered):
        self._configuration = configuration
        self._answered = answered
        self._waiting = deque()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, item):
        self._waiting.append(item)
        self._empty.clear()
        self._news.set()

    async def drained(self):
        await self._empty.wait()

    async def run(self, send):
        """Delivers while a link is up; ended with the link."""
        while True:
            if not self._waiting:
                self._empty.set()
                self._news.clear()
                await self._news.wait()
            item = self._waiting[0]
            answer = await self._deliver(item, send)
            self._waiting.popleft()
            self._answered(item, answer)

    async def _deliver(self, item, send):
        sent = 0
        while True:
            try:
                return await send(item.message())
            except (OCPPError, asyncio.TimeoutError) as failed:
                sent += 1
                LOG.warning("not taken (%s): %r", sent, failed)
            if sent >= self._configuration.number("TransactionMessageAttempts"):
                return None
            await asyncio.sleep(self._configuration.number("TransactionMessageRetryInterval") * sent)
