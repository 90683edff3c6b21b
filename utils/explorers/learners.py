"""Two networks that learn in the reader's page, with attention and without."""

from utils.explorers.controls import button, rare, select, slider
from utils.explorers.explorer import Explorer
from utils.explorers.packing import SIZES, digits, page_network, parameters
from utils.explorers.shipped import CONTROL, MAPS

MOST_DIGITS = 2000  # that travel with a page, 210 bytes each
ONE_IN = 20  # one digit in so many scores the networks instead of teaching them
LARGE = (60, 60)  # pixels of the canvas on which a digit may be anywhere
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03)


def learning(images, labels, run) -> Explorer:
    """Watch a network with attention and one without learn, in the page.

    Both begin with the same weights and see the same digits in the same noise. They are
    scored in the strongest noise of their training, until the noise at test is moved;
    other settings count from the next start. On 60 x 60 pixels, a page makes only some
    ten updates a second with batches of 4. For a curve within half a minute, take a run
    with a smaller canvas and batches of 1.

    Args:
        images: `(images, rows, cols)` grey levels, 20 or more. Of the first 2,000, the
            last twentieth scores the networks and the rest teaches them.
        labels: `(images,)`.
        run: a `RunSpec` with the attention, noise, canvas, optimiser, batch and seed to
            begin with.

    Returns:
        Accuracy after each hundred updates; a test digit, its maps and answers. Its
        controls: `learn` and `start_again` (how often they were pressed; `learn` pauses
        at every other press), `noise_level` (at test, SD in grey levels), `digit`
        (place among those that score), `attention` and `control` (of the two networks:
        names in `utils.attention.KINDS`), `training_noise` (SD in grey levels),
        `canvas` (such as "60 x 60"), `learning_rate`.

    Raises:
        ValueError: for images, labels or a run that a page cannot learn from.
    """
    shown = digits(images, labels, MOST_DIGITS)
    count = len(shown["labels"])
    if count < ONE_IN:
        raise ValueError(
            f"Expected {ONE_IN} images or more, to learn from most and be scored on "
            f"the rest. Received {count}. Take more."
        )
    plain = type(run)(run.attention, run.attention_parameters, run.strength).network
    other = {name: value for name, value in run.network.items() if value != plain[name]}
    if other or run.attention == "given":
        raise ValueError(
            "Expected a run that makes its map itself, from grey levels, in the wiring "
            "that build_model has of its own. Received attention="
            f"{run.attention!r} and {other or 'no other settings'}. Leave these out."
        )
    learnt = count - count // ONE_IN
    own = {**run.attention_parameters, "strength": run.strength}
    size = shown["rows"], shown["cols"]
    canvas = (run.display.rows, run.display.cols) if run.display else size
    if not {*canvas} <= {*SIZES}:
        raise ValueError(
            f"Expected a canvas of {SIZES[0]} x {SIZES[0]} to {SIZES[-1]} x "
            f"{SIZES[-1]} pixels. Received {canvas[0]} x {canvas[1]}. Take another."
        )
    shapes = {size, canvas, LARGE if max(size) < min(LARGE) else size}
    canvases = {
        f"{rows} x {cols}": {
            "shape": (rows, cols),
            "parameters": parameters(run.attention, own, (rows, cols)),
        }
        for rows, cols in sorted(shapes)
    }
    data = {
        "title": "Two networks that learn",
        "digits": digits(images[:learnt], labels[:learnt], learnt),
        "test_digits": digits(images[learnt:count], labels[learnt:count]),
        "canvases": canvases,
        "settings": {
            "noise_varies": run.noise_varies,
            "optimizer": run.optimizer,
            "learning_rate_decay": run.learning_rate_decay,
            "batch": run.batch_size,
            "seed": run.seed,
        },
        **page_network(),
        "note": f"learnt from {learnt:,} digits, scored on {count - learnt} others",
    }
    rates = {f"{rate:g}": rate for rate in sorted({*RATES, run.learning_rate})}
    most = max(10.0, 2 * run.noise_sd)
    varies = "0 to SD" if run.noise_varies else "SD"
    how = {"sgd": "SGD", "adam": "Adam"}[run.optimizer]
    last = count - learnt - 1
    moving = {
        "learn": button("learn-button", "Learn"),
        "start_again": button("again-button", "Start again"),
        "noise_level": slider(
            "noise-slider", "Test noise (SD)", 0, most, 0.5, run.noise_sd
        ),
        "digit": slider("digit-slider", "Test digit (place)", 0, last, 1, 0),
    }
    beginning = {
        "attention": select("attention-select", "One network", MAPS, run.attention),
        "control": select("control-select", "The other network", MAPS, CONTROL),
        "training_noise": rare(
            slider(
                *("training-noise-slider", f"Training noise ({varies})", 0),
                *(most, 0.5, run.noise_sd),
            )
        ),
        "canvas": rare(
            select(
                *("canvas-select", "Canvas", {name: name for name in canvases}),
                "{} x {}".format(*canvas),
            )
        ),
        "learning_rate": rare(
            select("rate-select", f"Learning rate ({how})", rates, run.learning_rate)
        ),
    }
    return Explorer("learning", [moving, beginning], data)
