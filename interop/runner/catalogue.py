"""The devices there are: one `interop.json` a folder."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A device as its folder describes it."""

    folder: Path
    name: str
    command: tuple
    install: dict
    slow: bool
    # How long it may take to say where it is.
    patience: int
    # How many copies of it share the cases.
    lanes: int

    @property
    def title(self):
        return f"{self.folder.name}/{self.name}"

    @property
    def rig(self):
        return self.folder / f"{self.name}.plugfest.yaml"

    @property
    def expected(self):
        return self.folder / "expected.yaml"


def chosen(root, names, everything):
    """The devices of these names; without names every device, the slow ones only if asked for."""
    entries = [entry for file in sorted(root.glob("*/interop.json")) for entry in _read(file)]
    if not names:
        return [entry for entry in entries if everything or not entry.slow]
    found = []
    for name in names:
        meant = [entry for entry in entries if name in (entry.folder.name, entry.title)]
        if not meant:
            raise LookupError(f"no device is called {name}; there are {', '.join(entry.title for entry in entries)}")
        found += [entry for entry in meant if entry not in found]
    return found


def _read(file):
    described = json.loads(file.read_text(encoding="utf-8"))
    for device in described["devices"]:
        yield Entry(
            file.parent,
            device["name"],
            tuple(device["command"]),
            described["install"],
            described.get("slow", False),
            device.get("patience", 20),
            device.get("lanes", 1),
        )
