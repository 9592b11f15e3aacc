"""`python -m headunit`: the same as the `headunit` command."""

import sys

from headunit.cli import main

if __name__ == "__main__":
    sys.exit(main())
