"""Charging: cables, tokens, and the transactions that come of them."""

import time
from datetime import timedelta

from .clock import written
from .connector import Transaction
from .outbox import Start, Stop, Values


class Charging:
    """Part of the station."""

    def plug_in(self, connector):
        connector.plug_in()
        self.report()
        if connector.authorised:
            self._begin(connector)

    def unplug(self, connector, end):
        """Takes the cable out at one end, or altogether; false if the lock holds it."""
        if not end:
            self.unplug(connector, "ev")
            return self.unplug(connector, "station")
        running = connector.transaction
        if end == "station" and not connector.unplug_socket():
            return False
        connector.at_vehicle = False
        if running and self.configuration.is_on("StopTransactionOnEVSideDisconnect"):
            self.stop(connector, "EVDisconnected")
        self.report()
        return True

    def vehicle(self, connector, ready):
        connector.vehicle_ready = ready
        self.report()

    async def present(self, connector, tag):
        """Somebody holds a token to the reader for this connector."""
        running = connector.transaction
        if running:
            await self._present_to_stop(connector, running, tag)
        elif connector.held_for:
            if await self._same_person(connector.held_for, tag):
                connector.unlock()
        elif connector.authorised and same(connector.authorised[0], tag):
            connector.authorised = None
            connector.finishing = connector.is_plugged()
            self.report()
        elif connector.is_free() and not connector.authorised:
            accepted, parent = await self.authorise(tag)
            if accepted:
                self.allow(connector, tag, parent)

    async def _present_to_stop(self, connector, running, tag):
        accepted = await self._same_person((running.id_tag, running.parent), tag)
        if accepted and connector.transaction is running:
            self.stop(connector, "Local", tag)

    async def _same_person(self, owner, tag):
        """Whether a tag is the owner's own, or one of the owner's group."""
        own, group = owner
        if same(own, tag):
            return True
        accepted, parent = await self.authorise(tag)
        return accepted and group is not None and parent is not None and same(parent, group)

    def allow(self, connector, tag, parent):
        """The tag may charge here, as soon as a cable is plugged."""
        if not connector.is_free():
            return
        connector.authorised = (tag, parent)
        connector.finishing = False
        connector.preparing_since = None
        self.report()
        if connector.is_plugged():
            self._begin(connector)

    def _begin(self, connector):
        tag, parent = connector.authorised
        connector.authorised = None
        if not connector.lock():
            connector.fault = "ConnectorLockFailure"
            self.report()
            return
        moment = written(self.clock.now())
        running = Transaction(connector.number, tag, connector.meter.register(), moment, parent=parent)
        connector.transaction = running
        self._keep(connector, "StopTxnSampledData", "Transaction.Begin", moment)
        self.outbox.put(Start(running))
        self.report()

    def stop(self, connector, reason, tag=None):
        """Ends the transaction of a connector, if there is one."""
        running = connector.transaction
        if running is None:
            return
        connector.meter.flow(False)
        moment = written(self.clock.now())
        self._keep(connector, "StopTxnSampledData", "Transaction.End", moment)
        self.outbox.put(Stop(running, connector.meter.register(), moment, reason, tag))
        connector.transaction = None
        connector.finishing = connector.in_socket
        stays_locked = reason == "DeAuthorized" or (
            reason == "EVDisconnected" and not self.configuration.is_on("UnlockConnectorOnEVSideDisconnect")
        )
        if stays_locked:
            connector.held_for = (running.id_tag, running.parent)
        else:
            connector.unlock()
        self.report()

    def answered(self, item, answer):
        """What the CSMS made of a message of a transaction."""
        info = getattr(answer, "id_tag_info", None)
        if isinstance(item, Stop):
            if info and item.id_tag:
                self.learn(item.id_tag, info)
            return
        if not isinstance(item, Start) or answer is None:
            return
        running = item.transaction
        running.id = answer.transaction_id
        self.learn(running.id_tag, info)
        running.parent = info.get("parent_id_tag") or running.parent
        connector = self.connectors[running.connector]
        if info["status"] == "Accepted" or connector.transaction is not running:
            return
        if self.configuration.is_on("StopTransactionOnInvalidId"):
            self.stop(connector, "DeAuthorized")
        else:
            running.suspended = True
            self.report()

    def look_after_connectors(self):
        """What time alone brings about."""
        for connector in self.connectors.values():
            since = connector.preparing_since
            if since is not None and time.monotonic() - since >= self.configuration.number("ConnectionTimeOut"):
                connector.authorised = None
                connector.finishing = connector.is_plugged()
                self.report()
            self._sample(connector)
        self._sample_by_the_clock()

    def _sample(self, connector):
        interval = self.configuration.number("MeterValueSampleInterval")
        running = connector.transaction
        if running is None or time.monotonic() - running.last_sample < max(interval, 1):
            return
        running.last_sample = time.monotonic()
        if interval == 0:
            return
        moment = written(self.clock.now())
        measurands = self.configuration.items("MeterValuesSampledData")
        if measurands:
            value = connector.meter.sample(measurands, "Sample.Periodic", moment)
            self.outbox.put(Values(running, connector.number, value))
        self._keep(connector, "StopTxnSampledData", "Sample.Periodic", moment)

    def _sample_by_the_clock(self):
        interval = self.configuration.number("ClockAlignedDataInterval")
        now = self.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        slot = (now.date(), interval, int((now - midnight).total_seconds()) // interval if interval else 0)
        before, self.slot = self.slot, slot
        if not interval or before is None or before[1] != interval or before == slot:
            return
        moment = written(midnight + timedelta(seconds=slot[2] * interval))
        measurands = self.configuration.items("MeterValuesAlignedData")
        for connector in self.connectors.values():
            if measurands:
                value = connector.meter.sample(measurands, "Sample.Clock", moment)
                self.outbox.put(Values(connector.transaction, connector.number, value))
            if connector.transaction:
                self._keep(connector, "StopTxnAlignedData", "Sample.Clock", moment)

    def _keep(self, connector, key, context, moment):
        """Keeps a sample for the end of the transaction; of those in between the oldest go first."""
        measurands = self.configuration.items(key)
        if not measurands:
            return
        samples = connector.transaction.samples
        samples.append(connector.meter.sample(measurands, context, moment))
        if len(samples) > self.configuration.number("StopTransactionMaxMeterValues"):
            del samples[1]


def same(one, other):
    return one.upper() == other.upper()
