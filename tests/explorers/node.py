"""A running Node, the one that Playwright's package brings, for JavaScript alone."""

import json
import subprocess
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from utils.explorers import explorer

HARNESS = Path(__file__).with_suffix(".js")


class Node:
    """Evaluates functions that see all that some scripts of utils/explorers export.

    Args:
        scripts: such as "network.js".
    """

    def __init__(self, *scripts: str, flags=()):
        node, _ = compute_driver_executable()
        addresses = [(explorer.HERE / each).as_uri() for each in scripts]
        command = [node, *flags, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]
        self.process = subprocess.Popen(
            [*command, HARNESS, *addresses],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def evaluate(self, function: str, argument=None):
        """The value, as JSON holds it, of a JavaScript function of one argument."""
        self.process.stdin.write(json.dumps([function, argument]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer.get("value")

    def close(self):
        """End it."""
        with self.process:  # closes its pipes, and waits
            self.process.stdin.close()
