"""OCPP 1.6 as the station speaks it: one connection, on the library."""

import asyncio
import json
import logging

from ocpp.exceptions import NotSupportedError
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call_result

LOG = logging.getLogger("station")

ABSENT = [
    "CancelReservation",
    "CertificateSigned",
    "ClearChargingProfile",
    "DeleteCertificate",
    "ExtendedTriggerMessage",
    "GetCompositeSchedule",
    "GetDiagnostics",
    "GetInstalledCertificateIds",
    "GetLog",
    "InstallCertificate",
    "SetChargingProfile",
    "SignedUpdateFirmware",
    "UpdateFirmware",
]


class Session(ChargePoint):
    """A connection of the station; the answers come from the station behind it."""

    def __init__(self, station, connection):
        super().__init__(station.identity, connection, station.configuration.number("MessageTimeout"))
        self.station = station
        self.remote = {}
        self.closed = asyncio.ensure_future(connection.wait_closed())

    async def route_message(self, raw_msg):
        if self.station.registration == "Rejected" and is_call(raw_msg):
            return
        try:
            await super().route_message(raw_msg)
        except (TypeError, ValueError, RecursionError, AttributeError) as wrong:
            LOG.warning("cannot be read: %r", wrong)

    async def send(self, message):
        """Sends a call and gives its answer; a refusal, silence and the end of the link are exceptions."""
        self._response_timeout = self.station.configuration.number("MessageTimeout")
        answer = asyncio.ensure_future(self.call(message, suppress=False))
        try:
            await asyncio.wait({answer, self.closed}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise ConnectionError("the link is down")
            return answer.result()
        finally:
            answer.cancel()

    @on("GetConfiguration")
    def on_get_configuration(self, key=None):
        known, unknown = self.station.configuration.read(key)
        return call_result.GetConfiguration(configuration_key=known, unknown_key=unknown or None)

    @on("ChangeConfiguration")
    def on_change_configuration(self, key, value):
        return call_result.ChangeConfiguration(status=self.station.configuration.change(key, value))

    @on("ClearCache")
    def on_clear_cache(self):
        self.station.cache.clear()
        return call_result.ClearCache(status="Accepted")

    @on("DataTransfer")
    def on_data_transfer(self, **_):
        return call_result.DataTransfer(status="UnknownVendorId")

    @on("GetLocalListVersion")
    def on_get_local_list_version(self):
        return call_result.GetLocalListVersion(list_version=-1)

    @on("SendLocalList")
    def on_send_local_list(self, **_):
        return call_result.SendLocalList(status="NotSupported")

    @on("ReserveNow")
    def on_reserve_now(self, **_):
        return call_result.ReserveNow(status="Rejected")

    @on("ChangeAvailability")
    def on_change_availability(self, connector_id, type):
        return call_result.ChangeAvailability(status=self.station.change_availability(connector_id, type))

    @after("ChangeAvailability")
    def after_change_availability(self, **_):
        self.station.report()

    @on("RemoteStartTransaction")
    def on_remote_start(self, call_unique_id, connector_id=None, **_):
        connector = self.station.choose_for_remote(connector_id)
        self.remote[call_unique_id] = connector
        return call_result.RemoteStartTransaction(status="Accepted" if connector else "Rejected")

    @after("RemoteStartTransaction")
    async def after_remote_start(self, call_unique_id, id_tag, **_):
        connector = self.remote.pop(call_unique_id)
        if connector:
            await self.station.start_remotely(connector, id_tag)

    @on("RemoteStopTransaction")
    async def on_remote_stop(self, transaction_id):
        connector = await self.station.find_running(transaction_id)
        is_known = connector is not None and self.station.registration == "Accepted"
        return call_result.RemoteStopTransaction(status="Accepted" if is_known else "Rejected")

    @after("RemoteStopTransaction")
    def after_remote_stop(self, transaction_id):
        connector = self.station.running(transaction_id)
        if connector and self.station.registration == "Accepted":
            self.station.stop(connector, "Remote")

    @on("UnlockConnector")
    def on_unlock_connector(self, connector_id):
        return call_result.UnlockConnector(status=self.station.unlock(connector_id))

    @on("Reset")
    def on_reset(self, type):
        return call_result.Reset(status="Accepted")

    @after("Reset")
    def after_reset(self, type):
        self.station.later(self.station.reset(type))

    @on("TriggerMessage")
    def on_trigger(self, requested_message, connector_id=None):
        return call_result.TriggerMessage(status=self.station.can_trigger(requested_message, connector_id))

    @after("TriggerMessage")
    async def after_trigger(self, requested_message, connector_id=None):
        if self.station.can_trigger(requested_message, connector_id) == "Accepted":
            await self.station.trigger(requested_message, connector_id)


def is_call(text):
    try:
        return json.loads(text)[0] == 2
    except (ValueError, TypeError, IndexError, KeyError, RecursionError):
        return False


def _absent(action):
    def handler(self, **_):
        raise NotSupportedError(description=f"this station has no {action}")

    handler.__name__ = f"on_{action}"
    return on(action)(handler)


# The library finds its handlers when a session is made.
for _action in ABSENT:
    setattr(Session, f"on_{_action}", _absent(_action))
