"""Installs what a device is built on, with the ordinary clients, into `interop/.cache/`."""

import hashlib
import os
import shutil
import subprocess
import sys


class InstallError(Exception):
    """Something could not be installed."""


def install(entry, cache):
    """Installs once a version; gives the words that commands may use, and the environment they need."""
    [(kind, what)] = entry.install.items()
    place = cache / entry.folder.name
    stamp = place / ".installed"
    source = entry.folder / what
    pinned = source.read_text(encoding="utf-8") if source.is_file() else what
    mark = hashlib.sha256(f"{kind}\n{pinned}\n{sys.version}".encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != mark:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        _HOW[kind](entry, what, place)
        stamp.write_text(mark, encoding="utf-8")
    return {
        "python": str(place / "bin" / "python"),
        "node": "node",
        "bin": str(place / "bin"),
        "environment": {"NODE_PATH": str(place / "node_modules")},
    }


def _pip(entry, what, place):
    _do([sys.executable, "-m", "venv", str(place)], place)
    pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _do([*pip, "--requirement", str(entry.folder / what)], place)


def _npm(entry, what, place):
    for name in ("package.json", what):
        shutil.copy(entry.folder / name, place)
    _do(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], place)


def _cargo(_, what, place):
    # Built with the toolchain of this project, wherever the build happens to stand.
    _do(["cargo", "install", "--locked", "--quiet", "--root", str(place), what], place.parent.parent)


_HOW = {"pip": _pip, "npm": _npm, "cargo": _cargo}


def _do(command, place):
    print(f"    {' '.join(os.path.basename(word) for word in command)}", flush=True)
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=1800, check=False)
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise InstallError(str(wrong)) from wrong
    if done.returncode:
        raise InstallError(f"{command[0]} failed: {done.stderr.strip()[-2000:]}")
