"""`python -m sim` and the command `farside`."""

import sys

from sim.cli import main

if __name__ == "__main__":
    sys.exit(main())
