"""Notebooks 1 to 3 on data that are not MNIST: few images, other sizes and labels."""

import re

import numpy as np
import papermill
import pytest

from utils.data import load_mnist
from utils.tools.notebooks import NOTEBOOKS, errors

FILES = {  # border (rows, cols), darkest ink, and how many images of which class
    "28 x 40, faint, single images": {
        "border": (0, 6),
        "ink": 85,
        "train": {k: 1 if k in (2, 7) else 9 for k in range(10)},
        "test": dict.fromkeys(range(10), 1),
    },
    "32 x 32, each set lacks classes of the other": {
        "border": (2, 2),
        "ink": 255,
        "train": {3: 12, 5: 8, 8: 4},
        "test": {3: 2, 4: 1, 5: 3},
    },
    "80 x 80, more than a page takes": {
        "border": (26, 26),
        "ink": 255,
        "train": dict.fromkeys(range(10), 3),
        "test": dict.fromkeys(range(10), 1),
    },
}
PARAMETERS = {  # whole numbers may come as floats; the defaults fit any data
    "01_data_and_noise": {"examples": 3.0},
    "02_building_the_model": {},
    "03_seeing_attention": {"digit": 1.0},
}


def write_npz(path, border, ink, **counts):
    """A file of MNIST digits that are changed as `FILES` says."""
    arrays = {}
    for (part, count), (images, labels) in zip(
        counts.items(), load_mnist(), strict=True
    ):
        chosen = [np.flatnonzero(labels == k)[:n] for k, n in count.items()]
        chosen = np.sort(np.concatenate(chosen))
        framed = np.pad(images[chosen], [(0, 0), *((each, each) for each in border)])
        arrays[f"x_{part}"] = (framed * (ink / 255)).astype("uint8")
        arrays[f"y_{part}"] = labels[chosen]
    np.savez_compressed(path, **arrays)


def said(notebook):
    """What cells print, warnings too, and the Markdown that they compute."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    streams = [output.get("text", "") for output in outputs]
    markdown = [output.get("data", {}).get("text/markdown", "") for output in outputs]
    return "\n".join(streams + markdown)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize("file", FILES)
def test_a_notebook_on_data_of_ones_own(name, file, tmp_path):
    write_npz(tmp_path / "mine.npz", **FILES[file])
    executed = papermill.execute_notebook(
        NOTEBOOKS / f"{name}.ipynb",
        tmp_path / "executed.ipynb",
        parameters={"data": str(tmp_path / "mine.npz"), **PARAMETERS[name]},
        kernel_name="python3",
        cwd=NOTEBOOKS,
        progress_bar=False,
    )
    assert not list(errors(executed))
    text = said(executed)
    assert "MNIST" in text  # which the text is about
    assert not re.search("nan|Warning", text)
    # Where images are counted, these are.
    train, test = (sum(FILES[file][part].values()) for part in ("train", "test"))
    counts = re.findall(r"(?<!to )\b([\d,]+) (?:test )?(?:images|digits)", text)
    assert {*counts} == {str(test)} | ({str(train)} if name.startswith("01") else set())
