"""The explorers: move noise, attention and epochs by hand, and watch.

Each function returns a widget that the reader's page draws and computes by itself
(`explorer.py`, `explorer.js`): as alive in a page without a kernel as in JupyterLab.
From Python, its controls are traits, which the functions name: read, set or observe
them, as in `explorer.noise_level = 40`.
"""

from utils.explorers.canvas import competition as competition
from utils.explorers.canvas import display as display
from utils.explorers.learning import learning as learning
from utils.explorers.observer import observer as observer
from utils.explorers.one_digit import attention as attention
from utils.explorers.one_digit import noise as noise
from utils.explorers.shipped import trained as trained
from utils.explorers.study import study as study
