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

import comm

INLINE = "module://matplotlib_inline.backend_inline"
JAX = {  # options that a shell may well set and that would change numbers
    "jax_default_matmul_precision": None,
    "jax_default_prng_impl": "threefry2x32",
    "jax_disable_most_optimizations": False,
    "jax_enable_x64": False,
    "jax_threefry_partitionable": True,
}
CACHE_BYTES = 64 * 2**20  # of compiled functions; the oldest are deleted
VIEW = "application/vnd.jupyter.widget-view+json"


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


def _kernel():
    """The kernel that this process is, or None."""
    module = sys.modules.get("ipykernel.kernelapp")
    running = module and module.IPKernelApp.initialized()
    return module.IPKernelApp.instance().kernel if running else None


def _draw_in_notebooks():
    """Draw a notebook's pictures in it, even if a shell sets `MPLBACKEND=agg`."""
    kernel = _kernel()
    if kernel and not os.environ.get("MPLBACKEND", INLINE).startswith("module://"):
        os.environ["MPLBACKEND"] = INLINE
        kernel.shell.run_line_magic("matplotlib", "inline")


def _show_pages_where_nobody_reads():
    """Show an explorer's page, and no other widget, in a notebook that runs by itself.

    Papermill and nbconvert run it for a reader who comes later, without the kernel.
    Their front end, unlike a person's, takes no input. It would keep a widget's view,
    which nbconvert prefers to the page, and whose code a browser asks a server for.
    """
    if not (kernel := _kernel()):
        return
    request = kernel.get_parent().get("content", {})
    if request.get("allow_stdin", True):
        return

    def without_view(message):
        data = message["content"].get("data", {})
        if data.pop(VIEW, None) and "text/html" not in data:
            return None  # a progress bar
        return message

    comm.create_comm = comm.DummyComm  # a widget's state stays in the kernel
    kernel.shell.display_pub.register_hook(without_view)
    kernel.shell.displayhook.register_hook(without_view)


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
    """In the user's cache folder: what one kernel compiled, the next one loads.

    Whatever is wrong with that folder, or with what is in it, costs time only. JAX can
    limit the size of its cache too, but under a lock, for which each access may wait
    ten seconds. So the oldest functions are deleted here, once, and without a lock.
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
        _delete_oldest(folder)
    except OSError:
        return
    if not os.access(folder, os.W_OK):
        return
    broken = "Error (reading|writing) persistent compilation cache"
    warnings.filterwarnings("ignore", broken, UserWarning)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", -1)  # no limit, and no lock
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)


def _delete_oldest(folder):
    facts = {path: path.stat() for path in folder.iterdir()}
    size = sum(fact.st_size for fact in facts.values())
    for path, fact in sorted(facts.items(), key=lambda item: item[1].st_mtime):
        if size > CACHE_BYTES:
            path.unlink(missing_ok=True)
            size -= fact.st_size


_show_pages_where_nobody_reads()
_draw_in_notebooks()  # before Keras, which imports matplotlib
_before_keras()
_settle_keras_and_jax()
_keep_compiled_functions()
