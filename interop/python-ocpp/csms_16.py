"""OCPP 1.6 as a CSMS speaks it."""

from ocpp.exceptions import SecurityError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

from central import now
from link import Link

VENDOR = "com.example.interop"


class Station16(Link, ChargePoint):
    """A connected station."""

    calls = call

    def accepted(self):
        if not self.central.is_accepted(self.id):
            raise SecurityError("the station is not accepted yet")

    @on("BootNotification")
    def on_boot(self, **_):
        status = self.central.register(self.id)
        return call_result.BootNotification(current_time=now(), interval=self.central.interval, status=status)

    @on("Heartbeat")
    def on_heartbeat(self):
        self.accepted()
        return call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def on_status(self, **_):
        self.accepted()
        return call_result.StatusNotification()

    @on("Authorize")
    def on_authorize(self, id_tag):
        self.accepted()
        return call_result.Authorize(id_tag_info=self.tag_info(id_tag))

    @on("StartTransaction")
    def on_start(self, connector_id, id_tag, meter_start, timestamp, **_):
        self.accepted()
        number = self.central.start(self.id, (connector_id, id_tag, meter_start, timestamp))
        return call_result.StartTransaction(transaction_id=number, id_tag_info=self.tag_info(id_tag))

    @on("StopTransaction")
    def on_stop(self, transaction_id, id_tag=None, **_):
        self.accepted()
        self.central.stop(self.id, transaction_id)
        return call_result.StopTransaction(id_tag_info=self.tag_info(id_tag) if id_tag else None)

    @on("MeterValues")
    def on_meter_values(self, **_):
        self.accepted()
        return call_result.MeterValues()

    @on("DataTransfer")
    def on_data_transfer(self, vendor_id, message_id=None, **_):
        self.accepted()
        if vendor_id != VENDOR:
            return call_result.DataTransfer(status="UnknownVendorId")
        return call_result.DataTransfer(status="Accepted" if message_id == "ping" else "UnknownMessageId")

    @on("DiagnosticsStatusNotification")
    def on_diagnostics_status(self, **_):
        self.accepted()
        return call_result.DiagnosticsStatusNotification()

    @on("FirmwareStatusNotification")
    def on_firmware_status(self, **_):
        self.accepted()
        return call_result.FirmwareStatusNotification()

    @on("LogStatusNotification")
    def on_log_status(self, **_):
        self.accepted()
        return call_result.LogStatusNotification()

    @on("SignedFirmwareStatusNotification")
    def on_signed_firmware_status(self, **_):
        self.accepted()
        return call_result.SignedFirmwareStatusNotification()

    @on("SecurityEventNotification")
    def on_security_event(self, **_):
        self.accepted()
        return call_result.SecurityEventNotification()

    @on("SignCertificate")
    def on_sign_certificate(self, **_):
        self.accepted()
        return call_result.SignCertificate(status="Rejected")

    def tag_info(self, tag):
        status, group = self.central.token(tag)
        info = {"status": status}
        if group:
            info["parent_id_tag"] = group
        return info

    def completed(self, action, fields):
        """What the operator left open."""
        if action == "Reset":
            fields.setdefault("type", "Soft")
        elif action == "SendLocalList":
            fields.setdefault("updateType", "Full")
            fields.setdefault("listVersion", next(self.central.next_request))
        elif action == "ReserveNow":
            fields.setdefault("reservationId", next(self.central.next_request))
        elif action in ("UpdateFirmware", "SignedUpdateFirmware"):
            fields.setdefault("retrieveDate", now())
        return fields
