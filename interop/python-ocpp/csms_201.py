"""OCPP 2.0.1 as a CSMS speaks it."""

from ocpp.exceptions import SecurityError
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result

from central import now
from link import Link

# Messages whose answer has nothing to say.
PLAIN = [
    "StatusNotification",
    "MeterValues",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyChargingLimit",
    "NotifyCustomerInformation",
    "NotifyDisplayMessages",
    "ClearedChargingLimit",
    "FirmwareStatusNotification",
    "LogStatusNotification",
    "PublishFirmwareStatusNotification",
    "ReportChargingProfiles",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
]
WITH_REQUEST_ID = {
    "ClearDisplayMessage",
    "CustomerInformation",
    "GetBaseReport",
    "GetChargingProfiles",
    "GetDisplayMessages",
    "GetLog",
    "GetMonitoringReport",
    "GetReport",
    "PublishFirmware",
    "UpdateFirmware",
}


class Station201(Link, ChargePoint):
    """A connected station."""

    calls = call

    def accepted(self):
        if not self.central.is_accepted(self.id):
            raise SecurityError("the station is not accepted yet")

    @on("BootNotification")
    def on_boot(self, **_):
        status = self.central.register(self.id)
        return call_result.BootNotification(current_time=now(), interval=self.central.interval, status=status)

    @on("NotifyReport")
    def on_report(self, **_):
        # A station held in Pending may be asked for reports.
        return call_result.NotifyReport()

    @on("Heartbeat")
    def on_heartbeat(self, **_):
        self.accepted()
        return call_result.Heartbeat(current_time=now())

    @on("Authorize")
    def on_authorize(self, id_token, **_):
        self.accepted()
        return call_result.Authorize(id_token_info=self.token_info(id_token))

    @on("TransactionEvent")
    def on_transaction_event(self, id_token=None, **_):
        self.accepted()
        info = self.token_info(id_token) if id_token else None
        return call_result.TransactionEvent(id_token_info=info)

    @on("DataTransfer")
    def on_data_transfer(self, **_):
        self.accepted()
        return call_result.DataTransfer(status="UnknownVendorId")

    @on("SignCertificate")
    def on_sign_certificate(self, **_):
        self.accepted()
        return call_result.SignCertificate(status="Rejected")

    @on("NotifyEVChargingNeeds")
    def on_needs(self, **_):
        self.accepted()
        return call_result.NotifyEVChargingNeeds(status="Rejected")

    @on("NotifyEVChargingSchedule")
    def on_schedule(self, **_):
        self.accepted()
        return call_result.NotifyEVChargingSchedule(status="Accepted")

    @on("GetCertificateStatus")
    def on_certificate_status(self, **_):
        self.accepted()
        return call_result.GetCertificateStatus(status="Failed")

    def token_info(self, token):
        if token["type"] == "NoAuthorization":
            return {"status": "Accepted"}
        status, group = self.central.token(token["id_token"])
        info = {"status": status}
        if group:
            info["group_id_token"] = {"id_token": group, "type": "Central"}
        return info

    def completed(self, action, fields):
        """What the operator left open."""
        if action in WITH_REQUEST_ID:
            fields.setdefault("requestId", next(self.central.next_request))
        elif action == "RequestStartTransaction":
            fields.setdefault("remoteStartId", next(self.central.next_request))
        return fields


def _plain(action):
    def handler(self, **_):
        self.accepted()
        return getattr(call_result, action)()

    handler.__name__ = f"on_{action}"
    return on(action)(handler)


# The library finds its handlers when a station is made.
for _action in PLAIN:
    setattr(Station201, f"on_{_action}", _plain(_action))
