"""What the CSMS adds to a connection of the library, in every version."""

import asyncio
import logging

from ocpp.charge_point import camel_to_snake_case, remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.exceptions import OCPPError

LOG = logging.getLogger("csms")


class Link:
    def __init__(self, identity, connection, central):
        super().__init__(identity, connection)
        self.central = central

    async def route_message(self, raw_msg):
        # What the library does not expect must not end the connection of a station.
        try:
            await super().route_message(raw_msg)
        except (TypeError, ValueError, RecursionError, AttributeError) as wrong:
            LOG.warning("%s: cannot be read: %r", self.id, wrong)

    async def ask(self, action, fields):
        """Sends a call for the operator, and gives what came back."""
        make = getattr(self.calls, action, None)
        if make is None:
            raise LookupError(f"there is no {action} in this version")
        request = make(**camel_to_snake_case(self.completed(action, fields)))
        answer = asyncio.ensure_future(self.call(request, suppress=False))
        closed = asyncio.ensure_future(self._connection.wait_closed())
        try:
            await asyncio.wait({answer, closed}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                return {"sent": True, "answer": "the station went away"}
            return snake_to_camel_case(remove_nones(serialize_as_dict(answer.result())))
        except asyncio.TimeoutError:
            return {"sent": True, "answer": "none in time"}
        except OCPPError as error:
            return {"sent": True, "answer": {"errorCode": error.code, "errorDescription": error.description}}
        finally:
            closed.cancel()
            answer.cancel()
