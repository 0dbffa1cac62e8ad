"""Carries a stimulus out on ocppsim: the verb becomes lines that are typed into the program.

The stimulus comes in the environment, as every `exec` driver gets it. Exit code 3: this device cannot do that.
"""

import json
import os
import sys
import time
from urllib.parse import quote
from urllib.request import Request, urlopen

# The program's register stands still unless it is told; this is what a charging car adds.
WATT_HOURS_A_SECOND = 2


def main():
    given = {name.removeprefix("PLUGFEST_").lower(): value for name, value in os.environ.items()}
    connector = given.get("at_connector", "1")
    verb = given["verb"]
    if verb == "plug in":
        type(f"connector-status {connector} Preparing")
    elif verb == "unplug":
        type(f"connector-status {connector} Available")
    elif verb == "present token":
        token = given.get("token_id_token", given.get("token"))
        if running(connector):
            type(f"stop {connector} Local")
        else:
            type(f"authorize {token}")
            type(f"start {connector} {token}")
    elif verb == "charge":
        seconds = float(given["for"])
        time.sleep(seconds)
        type(f"meter {connector} {register(connector) + round(WATT_HOURS_A_SECOND * seconds)}")
    elif verb == "pause by ev":
        type(f"connector-status {connector} SuspendedEV")
    elif verb == "resume by ev":
        type(f"connector-status {connector} Charging")
    elif verb == "cause fault":
        type(f"connector-status {connector} Faulted")
    elif verb == "clear fault":
        type(f"connector-status {connector} Available")
    elif verb == "cut power":
        post("/off")
    elif verb == "restore power":
        post("/on")
    elif verb == "reboot":
        post("/restart")
    else:
        print(f"ocppsim has no command for \"{verb}\"", file=sys.stderr)
        return 3
    return 0


def type(line):
    post(f"/type?line={quote(line)}")


def running(connector):
    return not status(connector).endswith("tx=-")


def register(connector):
    return int(status(connector).split("meter=")[1].split("Wh")[0])


def status(connector):
    with urlopen(os.environ["INTEROP_CONTROL"] + "/status", timeout=5) as answer:
        return next(line for line in json.load(answer) if line.startswith(f"Connector {connector} "))


def post(path):
    urlopen(Request(os.environ["INTEROP_CONTROL"] + path, method="POST"), timeout=5).close()


if __name__ == "__main__":
    sys.exit(main())
