"""The scripts of the page as one, with the network's compiled module beside it."""

import base64
import re
from pathlib import Path

HERE = Path(__file__).parent
NETWORK = ("kinds.js", "network.js", "displays.js", "worker.js")


def one_script(names=NETWORK) -> str:
    """The text of some scripts in one that imports and exports nothing.

    It runs wherever a page has it: in `<script type="module">`, in an anywidget's
    module, in a worker made from a blob. No address is asked for anything.

    Args:
        names: files beside this one, each after those it imports from.
    """
    text = "".join((HERE / name).read_text("utf-8") for name in names)
    text = re.sub(r'(?m)^import \{[^}]*\} from "\./\w+\.js";\n', "", text)
    return re.sub(r"(?m)^export (?=async |const |class |function)", "", text)


def network_module() -> str:
    """The compiled network, `network.wasm`, in base64."""
    return base64.b64encode((HERE / "network.wasm").read_bytes()).decode()
