"""`python -m plimsoll`."""

import signal
import sys

from plimsoll.cli import main

# A run that is stopped leaves its report, and no chain behind.
signal.signal(signal.SIGTERM, signal.default_int_handler)
sys.exit(main())
