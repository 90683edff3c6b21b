"""Curves of a study: accuracy over epochs and over noise, with their spread.

Each function draws on the axes it is given, touches nothing else, and returns them;
the functions at the end give the numbers behind the curves, for `figures.save`.
"""

import numpy as np

from utils.attention import KINDS
from utils.replication import ARMS, CLEAN, accuracies, cell, published_curves
from utils.statistics import mean_and_standard_error
from utils.training import decode_correct

COLOURS = {
    "as_coded": "#0072B2",
    "ones": "#D55E00",
    "top_n": "#009E73",
    "energy": "#0072B2",
    "selectivity": "#56B4E9",
    "evidence": "#CC79A7",
    "shuffled": "#E69F00",
    "centre": "#009E73",
    "given": "#222222",
}
MARKERS = {"as_coded": "o", "ones": "s", "top_n": "^", "energy": "o"}


def learning_curves(ax, accuracies, *, attention, label=None, **style):
    """Draw accuracy after each epoch: mean over runs, band of one standard error.

    Args:
        ax: axes.
        accuracies: `(runs, epochs)`, from 0 to 1.
        attention: the kind, which decides colour and marker.
        label: legend text; by default the kind's own.
        **style: settings of `Axes.plot`.
    """
    mean, error = mean_and_standard_error(accuracies)
    epochs = np.arange(1, len(mean) + 1)
    settings = {
        "color": COLOURS.get(attention),
        "marker": MARKERS.get(attention),
        "label": label or KINDS[attention].label,
        **style,
    }
    (line,) = ax.plot(epochs, mean, **settings)
    ax.fill_between(
        epochs, mean - error, mean + error, color=line.get_color(), alpha=0.2, lw=0
    )
    ax.set(xlabel="epoch", ylabel="accuracy", xticks=epochs)
    return ax


def published_behind(ax, accuracies, *, attention, label=None):
    """Draw published curves as a thin dashed line with error bars, behind ours.

    Args:
        ax: axes.
        accuracies: `(runs, epochs)`.
        attention: the kind, which decides the colour.
        label: legend text.
    """
    mean, error = mean_and_standard_error(accuracies)
    epochs = np.arange(1, len(mean) + 1)
    ax.errorbar(
        epochs,
        mean,
        error,
        color=COLOURS[attention],
        linestyle=(0, (4, 2)),
        linewidth=1,
        alpha=0.65,
        capsize=2,
        label=label,
        zorder=1,
    )
    return ax


def comparison(ax, records, noise_sd, test=CLEAN, *, published=False):
    """Draw attention and control after each epoch, as the post's figures do.

    Args:
        ax: axes.
        records: of a study with both arms.
        noise_sd: training noise of the cells to draw, grey levels.
        test: `"accuracy_clean"` or `"accuracy_matched"`.
        published: draw the published curves behind.
    """
    for attention in ARMS:
        if published:
            curves = published_curves()[attention, noise_sd]
            label = f"{KINDS[attention].label}, reported 2016"
            published_behind(ax, curves, attention=attention, label=label)
        curves = accuracies(records, attention, noise_sd, test)
        learning_curves(ax, curves, attention=attention)
    return ax


def accuracy_against_noise(ax, records, noise_sd):
    """Draw final accuracy against the noise at test, for both arms.

    Args:
        ax: axes.
        records: of a study with both arms.
        noise_sd: training noise of the cells to draw, grey levels; marked.
    """
    for attention in ARMS:
        runs = cell(records, attention, noise_sd)
        levels = runs[0]["spec"]["test_noise_sds"]
        right = [[decode_correct(r, sd).mean() for sd in levels] for r in runs]
        mean, error = mean_and_standard_error(right)
        style = {"color": COLOURS[attention], "marker": MARKERS[attention]}
        places = np.arange(len(levels))
        ax.errorbar(
            places, mean, error, label=KINDS[attention].label, capsize=2, **style
        )
    ax.axvline(levels.index(noise_sd), color="#888888", linestyle=":", zorder=0)
    ax.axhline(0.1, color="#888888", linewidth=0.8, zorder=0)
    ax.set(
        xticks=places,
        xticklabels=[f"{sd:g}" for sd in levels],
        xlabel="noise at test (SD, grey levels)",
        ylabel="accuracy",
        ylim=(0, 1.02),
    )
    return ax


