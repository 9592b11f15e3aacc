"""`python -m benchmarks`: run all benchmarks."""

import sys

from benchmarks.transport import main

if __name__ == "__main__":
    sys.exit(main())
