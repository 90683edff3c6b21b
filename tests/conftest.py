"""Before any test module imports Keras, the project chooses its backend."""

import utils  # noqa: F401
