"""Status reports: every change in order while there is a link, and what differs once it is back."""

import asyncio
from collections import deque

from ocpp.v16 import call

from .clock import written


class Reports:
    """Part of the station."""

    def start_reporting(self):
        self.told_main = None
        self.last_beat = 0.0
        self.slot = None
        self.reports = deque()
        self.reports_news = asyncio.Event()

    def forget_reports(self):
        """After a power cycle everything is told anew."""
        self.told_main = None
        self.reports.clear()

    def report(self):
        """Brings every connector up to date, and queues what the CSMS does not know."""
        for connector in self.connectors.values():
            connector.settle()
        if not self.is_online():
            return
        if self.main_status() != self.told_main:
            self.told_main = self.main_status()
            self._queue(0)
        for connector in self.connectors.values():
            if connector.condition() != connector.told:
                connector.told = connector.condition()
                self._queue(connector.number)

    def main_status(self):
        waits = any(connector.inoperative_later for connector in self.connectors.values())
        return "Available" if self.operative or waits else "Unavailable"

    def status_message(self, number):
        status, code, info = (self.main_status(), "NoError", None)
        if number:
            status, code, info = self.connectors[number].condition()
        return call.StatusNotification(
            connector_id=number,
            error_code=code,
            status=status,
            info=info,
            timestamp=written(self.clock.now()),
        )

    async def send_reports(self, session):
        """Sends while the link is up; what did not get through is told again when it is back."""
        while True:
            while self.reports:
                await self.say(self.reports[0][1])
                if self.reports:
                    self.reports.popleft()
            self.reports_news.clear()
            await self.reports_news.wait()

    def link_lost(self):
        for number, _ in self.reports:
            if number:
                self.connectors[number].told = None
            else:
                self.told_main = None
        self.reports.clear()

    def _queue(self, number):
        self.reports.append((number, self.status_message(number)))
        self.reports_news.set()
