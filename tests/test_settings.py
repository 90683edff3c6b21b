"""What a shell, a settings file, a locale or a cache says changes no number or picture.

Each check is a process of its own, as a reader would start it.
"""

import ast
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import papermill
import pytest

import utils
from utils import record

ROOT = Path(utils.__file__).parents[1]
TRAIN = """
import utils  # first
import hashlib, json, os
from pathlib import Path
import keras
import matplotlib.pyplot as plt
import numpy as np
from utils import figures
from utils.model import build_model
from utils.training import RunSpec, train

images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1)).astype("uint8")
record, weights = train(
    RunSpec("energy", noise_sd=2.5, images=100, epochs=1, test_images=100),
    progress=False,
)
keras.utils.set_random_seed(0)
model = build_model("as_coded", noise_sd=2.5, seed=0)
model.compile("adam", "sparse_categorical_crossentropy")
history = model.fit(images, np.arange(20) % 10, epochs=3, batch_size=5, verbose=0)
plt.style.use(figures.STYLE)
figure, ax = plt.subplots()
figures.show_image(ax, images[0, ..., 0])
ax.plot([1, 20])
figures.save(figure, "picture", {"x": np.arange(3)})
print(json.dumps({
    "loss": record["epochs"][0]["loss"],
    "weights": [float(np.abs(each).sum()) for each in weights.values()],
    "types": sorted({each.dtype.name for each in weights.values()}),
    "fit": history.history["loss"],
    "random": keras.random.normal((3,), seed=1).tolist(),
    "picture": hashlib.sha256(
        (Path(os.environ["ATTENTION_FIGURES"]) / "picture.png").read_bytes()
    ).hexdigest(),
}))
"""
COMPILE = """
import utils
import jax, jax.numpy as jnp
print(jax.jit(lambda x: jnp.sin(x) @ x)(jnp.eye(3)).sum(), end="")
"""
COMPILED = "2.5244"


def environment(**settings):
    """This process's environment, without what it says to the libraries."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JAX_", "XLA_", "KERAS_", "MPL", "PJRT_", "LC_"))
    }
    return own | {"PYTHONPATH": str(ROOT)} | {k: str(v) for k, v in settings.items()}


def python(code, **settings):
    """What Python prints in an environment; it may not write to stderr."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(**settings), capture_output=True, encoding="utf-8"
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# --- Numbers and pictures -------------------------------------------------------------


@pytest.mark.slow
def test_no_setting_from_outside_changes_a_number_or_a_picture(tmp_path):
    keras_json = {
        "floatx": "float16",
        "epsilon": 0.1,
        "backend": "torch",
        "image_data_format": "channels_first",
        "nnx_enabled": True,
        "max_epochs": 1,
    }
    (tmp_path / "keras.json").write_text(json.dumps(keras_json), "utf-8")
    rc = "savefig.dpi: 30\nimage.cmap: hot\nlines.linestyle: --\nfont.size: 30\n"
    (tmp_path / "matplotlibrc").write_text(rc, "utf-8")
    hostile = {
        "KERAS_HOME": tmp_path,
        "KERAS_BACKEND": "torch",
        "KERAS_MAX_EPOCHS": 1,
        "KERAS_MAX_STEPS_PER_EPOCH": 1,
        "KERAS_NNX_ENABLED": 1,
        "MPLCONFIGDIR": tmp_path,
        "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
        "JAX_DEFAULT_PRNG_IMPL": "rbg",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": 1,
        "JAX_ENABLE_X64": 1,
        "JAX_THREEFRY_PARTITIONABLE": 0,
    }
    assert {name for name in utils.JAX if name.upper() not in hostile} == set()
    with ThreadPoolExecutor(2) as pool:
        found = [
            pool.submit(python, TRAIN, ATTENTION_FIGURES=tmp_path / f"{i}", **settings)
            for i, settings in enumerate(({}, hostile))
        ]
    plain, changed = (json.loads(each.result()) for each in found)
    assert plain["types"] == ["float32"]
    assert len(plain["fit"]) == 3
    assert changed == plain


