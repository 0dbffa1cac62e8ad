"""The energy meter of a connector."""

import time

WATTS = 7360
VOLTS = 230


class Meter:
    """A register in watt-hours that grows while energy flows; it survives every power cycle."""

    def __init__(self, start):
        self._energy = float(start)
        self._since = None

    def flow(self, flows):
        if flows and self._since is None:
            self._since = time.monotonic()
        elif not flows and self._since is not None:
            self._energy = self._total()
            self._since = None

    def flows(self):
        return self._since is not None

    def register(self):
        return int(self._total())

    def sample(self, measurands, context, moment):
        """A `meterValue` of these measurands."""
        watts = WATTS if self.flows() else 0
        readings = {
            "Energy.Active.Import.Register": (str(self.register()), "Wh"),
            "Power.Active.Import": (str(watts), "W"),
            "Current.Import": (str(watts // VOLTS), "A"),
            "Voltage": (str(VOLTS), "V"),
        }
        values = [
            {
                "value": readings[name][0],
                "context": context,
                "format": "Raw",
                "measurand": name,
                "location": "Outlet",
                "unit": readings[name][1],
            }
            for name in measurands
        ]
        return {"timestamp": moment, "sampled_value": values}

    def _total(self):
        flowing = 0.0 if self._since is None else time.monotonic() - self._since
        return self._energy + WATTS * flowing / 3600
