"""The authorisation cache."""

from datetime import datetime, timezone


class Cache:
    MOST = 100

    def __init__(self):
        self._known = {}

    def clear(self):
        self._known.clear()

    def learn(self, tag, info):
        self._known.pop(tag.upper(), None)
        self._known[tag.upper()] = info
        if len(self._known) > self.MOST:
            invalid = (name for name, known in self._known.items() if known["status"] != "Accepted")
            del self._known[next(invalid, next(iter(self._known)))]

    def knows(self, tag):
        return tag.upper() in self._known

    def accepts(self, tag):
        known = self._known.get(tag.upper())
        if not known or known["status"] != "Accepted":
            return False
        expires = known.get("expiry_date")
        return not expires or datetime.fromisoformat(expires.replace("Z", "+00:00")) > datetime.now(timezone.utc)

    def parent(self, tag):
        return self._known.get(tag.upper(), {}).get("parent_id_tag")
