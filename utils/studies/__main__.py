"""`python -m utils.studies NAME`: run a whole study, or continue it."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from utils.runs import together
from utils.studies import PROFILES, StudyStoppedError, profile, run


def main(arguments: Sequence[str] | None = None, study=profile) -> int:
    """Run the command line and return its exit status; `study` gives a name's runs."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.studies",
        description="Run a whole study, or continue one that was stopped.",
        epilog="Profiles:\n\n"
        + "\n".join(f"  {x:24}{each.description}" for x, each in PROFILES.items())
        + "\n\nCtrl-C stops a study; finished epochs are kept. Exit status: 0 when "
        "every record\nexists, 1 when something failed, 130 after Ctrl-C.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("profile", help="a name from the list below")
    parser.add_argument(
        "--store",
        default="build/records",
        type=Path,
        help="folder for the records (default: %(default)s)",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="for a GPU: train runs by Adam that differ only in seed and rate side by "
        "side in one program; unfinished runs are lost when it is stopped",
    )
    options = parser.parse_args(arguments)
    execute = together.run if options.together else run
    try:
        records = execute(study(options.profile), options.store)
    except KeyboardInterrupt:
        print("Stopped. Run the same command to go on.", file=sys.stderr)
        return 130
    except (StudyStoppedError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    core_minutes = sum(record["seconds"] for record in records) / 60
    print(
        f"{len(records)} records in {options.store} ({core_minutes:.1f} minutes of "
        "one core in all)."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
