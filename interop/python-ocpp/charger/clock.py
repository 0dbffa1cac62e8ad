"""The clock of the station, set by the answers of the CSMS."""

from datetime import datetime, timedelta, timezone


class Clock:
    def __init__(self):
        self._ahead = timedelta()

    def now(self):
        return datetime.now(timezone.utc) + self._ahead

    def set(self, text):
        try:
            told = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            return
        if told.tzinfo is None:
            told = told.replace(tzinfo=timezone.utc)
        self._ahead = told - datetime.now(timezone.utc)


def written(moment):
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
