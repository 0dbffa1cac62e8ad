"""A connector: what is plugged, who may charge, and the status that comes of it."""

import time
from dataclasses import dataclass, field

from .meter import Meter


@dataclass
class Transaction:
    """A transaction from the moment energy may flow until it is told to the CSMS."""

    connector: int
    id_tag: str
    meter_start: int
    started: str
    # Unknown until the CSMS has answered; -1 if it never did.
    id: int | None = None
    parent: str | None = None
    samples: list = field(default_factory=list)
    last_sample: float = field(default_factory=time.monotonic)
    # The CSMS does not accept the tag, and the configuration lets the transaction live on.
    suspended: bool = False

    def name(self):
        return -1 if self.id is None else self.id


class Connector:
    def __init__(self, number):
        self.number = number
        self.meter = Meter(1000 * number)
        self.in_socket = False
        self.at_vehicle = False
        self.vehicle_ready = True
        self.jammed = False
        self.locked = False
        self.fault = None
        self.operative = True
        self.inoperative_later = False
        # The tag that may start here with its group, and since when something is being prepared.
        self.authorised = None
        self.preparing_since = None
        self.finishing = False
        self.transaction = None
        # Whose token frees the cable.
        self.held_for = None
        # What the CSMS was told last.
        self.told = None

    def is_plugged(self):
        return self.in_socket and self.at_vehicle

    def is_free(self):
        """Whether a new transaction may begin here."""
        return self.transaction is None and self.fault is None and self.operative and not self.inoperative_later

    def status(self):
        if self.fault:
            return "Faulted"
        if self.transaction:
            if self.transaction.suspended:
                return "SuspendedEVSE"
            return "Charging" if self.is_plugged() and self.vehicle_ready else "SuspendedEV"
        if not self.operative:
            return "Unavailable"
        if self.finishing:
            return "Finishing"
        return "Preparing" if self.authorised or self.is_plugged() else "Available"

    def condition(self):
        """Status, error code and remark, as they are reported."""
        status = self.status()
        if status == "Faulted":
            return status, self.fault, None
        left = self.transaction and not self.at_vehicle
        return status, "NoError", "EV side disconnected" if left else None

    def is_busy(self):
        """Whether somebody is at it, so that it cannot be taken out of service yet."""
        return self.transaction is not None or self.status() == "Preparing"

    def settle(self):
        """Brings meter and times in line with what has happened."""
        if self.inoperative_later and not self.is_busy():
            self.operative, self.inoperative_later = False, False
        status = self.status()
        self.meter.flow(status == "Charging")
        if status != "Preparing":
            self.preparing_since = None
        elif self.preparing_since is None:
            self.preparing_since = time.monotonic()

    def lock(self):
        """Holds the cable; false if the lock does not move."""
        if self.jammed:
            return False
        self.locked = True
        return True

    def unlock(self):
        if self.jammed:
            return False
        self.locked = False
        self.held_for = None
        return True

    def plug_in(self):
        self.in_socket = self.at_vehicle = self.vehicle_ready = True

    def unplug_socket(self):
        """False if the lock holds the cable."""
        if self.locked:
            return False
        self.in_socket = self.at_vehicle = self.finishing = False
        return True

    def forget(self):
        """What a power cycle does to it."""
        self.authorised = None
        self.preparing_since = None
        self.finishing = False
        self.held_for = None
        self.told = None
        self.unlock()
