"""The station: power, registration, authorisation, and what the CSMS may ask of it."""

import asyncio
import logging

from ocpp.exceptions import OCPPError
from ocpp.v16 import call
from websockets.exceptions import ConnectionClosed

from .charging import Charging
from .clock import Clock, written
from .configuration import Configuration
from .connector import Connector
from .link import keep_link
from .outbox import Outbox, Values
from .reports import Reports
from .tags import Cache

LOG = logging.getLogger("station")
UNANSWERED = (OCPPError, asyncio.TimeoutError, ConnectionError, ConnectionClosed)
TICK = 0.1
# How long a boot that was not accepted waits if the CSMS leaves that open.
OWN_INTERVAL = 30


class Station(Charging, Reports):
    def __init__(self, identity, url, connectors=2, boot_seconds=0.5, retry=(0.5, 30), password=None):
        self.identity, self.url, self.password = identity, url, password
        self.boot_seconds, self.retry = boot_seconds, retry
        self.configuration = Configuration(connectors)
        self.connectors = {number: Connector(number) for number in range(1, connectors + 1)}
        self.operative = True
        self.clock = Clock()
        self.cache = Cache()
        self.outbox = Outbox(self.configuration, self.answered)
        self.registration = None
        self.session = None
        self.network = asyncio.Event()
        self.network.set()
        self.boot_now = asyncio.Event()
        self.life = None
        self.errands = set()
        self.start_reporting()

    # Power.

    def is_powered(self):
        return self.life is not None

    def power_up(self, pause=0.0):
        if self.life is None:
            self.life = asyncio.ensure_future(self._live(pause))

    async def power_down(self, cut=False):
        """Ends the power cycle; `cut` lets nobody say goodbye."""
        life, self.life = self.life, None
        if life is None:
            return
        if self.session and cut:
            self.session._connection.transport.abort()
        elif self.session:
            await self.session._connection.close(1001, "restarting")
        for errand in self.errands - {asyncio.current_task()}:
            errand.cancel()
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        for connector in self.connectors.values():
            connector.forget()
        self.forget_reports()

    async def cut_power(self):
        running = [connector for connector in self.connectors.values() if connector.transaction]
        await self.power_down(cut=True)
        for connector in running:
            self.stop(connector, "PowerLoss")

    async def reset(self, kind):
        """A reset that the CSMS asked for; transactions end first."""
        for connector in self.connectors.values():
            self.stop(connector, f"{kind}Reset")
        if kind == "Soft":
            try:
                await asyncio.wait_for(self.outbox.drained(), 10)
            except asyncio.TimeoutError:
                LOG.warning("restarting with messages in the queue")
        await self.power_down()
        self.power_up(self.boot_seconds)

    async def reboot(self):
        """A restart that nobody asked for over the link."""
        for connector in self.connectors.values():
            self.stop(connector, "Reboot")
        await self.power_down()
        self.power_up(self.boot_seconds)

    def later(self, errand):
        """Does something beside what is going on; ended with the power cycle."""
        task = asyncio.ensure_future(errand)
        self.errands.add(task)
        task.add_done_callback(self._did)

    def _did(self, task):
        self.errands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            LOG.error("failed: %r", task.exception())

    async def _live(self, pause):
        await asyncio.sleep(pause)
        self.registration = None
        self.may_boot_at = 0.0
        ticker = asyncio.ensure_future(self._tick())
        try:
            await keep_link(self)
        finally:
            ticker.cancel()
            self.registration = None

    async def _tick(self):
        while True:
            await asyncio.sleep(TICK)
            self.look_after_connectors()
            self.beat()

    # Registration.

    def is_online(self):
        return self.session is not None and self.registration == "Accepted"

    async def talk(self, session):
        """What the station says on a link, from registration on."""
        if self.registration != "Accepted":
            await self._register(session)
        self.report()
        await asyncio.gather(self.outbox.run(session.send), self.send_reports(session))

    async def _register(self, session):
        loop = asyncio.get_running_loop()
        while True:
            pause = self.may_boot_at - loop.time()
            if pause > 0:
                try:
                    await asyncio.wait_for(self.boot_now.wait(), pause)
                except asyncio.TimeoutError:
                    pass
            self.boot_now.clear()
            try:
                answer = await session.send(self._boot_message())
            except (OCPPError, asyncio.TimeoutError) as failed:
                LOG.warning("boot not answered: %r", failed)
                self.may_boot_at = loop.time() + OWN_INTERVAL
                continue
            self.clock.set(answer.current_time)
            self.registration = answer.status
            if answer.status == "Accepted":
                if answer.interval > 0:
                    self.configuration.put("HeartbeatInterval", str(answer.interval))
                self.last_beat = loop.time()
                return
            self.may_boot_at = loop.time() + (answer.interval or OWN_INTERVAL)

    def _boot_message(self):
        return call.BootNotification(
            charge_point_vendor="Interop",
            charge_point_model="Two sockets",
            charge_point_serial_number="IO-0001",
            firmware_version="1.0.0",
        )

    def beat(self):
        now = asyncio.get_running_loop().time()
        if self.is_online() and now - self.last_beat >= self.configuration.number("HeartbeatInterval"):
            self.last_beat = now
            self.later(self.send_heartbeat())

    async def send_heartbeat(self):
        try:
            answer = await self.session.send(call.Heartbeat())
            self.clock.set(answer.current_time)
        except (AttributeError, *UNANSWERED) as failed:
            LOG.warning("heartbeat not answered: %r", failed)

    # Authorisation.

    async def authorise(self, tag):
        """Whether a tag may charge, and its group."""
        caches = self.configuration.is_on("AuthorizationCacheEnabled")
        known = caches and self.cache.accepts(tag)
        if self.is_online():
            if known and self.configuration.is_on("LocalPreAuthorize"):
                return True, self.cache.parent(tag)
            try:
                info = (await self.session.send(call.Authorize(id_tag=tag))).id_tag_info
                self.learn(tag, info)
                return info["status"] == "Accepted", info.get("parent_id_tag")
            except (OCPPError, asyncio.TimeoutError) as failed:
                LOG.warning("not authorised: %r", failed)
                return False, None
            except (ConnectionError, ConnectionClosed):
                pass
        if self.registration != "Accepted":
            return False, None
        if known and self.configuration.is_on("LocalAuthorizeOffline"):
            return True, self.cache.parent(tag)
        stranger = not (caches and self.cache.knows(tag))
        return stranger and self.configuration.is_on("AllowOfflineTxForUnknownId"), None

    def learn(self, tag, info):
        if self.configuration.is_on("AuthorizationCacheEnabled"):
            self.cache.learn(tag, info)

    # What the CSMS asks for.

    def running(self, transaction_id):
        of_connectors = self.connectors.values()
        return next((c for c in of_connectors if c.transaction and c.transaction.id == transaction_id), None)

    async def find_running(self, transaction_id):
        """The same; the answer that gives a transaction its id may still be on its way through the library."""
        for _ in range(20):
            connector = self.running(transaction_id)
            if connector or all(c.transaction is None or c.transaction.id for c in self.connectors.values()):
                return connector
            await asyncio.sleep(0.005)
        return None

    def choose_for_remote(self, number):
        """The connector of a remote start; none if it has to be refused."""
        if self.registration != "Accepted":
            return None
        if number is not None:
            connector = self.connectors.get(number)
            return connector if connector and connector.is_free() else None
        free = [connector for connector in self.connectors.values() if connector.is_free()]
        return next((connector for connector in free if connector.is_plugged()), free[0] if free else None)

    async def start_remotely(self, connector, tag):
        if self.configuration.is_on("AuthorizeRemoteTxRequests"):
            accepted, parent = await self.authorise(tag)
            if not accepted:
                return
        else:
            parent = None
        self.allow(connector, tag, parent)

    def unlock(self, number):
        connector = self.connectors.get(number)
        if connector is None:
            return "NotSupported"
        if connector.jammed:
            return "UnlockFailed"
        self.stop(connector, "UnlockCommand")
        connector.unlock()
        return "Unlocked"

    def change_availability(self, number, kind):
        """The status that the change earns. What is going on at a connector is not cut short."""
        if number != 0 and number not in self.connectors:
            return "Rejected"
        if number == 0:
            self.operative = kind == "Operative"
        status = "Accepted"
        for connector in [self.connectors[number]] if number else self.connectors.values():
            if kind == "Operative":
                connector.operative, connector.inoperative_later = True, False
            elif connector.is_busy():
                connector.inoperative_later = True
                status = "Scheduled"
            else:
                connector.operative = False
        return status

    def can_trigger(self, message, number):
        if message == "BootNotification":
            return "Rejected" if self.registration == "Accepted" else "Accepted"
        if message not in ("Heartbeat", "MeterValues", "StatusNotification"):
            return "NotImplemented"
        lowest = 0 if message == "StatusNotification" else 1
        if message != "Heartbeat" and number is not None:
            if number not in self.connectors and number != lowest:
                return "Rejected"
        return "Accepted"

    async def trigger(self, message, number):
        if message == "BootNotification":
            self.boot_now.set()
        elif message == "Heartbeat":
            await self.send_heartbeat()
        elif message == "StatusNotification":
            for chosen in [number] if number is not None else [0, *self.connectors]:
                await self.say(self.status_message(chosen))
        else:
            measurands = self.configuration.items("MeterValuesSampledData")
            for connector in [self.connectors[number]] if number else self.connectors.values():
                value = connector.meter.sample(measurands, "Trigger", written(self.clock.now()))
                await self.say(Values(connector.transaction, connector.number, value).message())

    async def say(self, message):
        """Sends what need not arrive."""
        try:
            await self.session.send(message)
        except (AttributeError, *UNANSWERED) as failed:
            LOG.warning("not answered: %r", failed)
