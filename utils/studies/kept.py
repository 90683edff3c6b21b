"""What takes many seconds to compute from trained weights, kept beside the records.

A result lies in `derived/` of the store that it comes from, under a name made of the
function, its arguments, the runs and their weights: where one of these is another, so
is the name. Where nothing can be written it is computed each time. Tests compute
results anew.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable

from utils.files import write
from utils.studies.arms import Arm


def kept(function: Callable, arm: Arm, *arguments):
    """`function(arm, *arguments)`, which must give plain lists, dicts and numbers."""
    runs = [
        (run.name, record["weights_sha256"])
        for run, record in zip(arm.runs, arm.records, strict=True)
    ]
    inputs = json.dumps([runs, [repr(each) for each in arguments]])
    digest = hashlib.sha256(inputs.encode()).hexdigest()[:10]
    name = f"{function.__name__.strip('_')}-{digest}.json"
    path = arm.store.folder / "derived" / name
    if path.exists():
        return json.loads(path.read_text("utf-8"))
    found = function(arm, *arguments)
    with contextlib.suppress(OSError):  # a store that may only be read, a full disk
        write(path, (json.dumps(found) + "\n").encode())
    return found
