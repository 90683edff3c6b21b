"""A page with an explorer of a canvas: what it says, and what its networks saw."""

import re

import numpy as np
from scipy.special import softmax

from utils.data import load_mnist
from utils.explorers.canvas import ALONE

_, (IMAGES, LABELS) = load_mnist()
CANVAS = ALONE.shape
FEW = 30  # digits, where a test needs no more
# What a page's networks have in their memory: the image that each saw, and its logits.
# The explorer's two networks follow the one that checks the module.
LISTEN = """<script>
const instances = [], statuses = [], real = WebAssembly.instantiate;
WebAssembly.instantiate = async (module) => {
  instances.push(await real.call(WebAssembly, module));
  return instances.at(-1);
};
const read = ({ exports }) => {
  const { buffer } = exports.memory;
  const [image] = new Uint32Array(buffer, exports.image.value, 1);
  return [[image, 3600], [exports.logits.value, 10]].map(
    ([address, length]) => [...new Float32Array(buffer, address, length)]);
};
const listen = () => {
  const status = document.querySelector(".explorer-status");
  new MutationObserver(() => statuses.push(status.textContent))
    .observe(status, { childList: true });
};
</script>"""
STATUS = re.compile(
    r"digit (?P<index>\d+) \(label (?P<label>\d)\) at row "
    r"(?P<row>\d+), column (?P<col>\d+),(.* a second digit \((?P<other>\d)\),)?"
    r".* noise (?P<noise>\d+): with (attention|a cue) (?P<attended>\d) "
    r"\((?P<sure>\d+)%\), without (?P<control>\d) \((?P<control_sure>\d+)%\)"
    r"(.*, right of (?P<shown>\d+): with (attention|a cue) (?P<attended_right>\d+)"
    r"( \(the other digit (?P<attended_other>\d+)\))?, without (?P<control_right>\d+)"
    r"( \(the other digit (?P<control_other>\d+)\))?)?"
)


def said(status):
    """What a status says, its numbers as numbers."""
    found = STATUS.search(status).groupdict()
    return {name: int(value) for name, value in found.items() if value is not None}


def place(explorer):
    now = said(explorer.status())
    return now["row"], now["col"]


def looked(explorer):
    """Of both networks, the image `(rows, cols)` and the probabilities `(10,)`."""
    explorer.settle()
    found = explorer.page.evaluate("instances.slice(-2).map(read)")
    return [
        (np.array(image, "float32").reshape(CANVAS), softmax(logits))
        for image, logits in found
    ]


def image(explorer):
    (one, _), (other, _) = looked(explorer)
    np.testing.assert_array_equal(one, other)  # both see the same
    return one


def without_noise(explorer):
    explorer.slider("noise-slider").press("Home")
    explorer.expect("noise 0:")


def canvas_with(index, corner):
    shown = np.zeros(CANVAS, "float32")
    row, col = corner
    shown[row : row + 28, col : col + 28] = IMAGES[index]
    return shown


def check_alone(explorer):
    """Without noise the display is the digit, where the status says."""
    expected = canvas_with(said(explorer.status())["index"], place(explorer))
    np.testing.assert_array_equal(image(explorer), expected)


def play(explorer):
    explorer.press("play-100")
    explorer.expect("right of 100", seconds=30)
    explorer.settle()
    explorer.settle()
    return said(explorer.status())
