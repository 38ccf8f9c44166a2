"""`python -m plimsoll`."""

import signal
import sys

from plimsoll.cli import main

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is stopped leaves its report, and no chain behind
    sys.exit(main())
