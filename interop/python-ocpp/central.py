"""What a CSMS remembers, whatever the version of the link: stations, tokens, transactions."""

import itertools
import json
from datetime import datetime, timezone


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Central:
    def __init__(self, site, interval):
        self.stations = {}
        for name in site["stations"]:
            self.know(name)
        self.tokens = {name.upper(): token for name, token in site["tokens"].items()}
        self.interval = interval
        self.transactions = {}
        self.numbers = {}
        self.next_transaction = itertools.count(1001)
        self.next_request = itertools.count(1)
        self.links = {}

    @staticmethod
    def from_file(path, interval):
        with open(path, encoding="utf-8") as file:
            return Central(json.load(file), interval)

    def know(self, station):
        """A station of the operator's; what is known of it stays."""
        self.stations.setdefault(station, {"boot": "Accepted", "registered": None})

    def register(self, station):
        """The answer to a boot; it holds until the next one."""
        record = self.stations[station]
        record["registered"] = record["boot"]
        return record["boot"]

    def is_accepted(self, station):
        return self.stations[station]["registered"] == "Accepted"

    def token(self, text):
        """Status and group of a token; one that nobody knows is invalid."""
        token = self.tokens.get(text.upper())
        if token is None:
            return "Invalid", None
        return token["status"], token.get("group")

    def start(self, station, facts):
        """The id of a transaction. One that is told again, because its answer was lost, keeps its id."""
        number = self.numbers.get((station, facts))
        if number is None:
            number = next(self.next_transaction)
            self.numbers[station, facts] = number
            self.transactions[number] = {"station": station, "running": True}
        return number

    def stop(self, station, number):
        known = self.transactions.get(number)
        if known and known["station"] == station:
            known["running"] = False
