"""One device: started, run against, its verdicts collected."""

import json
import os
import signal
import subprocess
import time

from .device import Device, StartError


def play(entry, tools, plugfest, options):
    """A row of the table."""
    reports = options.reports / entry.title.replace("/", "-")
    reports.mkdir(parents=True, exist_ok=True)
    events = reports / "events.jsonl"
    events.unlink(missing_ok=True)
    command = [
        str(plugfest),
        "run",
        *("--rig", str(entry.rig)),
        *("--operator", "none"),
        *("--wait-for-dut", "20s"),
        *("--report-json", str(events)),
        *("--report-junit", str(reports / "junit.xml")),
        *("--trace", str(reports / "trace.jsonl")),
        *(("--expect", str(entry.expected)) if entry.expected.is_file() and not options.select else ()),
        *options.select,
    ]
    row = {"device": entry.title}
    try:
        with Device(entry, tools) as device:
            begun = time.monotonic()
            row["code"] = _run(command, device, options.limit)
            row["seconds"] = time.monotonic() - begun
            row["deaths"] = [_told(death, events) for death in device.deaths]
            row["deaf"] = not device.is_alive()
    except StartError as wrong:
        return {**row, "trouble": str(wrong), "code": 5}
    row["cases"] = [event for event in _events(events) if event.get("event") == "case_finished"]
    if row["deaths"] or row["deaf"]:
        row["code"] = row["code"] or 1
    return row


def _run(command, device, limit):
    running = subprocess.Popen(command, env={**os.environ, **device.environment()}, stdin=subprocess.DEVNULL)
    try:
        return running.wait(limit)
    except subprocess.TimeoutExpired:
        print(f"    not done within {limit} s; interrupted", flush=True)
        running.send_signal(signal.SIGINT)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        return 130
    except BaseException:
        running.terminate()
        running.wait(20)
        raise


def _events(file):
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _told(death, events):
    """A death, with the cases that had ended shortly before and after it."""
    moment, code, said = death
    done = [event["case"] for event in _events(events) if event.get("event") == "case_finished"]
    when = time.strftime("%H:%M:%S", time.gmtime(moment))
    return f"ended with code {code} at {when} UTC; cases done by the end: {len(done)}; it said: {' | '.join(said)}"
