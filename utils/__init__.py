"""Visual attention in a small convolutional network: what the notebooks share.

Importing this package settles, for everything that reaches a number or a picture, how
Keras, JAX and matplotlib run, whatever a shell or a settings file says: Keras on JAX in
float32, channels last, and one thread a process. The network is so small that threads
only get in each other's way; studies use processes instead, one a core.
"""

import hashlib
import os
import sys
import warnings
from pathlib import Path

INLINE = "module://matplotlib_inline.backend_inline"
JAX = {  # every option of JAX that a number depends on, on one machine
    "jax_default_matmul_precision": None,
    "jax_default_prng_impl": "threefry2x32",
    "jax_disable_most_optimizations": False,
    "jax_enable_custom_prng": False,
    "jax_enable_x64": False,
    "jax_high_dynamic_range_gumbel": False,
    "jax_legacy_prng_key": "allow",
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_random_seed_offset": 0,
    "jax_softmax_custom_jvp": False,
    "jax_threefry_partitionable": True,
}
CACHE_BYTES = 64 * 2**20  # of compiled functions; the oldest make way
WORTH_KEEPING = 0.1  # seconds: before each write, JAX looks at all that is there


def show(function):
    """Show the real source of a function or class in a notebook."""
    import inspect

    from IPython.display import Code

    return Code(inspect.getsource(function), language="python")


def changed(function, old: str, new: str):
    """The function with a piece of its source exchanged, for a reader's experiment.

    Raises:
        ValueError: if `old` is not in the source once.
    """
    import inspect

    source = inspect.getsource(function)
    if source.count(old) != 1:
        raise ValueError(
            f"Expected a piece of {function.__name__} that is in it once. Received "
            f"{old!r}, which is in it {source.count(old)} times. Copy a whole line."
        )
    names = dict(function.__globals__)
    exec(source.replace(old, new), names)
    return names[function.__name__]


def _draw_in_notebooks():
    """Let `MPLBACKEND=agg` in a shell not lose the pictures of a notebook."""
    kernel = sys.modules.get("ipykernel.kernelapp")
    if not (kernel and kernel.IPKernelApp.initialized()):
        return
    if not os.environ.get("MPLBACKEND", INLINE).startswith("module://"):
        os.environ["MPLBACKEND"] = INLINE
        kernel.IPKernelApp.instance().shell.run_line_magic("matplotlib", "inline")


def _before_keras():
    if "keras" in sys.modules and sys.modules["keras"].config.backend() != "jax":
        raise RuntimeError(
            "Expected Keras on JAX, but Keras was imported before `utils` and runs on "
            f"{sys.modules['keras'].config.backend()!r}. Restart the kernel and import "
            "`utils` first: it chooses the backend."
        )
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["KERAS_NNX_ENABLED"] = "false"
    # XLA's pool of threads. The flags that are often named for it (jax#743) do not see
    # to it: under them, jaxlib 0.10 still runs a large matrix product on two threads.
    os.environ.setdefault("PJRT_NPROC", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge and bridge.backends_are_initialized():
        warnings.warn(
            "JAX was already at work when `utils` was imported, so that its setting of "
            "one thread a process came too late. Restart the kernel and import `utils` "
            "first.",
            RuntimeWarning,
            stacklevel=3,
        )


def outside() -> dict[str, str]:
    """Settings of JAX and XLA in the environment that are let be, for the record."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(("JAX_", "XLA_"))
        and name.lower() not in JAX
        and "CACHE" not in name
    }


def _settle_keras_and_jax():
    import jax
    import keras

    keras.config.set_floatx("float32")  # a user's keras.json may say otherwise
    keras.config.set_dtype_policy("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)
    for name, value in JAX.items():
        jax.config.update(name, value)


def _keep_compiled_functions():
    """In the user's cache folder: what one kernel compiled, the next need not.

    Whatever is wrong with that folder or with what is in it costs time only.
    """
    import jax
    import platformdirs

    cache = platformdirs.user_cache_path("attention-in-a-cnn")
    if jax.config.jax_compilation_cache_dir or not cache.is_absolute():
        return  # the user's own choice; a user without a home
    features = Path("/proc/cpuinfo")  # code for one processor may fail on another
    text = features.read_text("utf-8") if features.exists() else ""
    flags = {line for line in text.splitlines() if line.startswith(("flags", "model"))}
    machine = hashlib.sha256("\n".join(sorted(flags)).encode()).hexdigest()[:10]
    folder = cache / f"jax-{machine}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for entry in folder.glob("*-cache"):  # JAX writes its time of use after it:
            if not entry.with_name(entry.name[:-5] + "atime").exists():
                entry.unlink()  # one without was cut short, and JAX would keep it
    except OSError:
        return
    if not os.access(folder, os.W_OK):
        return
    broken = "Error (reading|writing) persistent compilation cache"
    warnings.filterwarnings("ignore", broken, UserWarning)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", CACHE_BYTES)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)


_draw_in_notebooks()  # before Keras, which imports matplotlib
_before_keras()
_settle_keras_and_jax()
_keep_compiled_functions()
