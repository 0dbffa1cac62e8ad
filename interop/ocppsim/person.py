"""Who sits before the terminal: verbs become lines typed into ocppsim, after a look at what it shows.

The program knows no cable: its connector status stands for one. Nor does it keep a token until a cable comes, or hold back
a transaction whose token was refused; the person does that, as at a real station the electronics would.
"""

import threading
import time

# The program's register stands still unless it is told; this is what a charging car adds.
WATT_HOURS_A_SECOND = 2


class CannotBeDone(Exception):
    """The program has no command for it."""


class Person:
    def __init__(self, terminal):
        self.terminal = terminal
        # Tokens that were accepted before a cable came, by connector.
        self.waiting = {}
        # Tokens that began what runs.
        self.started = {}

    def do(self, verb, given):
        connector = given.get("at", {}).get("connector", 1)
        act = getattr(self, verb.replace(" ", "_"), None)
        if act is None or verb.startswith("_") or verb == "do":
            raise CannotBeDone(f'ocppsim has no command for "{verb}"')
        act(connector, given)

    def plug_in(self, connector, _):
        self._type(f"connector-status {connector} Preparing")
        if token := self.waiting.pop(connector, None):
            self.started[connector] = token
            self._type(f"start {connector} {token}")

    def unplug(self, connector, given):
        self.waiting.pop(connector, None)
        if self._is_running(connector):
            self._type(f"stop {connector} EVDisconnected")
        self._type(f"connector-status {connector} " + ("Finishing" if given.get("end") == "ev" else "Available"))

    def present_token(self, connector, given):
        token = given["token"]["idToken"]
        if self._is_running(connector):
            if self.started.get(connector, token) != token:
                raise CannotBeDone("ocppsim ends a transaction only under the token that began it")
            self._type(f"stop {connector} Local")
        else:
            threading.Thread(target=self._start, args=(connector, token), daemon=True).start()

    def _start(self, connector, token):
        """The answer may take its time, and the person has both hands free meanwhile."""
        try:
            if not self._is_accepted(token):
                return
            if self._status(connector)["status"] == "Available":
                self.waiting[connector] = token
            else:
                self.started[connector] = token
                self._type(f"start {connector} {token}")
        except OSError:
            return

    def charge(self, connector, given):
        time.sleep(given["for"])
        meter = int(self._status(connector)["meter"].removesuffix("Wh"))
        self._type(f"meter {connector} {meter + round(WATT_HOURS_A_SECOND * given['for'])}")

    def pause_by_ev(self, connector, _):
        self._type(f"connector-status {connector} SuspendedEV")

    def resume_by_ev(self, connector, _):
        self._type(f"connector-status {connector} Charging")

    def cause_fault(self, connector, _):
        self._type(f"connector-status {connector} Faulted")

    def clear_fault(self, connector, _):
        self._type(f"connector-status {connector} Available")

    def cut_power(self, *_):
        self.waiting.clear()
        self.terminal.off()

    def restore_power(self, *_):
        self.terminal.on()

    def reboot(self, *_):
        self.cut_power()
        self.restore_power()

    def _type(self, line):
        self.terminal.type(line)

    def _is_running(self, connector):
        return self._status(connector)["tx"] != "-"

    def _status(self, connector):
        """`Connector 1 status=Charging meter=0Wh tx=…` as a map."""
        lines = self.terminal.ask("status", f"Connector {connector} status=")
        return dict(word.split("=", 1) for word in lines.split() if "=" in word)

    def _is_accepted(self, token):
        said = self.terminal.ask(f"authorize {token}", "Authorize <redacted> status=", "Not connected.")
        return said.endswith("status=Accepted")
