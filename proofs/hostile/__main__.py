"""`python -m proofs.hostile --seed N --story K`: one story of the fuzz again, and the shortest that fails."""

import argparse
import sys
from functools import partial

from proofs.hostile.peer import FindingError
from proofs.hostile.story import PACKETS, Story, replay, shortest


def main() -> int:
    """Exit code 0 when the story holds, 1 when it ends with a finding."""
    parser = argparse.ArgumentParser(prog="python -m proofs.hostile", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--story", type=int, required=True)
    parser.add_argument("--packets", type=int, default=PACKETS)
    args = parser.parse_args()
    story = Story(args.seed, args.story, args.packets)
    try:
        story.play()
    except FindingError as finding:
        print(f"after {len(story.log)} actions: {finding}")
        play = partial(replay, story.scene)
        log = shortest(story.log, finding.rule, play)
        print(f"{len(log)} of them do: {play(log)}\n  {story.scene}")
        print("\n".join(f"  {action}" for action in log))
        return 1
    print(f"holds: {story.packets} packets, {story.stage.connections} connections")
    return 0


if __name__ == "__main__":
    sys.exit(main())
