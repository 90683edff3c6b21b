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

for flag in (
    "--xla_cpu_multi_thread_eigen=false",
    "intra_op_parallelism_threads=1",
    "--xla_cpu_prefer_vector_width=512",  # about 2% faster where there is AVX-512
    "--xla_cpu_experimental_ynn_fusion_type=",  # a fusion that can crash jaxlib 0.10
):
    if flag.split("=")[0] not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def show(function):
    """Show the real source of a function or class in a notebook."""
    import inspect

    from IPython.display import Code

    return Code(inspect.getsource(function), language="python")