def curve_columns(records, noise_sd=None):
    """Every accuracy of a study's learning curves, as columns for `save`.

    Args:
        records: of a study.
        noise_sd: only cells with this training noise.
    """
    rows = [
        (
            record["spec"]["attention"],
            record["spec"]["noise_sd"],
            record["spec"]["seed"],
            epoch["epoch"],
            epoch["accuracy_clean"],
            epoch["accuracy_matched"],
        )
        for record in records
        if noise_sd in (None, record["spec"]["noise_sd"])
        for epoch in record["epochs"]
    ]
    names = ("attention", "training_noise_sd", "seed", "epoch", "accuracy_clean",
             "accuracy_matched")  # fmt: skip
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def noise_columns(records):
    """Every final accuracy at every noise level, as columns for `save`."""
    rows = [
        (
            record["spec"]["attention"],
            record["spec"]["noise_sd"],
            record["spec"]["seed"],
            sd,
            decode_correct(record, sd).mean(),
        )
        for record in records
        for sd in record["spec"]["test_noise_sds"]
    ]
    names = ("attention", "training_noise_sd", "seed", "test_noise_sd", "accuracy")
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def rate_curves(ax, validation, chosen, label=None):
    """Draw validation accuracy against the learning rate, noisy and clean.

    Args:
        ax: axes.
        validation: rate -> `(seeds, 2)`, accuracy on clean and on noisy images.
        chosen: the rate to mark.
        label: title.
    """
    rates = sorted(validation)
    for place, (name, style) in enumerate(
        (("clean", {"linestyle": "--"}), ("with the noise of training", {}))
    ):
        colour = ("#D55E00", "#0072B2")[place]
        scores = np.array([validation[rate][:, place] for rate in rates])
        ax.plot(rates, scores.mean(1), color=colour, label=name, **style)
        for scored in scores.T:
            ax.plot(rates, scored, ".", color=colour, alpha=0.6)
    ax.axvline(chosen, color="#888888", linestyle=":", zorder=0)
    ax.set(xscale="log", xlabel="learning rate", ylim=(0, 1))
    ax.set_title(label)
    return ax


def noise_grid(ax, accuracy, trained, tested, title=""):
    """Draw accuracy for every pair of training and test noise, with its numbers.

    Args:
        ax: axes.
        accuracy: `(training levels, test levels)`.
        trained: `(training levels,)`, noise SD in grey levels.
        tested: `(test levels,)`.
        title: text above.

    Returns:
        The picture, for a colour bar.
    """
    picture = ax.imshow(accuracy, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for (row, col), value in np.ndenumerate(accuracy):
        colour = "black" if value > 0.55 else "white"
        text = f"{value:.2f}"
        ax.text(col, row, text, ha="center", va="center", color=colour)
    ax.set(
        xticks=range(len(tested)),
        xticklabels=[f"{sd:g}" for sd in tested],
        yticks=range(len(trained)),
        yticklabels=[f"{sd:g}" for sd in trained],
        xlabel="noise at test (SD)",
    )
    ax.set_title(title)
    ax.grid(visible=False)
    return picture


def forest(ax, names, contrasts):
    """Draw differences with their 95% intervals, one a line, the first on top.

    Args:
        ax: axes.
        names: text beside each.
        contrasts: as many `utils.contrasts.Contrast`.
    """
    places = -np.arange(len(names))
    values = np.array([c.points[:3] for c in contrasts])
    errors = np.abs(values[:, 1:] - values[:, :1]).T
    ax.errorbar(values[:, 0], places, xerr=errors, fmt="o", color="#0072B2", capsize=3)
    ax.axvline(0, color="#444444", linewidth=0.8)
    ax.set(yticks=places, xlabel="arm minus control, points")
    ax.set_yticklabels(names)
    ax.margins(y=0.1)
    return ax


def psychometric_curve(ax, levels, right, fitted, *, attention, label, **style):
    """Draw accuracy against the noise level with a fitted psychometric function.

    Args:
        ax: axes; levels are on a logarithmic scale.
        levels: `(levels,)` noise SDs in grey levels, above 0.
        right: `(seeds, levels, images)` bool; dots are means over seeds with standard
            errors.
        fitted: a `utils.psychometrics.PsychometricFunction`, drawn as a line; its
            threshold is marked on the axis.
        attention: the kind, which decides colour and marker.
        label: legend text.
        **style: settings of the line.
    """
    colour = COLOURS[attention]
    mean, error = mean_and_standard_error(right.mean(-1))
    marker = MARKERS.get(attention, "o")
    ax.errorbar(levels, mean, error, fmt=marker, color=colour, capsize=2, label=label)
    fine = np.geomspace(min(levels), max(levels), 200)
    ax.plot(fine, fitted.accuracy(fine), color=colour, **style)
    ax.plot(fitted.threshold, 0, "^", color=colour, clip_on=False, zorder=5)
    ax.axhline(fitted.guess, color="#888888", linewidth=0.8, linestyle=":", zorder=0)
    ax.set(xscale="log", ylim=(0, 1), ylabel="accuracy")
    ax.set(xlabel="noise at test (SD, grey levels)")
    ax.set_xticks(levels, [f"{level:g}" for level in levels])
    ax.minorticks_off()
    return ax


def mean_with_errors(ax, x, runs, **style):
    """Draw means over runs with standard errors at `x`: `runs` is a list of arrays."""
    found = [mean_and_standard_error(each) for each in runs]
    mean, error = np.transpose(found)
    ax.errorbar(x, mean, error, capsize=2, **style)
    return ax
