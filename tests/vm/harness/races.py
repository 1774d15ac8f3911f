# SPDX-License-Identifier: GPL-2.0-only
"""Count KCSAN's reports in kernel logs: `python3 -m harness.races LOG...`"""

import collections
import pathlib
import sys

from .results import races


def main():
    """Print how many there are of each; those that a driver under test takes part in first."""
    counts = collections.Counter()
    for name in sys.argv[1:]:
        lines = pathlib.Path(name).read_text(errors="replace").splitlines()
        counts.update((not ours, title) for _, title, ours in races(lines))
    for (others, title), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1])):
        print("# KCSAN, %s: %d times %s" % ("others" if others else "drivers", count, title))
    print("# KCSAN: %d reports with a driver under test, %d others"
          % (sum(count for (others, _), count in counts.items() if not others),
             sum(count for (others, _), count in counts.items() if others)))


if __name__ == "__main__":
    main()
