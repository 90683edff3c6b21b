"""Visual attention in a small convolutional network: what the notebooks share.

Importing this package, before Keras or JAX, settles how they run: Keras on JAX,
and one thread a process. The network is so small that threads only get in each
other's way; studies use processes instead, one a core.
"""

import os
import sys

if "keras" in sys.modules and sys.modules["keras"].config.backend() != "jax":
    raise RuntimeError(
        "Expected Keras on JAX, but Keras was imported before `utils` and runs on "
        f"{sys.modules['keras'].config.backend()!r}. Restart the kernel and import "
        "`utils` first: it chooses the backend."
    )
os.environ["KERAS_BACKEND"] = "jax"
# XLA's pool of threads. The flags that are often named for it (jax#743) do not see to
# it: under them, jaxlib 0.10 still runs a large matrix product on two threads.
os.environ.setdefault("PJRT_NPROC", "1")


def show(function):
    """Show the real source of a function or class in a notebook."""
    import inspect

    from IPython.display import Code

    return Code(inspect.getsource(function), language="python")
