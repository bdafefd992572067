"""``python -m mesofuse``: the command line."""

import sys

from mesofuse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
