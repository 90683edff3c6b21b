"""Three explorers, as cells of a notebook and as a page of `jupyter nbconvert`."""

import nbformat
from nbconvert import HTMLExporter

SETUP = """
from utils import explorers
from utils.data import load_mnist
_, (images, labels) = load_mnist()
"""
STUDY = """
def record(attention, seed):
    epochs = [
        {"epoch": i + 1, "accuracy_clean": 0.9 + 0.01 * i + 0.001 * seed,
         "accuracy_matched": 0.7 + 0.02 * i + 0.001 * seed}
        for i in range(5)
    ]
    return {"spec": {"attention": attention, "noise_sd": 2.5, "seed": seed},
            "epochs": epochs}
records = [record(a, s) for a in ("ones", "as_coded") for s in range(3)]
"""
NOISE = "noise = explorers.noise(images, labels)\nnoise"
ATTENTION = "attention = explorers.attention(images, labels)\nattention"
CELLS = [SETUP, NOISE, ATTENTION, f"{STUDY}\nstudy = explorers.study(records)\nstudy"]
NAMES = ("noise", "attention", "study")


def page(*explorers, theme="light") -> str:
    """A page with the HTML of explorers alone, as executed notebooks keep it."""
    cells = []
    for explorer in explorers:
        data = {"text/html": explorer.html()}
        output = nbformat.v4.new_output("execute_result", data, execution_count=1)
        cells.append(nbformat.v4.new_code_cell("...", outputs=[output]))
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return HTMLExporter(theme=theme).from_notebook_node(notebook)[0]


def all_three() -> list:
    """What these cells show."""
    scope = {}
    exec("\n".join(CELLS), scope)
    return [scope[name] for name in NAMES]
