"""One device: started, run against, its verdicts collected."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .device import Device, StartError

SHOWING = threading.Lock()


def play(entry, tools, plugfest, options):
    """A row of the table. With lanes, so many copies of the device share the cases and run side by side."""
    reports = options.reports / entry.title.replace("/", "-")
    shutil.rmtree(reports, ignore_errors=True)
    lanes = 1 if options.select else entry.lanes
    begun = time.monotonic()
    with ThreadPoolExecutor(lanes) as pool:
        work = [
            pool.submit(_lane, entry, tools, plugfest, options, reports / f"lane-{lane}", f"{lane}/{lanes}")
            for lane in range(1, lanes + 1)
        ]
        rows = [lane.result() for lane in work]
    troubles = [row["trouble"] for row in rows if "trouble" in row]
    row = {"device": entry.title, "seconds": time.monotonic() - begun, "code": _worst(row["code"] for row in rows)}
    if troubles:
        return {**row, "trouble": troubles[0]}
    for key in ("cases", "deaths", "deaf"):
        row[key] = [item for lane in rows for item in lane[key]]
    return row


def _worst(codes):
    """A failure of the device counts more than what could not be judged."""
    codes = list(codes)
    bad = [code for code in codes if code not in (0, 5)]
    return bad[0] if bad else max(codes)


def _lane(entry, tools, plugfest, options, reports, lane):
    reports.mkdir(parents=True)
    events = reports / "events.jsonl"
    command = [
        str(plugfest),
        "run",
        *("--rig", str(entry.rig)),
        *("--operator", "none"),
        *("--wait-for-dut", "20s"),
        *("--report-json", str(events)),
        *("--report-junit", str(reports / "junit.xml")),
        *("--trace", str(reports / "trace.jsonl")),
        *(("--partition", f"slice:{lane}") if not lane.endswith("/1") else ()),
        *(("--expect", str(entry.expected)) if entry.expected.is_file() and not options.select else ()),
        *options.select,
    ]
    row = {}
    try:
        with Device(entry, tools) as device:
            row["code"] = _run(command, device, options.limit, reports / "output.txt")
            row["deaths"] = [_told(death, events) for death in device.deaths]
            row["deaf"] = [] if device.is_alive() else ["did not answer at its control endpoint after the run"]
    except StartError as wrong:
        return {"trouble": str(wrong), "code": 5}
    row["cases"] = [event for event in _events(events) if event.get("event") == "case_finished"]
    if row["deaths"] or row["deaf"]:
        row["code"] = row["code"] or 1
    return row


def _run(command, device, limit, output):
    """Output goes to a file, and is shown as a whole: lanes would get into each other's lines."""
    with open(output, "w", encoding="utf-8") as file:
        running = subprocess.Popen(
            command,
            env={**os.environ, **device.environment()},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        try:
            code = running.wait(limit)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            code = 130
        except BaseException:
            running.terminate()
            running.wait(20)
            raise
    with SHOWING:
        sys.stdout.write(output.read_text(encoding="utf-8", errors="replace"))
        if code == 130:
            print(f"    not done within {limit} s; interrupted")
        sys.stdout.flush()
    return code


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
