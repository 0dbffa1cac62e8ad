"""Carries a stimulus out on ocppsim, as every `exec` driver gets it: JSON on standard input.

Exit code 0: done · 1: could not be done · 3: this device can never do that.
"""

import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

control = os.environ["INTEROP_CONTROL"]
try:
    urlopen(Request(f"{control}/stimulus", sys.stdin.buffer.read(), method="POST"), timeout=300).close()
except HTTPError as refused:
    print(refused.read().decode(errors="replace"), file=sys.stderr)
    sys.exit(3 if refused.code == 501 else 1)