def test_a_setting_that_is_let_be_is_recorded(monkeypatch):
    for name in os.environ:
        if name.startswith(("JAX_", "XLA_")):
            monkeypatch.delenv(name)
    usual = record.versions()
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")  # without effect, as shown above
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/home/someone")
    assert record.versions() == usual | {
        "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
        "JAX_PLATFORMS": "cpu",
    }


def test_imported_after_jax_has_begun_it_says_so():
    begin = "import jax; jax.numpy.ones(3).block_until_ready()"
    code = f"""
import warnings
{begin}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import utils
print([str(each.message) for each in caught if each.category is RuntimeWarning])
"""
    assert "one thread a process came too late" in python(code)
    assert python(code.replace(begin, "import jax")) == "[]\n"


@pytest.mark.slow
def test_a_backend_named_in_the_shell_loses_no_picture(tmp_path):
    """`MPLBACKEND=agg` would: cells run, and show nothing."""
    cells = [
        "import utils",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = tmp_path / "picture.ipynb"
    nbformat.write(notebook, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")
        patch.setenv("PYTHONPATH", str(ROOT))
        done = papermill.execute_notebook(path, None, progress_bar=False)
    assert "image/png" in done.cells[1].outputs[-1].data


# --- Text -----------------------------------------------------------------------------


def unencoded(path):
    """Calls in a file that read or write text and leave its encoding to the locale."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        given = {keyword.arg for keyword in node.keywords}
        words = [each.value for each in node.args if isinstance(each, ast.Constant)]
        binary = any("b" in str(word) for word in words if len(str(word)) <= 3)
        as_text = {k.arg for k in node.keywords} & {"text", "universal_newlines"}
        if (
            (name in ("read_text", "write_text") and "utf-8" not in words)
            or (
                name == "open"
                and owner not in ("os", "zipfile", "Image")
                and not binary
            )
            or as_text
        ) and "encoding" not in given:
            yield f"{path.relative_to(ROOT)}:{node.lineno}"


def test_text_is_utf_8_wherever_it_is_read_or_written():
    paths = [*(ROOT / "utils").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    assert [place for path in sorted(paths) for place in unencoded(path)] == []


def test_everything_can_be_imported_where_text_is_ascii_by_default():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "utils").rglob("*.py"))
        if path.stem not in ("__init__", "__main__")
    ]
    code = f"import locale, {', '.join(modules)}; print(locale.getencoding())"
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": 0, "PYTHONCOERCECLOCALE": 0}
    assert "utf" not in python(code, **ascii_only).lower()


# --- The cache of compiled functions --------------------------------------------------


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_is_not_in_the_way(tmp_path):
    elsewhere = {"MPLCONFIGDIR": tmp_path}  # matplotlib has a cache of its own
    (tmp_path / "file").touch()
    no_folder = python(COMPILE, XDG_CACHE_HOME=tmp_path / "file", **elsewhere)
    assert no_folder.startswith(COMPILED)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900))\n"
    code = COMPILE.replace("import jax", f"{limit}import jax")  # as on a full disk
    assert python(code, XDG_CACHE_HOME=tmp_path, **elsewhere).startswith(COMPILED)


@pytest.mark.slow
def test_two_processes_share_a_cache_and_damage_costs_time_only(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMPILE],
            env=environment(XDG_CACHE_HOME=tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(2)
    ]
    for process in processes:
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        assert out.startswith(COMPILED)

    (folder,) = (tmp_path / "attention-in-a-cnn").iterdir()
    cached = {path: path.read_bytes() for path in folder.iterdir()}
    assert {path.name[-6:] for path in cached} == {"-cache"}  # no lock to wait for
    for path, content in cached.items():
        path.write_bytes(content[:100])  # as when the disk was full
    assert python(COMPILE, XDG_CACHE_HOME=tmp_path).startswith(COMPILED)


def test_of_a_cache_that_is_full_the_oldest_functions_go(tmp_path, monkeypatch):
    monkeypatch.setattr(utils, "CACHE_BYTES", 250)
    for age, name in enumerate(("new", "old", "oldest")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    utils._delete_oldest(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "old"}
