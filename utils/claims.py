"""Every claim of the series: its sentence, its number, and the runs it rests on.

Notebooks and the README say these sentences and no others that carry a result. Each is
made from records when it is asked for, so it cannot differ from them; tests hold the
README and the committed notebooks to them.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats

from utils import contrasts, displaced, profiles, replication, tables
from utils.contrasts import Contrast, contrast, contrast_after_an_epoch
from utils.replication import CLEAN, MATCHED, PUBLISHED_NOISE, SAME
from utils.statistics import holm, paired_difference

EQUAL = 0.75  # accuracy at which the noise is compared that networks bear
FORMATS = {  # by unit
    "points": "+.1f",
    "dB": "+.1f",
    "times": ".1f",
    "hours": ".1f",
    "%": ".1f",
    "": ".2g",
}


class Claim(NamedTuple):
    """One sentence and what it rests on."""

    key: str
    sentence: str
    value: float  # the number that the sentence is about
    low: float  # of its 95% interval; NaN where it has none
    high: float
    unit: str
    runs: int  # records that it rests on
    p: float = np.nan  # exact sign-flip test
    detectable: float = np.nan  # difference found with a power of 80%


def say(key: str, chosen: Iterable[Claim] | None = None):
    """The sentence of a claim, for a notebook; of those chosen, by default of all.

    Raises:
        KeyError: for an unknown key, with those that exist.
    """
    from IPython.display import Markdown

    known = {claim.key: claim for claim in (claims() if chosen is None else chosen)}
    if key not in known:
        raise KeyError(f"No claim {key!r}. Expected one of {', '.join(known)}.")
    return Markdown(known[key].sentence)


def table(chosen: Iterable[Claim]) -> str:
    """Claims as a Markdown table, p-values corrected for their number (Holm)."""
    chosen = list(chosen)
    tested = [each for each in chosen if not np.isnan(each.p)]
    corrected = dict(
        zip((e.key for e in tested), holm([e.p for e in tested]), strict=True)
    )
    heads = ("claim", "number", "95% interval", "p, corrected", "could have found")
    rows = []
    for each in chosen:
        span, p, found = "", "", ""
        number, unit = FORMATS[each.unit], each.unit
        if not np.isnan(each.low):
            span = f"{each.low:{number}} to {each.high:{number}}"
        if each.key in corrected:
            p = f"{corrected[each.key]:.2g}"
        if not np.isnan(each.detectable):
            found = f"{each.detectable:.1f}"
        cells = (
            each.sentence,
            f"{each.value:{number}} {unit}".rstrip(),
            span,
            p,
            found,
            str(each.runs),
        )
        rows.append(cells)
    return tables.markdown((*heads, "runs"), rows)


def claims() -> tuple[Claim, ...]:
    """All of them, in the order in which the series makes them."""
    return (*about_the_post(), *about_places())


@functools.cache
def about_the_post() -> tuple[Claim, ...]:
    """Claims of notebooks 4 and 5: the study of the post, and what explains it."""
    return (*_published(), *_paired())


@functools.cache
def about_places() -> tuple[Claim, ...]:
    """Claims of notebook 6: attention to digits whose place is uncertain."""
    return (*_headline(), *_kinds(), *_elsewhere(), *_mechanism())


def _published():
    from utils import study

    records = replication.committed(study.profile("published"))
    curves = replication.published_curves()

    def last(attention, noise_sd, test):
        runs = replication.accuracies(records, attention, noise_sd, test)
        return runs[:, -1].mean()

    def claim(key, noise_sd, test, sentence):
        gap = replication.difference(records, noise_sd, test)
        numbers = {
            "attention": last("as_coded", noise_sd, test),
            "ones": last("ones", noise_sd, test),
            "reported_attention": curves["as_coded", noise_sd][:, -1].mean(),
            "reported_ones": curves["ones", noise_sd][:, -1].mean(),
            "gap": gap,
        }
        span = gap.mean, gap.low, gap.high
        return Claim(key, sentence.format(**numbers), *span, "points", 2 * gap.runs)

    hours = sum(record["seconds"] for record in records) / 3600
    return (
        claim(
            "published clean",
            0.0,
            CLEAN,
            "**The published figures come out again.** After twelve epochs, networks "
            "trained on clean digits reach {attention:.3f} with the published "
            "attention and {ones:.3f} without (reported: {reported_attention:.3f} and "
            "{reported_ones:.3f}), a difference of {gap}.",
        ),
        claim(
            "published noise",
            PUBLISHED_NOISE,
            CLEAN,
            "Networks trained with noise reach {attention:.3f} and {ones:.3f} "
            "(reported: {reported_attention:.3f} and {reported_ones:.3f}), a "
            "difference of {gap}.",
        ),
        claim(
            "published matched",
            PUBLISHED_NOISE,
            MATCHED,
            "**The second figure tests on clean images.** Tested with the noise of "
            "their training, the same networks reach {attention:.3f} with attention "
            "and {ones:.3f} without, a difference of {gap}.",
        ),
        Claim(
            "published hours",
            f"The whole published study, {len(records)} runs of "
            f"{len(records[0]['epochs'])} epochs, took {hours:.1f} hours of one core.",
            *(hours, np.nan, np.nan, "hours", len(records)),
        ),
    )


def _paired():
    gain, ones = "gain_1/15", "ones"
    smallest, largest = replication.published_gains()
    chosen = profiles.CHOSEN
    same_clean = contrasts.same(f"{gain}_clean", f"{ones}_clean", 0.0, SAME)
    verdict = "shown" if same_clean.equivalent else "not shown"
    worse_map, swap = contrasts.swapped("energy_tuned").T
    swapped = paired_difference(100 * swap, 100 * worse_map)
    ends = [contrasts.curve(arm, MATCHED)[:, 0] for arm in ("top_1", ones)]
    failed, calm = (int((end < replication.ERRATIC_END).sum()) for end in ends)
    share = stats.binomtest(failed, len(ends[0])).proportion_ci(method="exact")
    correlation = replication.scrambled_correlation()
    author = _author()
    return (
        Claim(
            "flat",
            "**The published map selects nothing.** In six trained networks, on 1,000 "
            f"test images, its gain is {smallest:.7f} to {largest:.7f} at every place.",
            *(largest - smallest, np.nan, np.nan, "", 6),
        ),
        Claim(
            "scrambled",
            "Had the map not been flat, the published reshaping would have given the "
            "channels gains that correlate with the intended ones by "
            f"{correlation.value:+.2f} (95% interval {correlation.low:+.2f} to "
            f"{correlation.high:+.2f} for the mean over 1,000 test images).",
            *(correlation.value, correlation.low, correlation.high, "", 1),
        ),
        _claim(
            "gain, mismatch",
            contrast(gain, ones, 0.0),
            "**A constant makes the published difference.** Trained with noise of SD "
            "2.5 and tested clean, a network whose gain is 1/15 everywhere is ahead of "
            "the control by {}.",
        ),
        _claim(
            "gain, matched",
            contrast(gain, ones, PUBLISHED_NOISE),
            "Tested with the noise of their training, the same networks differ by {}.",
        ),
        _claim(
            "gain, clean",
            contrast(f"{gain}_clean", f"{ones}_clean", 0.0),
            "Trained and tested on clean digits, they differ by {}; a difference "
            f"smaller than {SAME:g} point is {verdict} (two one-sided tests, p = "
            f"{same_clean.p:.2g}).",
        ),
        _claim(
            "as coded",
            contrast_after_an_epoch("as_coded", gain, CLEAN),
            "The published attention and a constant gain of 1/15 differ by {} on clean "
            "images after one epoch.",
        ),
        _claim(
            "rate",
            contrast(f"{ones}_tuned", ones, 0.0),
            "**The gain acts as a learning rate.** At a learning rate of "
            f"{chosen[ones]:g}, chosen on noisy validation images, the control gains "
            "{} on clean images over the published rate of 0.01.",
        ),
        _claim(
            "rate, both",
            contrast(f"{gain}_tuned", f"{ones}_tuned", 0.0),
            f"With a rate chosen for each ({chosen[gain]:g} for the gain of 1/15), the "
            "network with the gain differs from the control on clean images by {}.",
        ),
        _claim(
            "map",
            contrast_after_an_epoch("energy_tuned", f"{ones}_tuned"),
            "**A map, on centred digits.** `energy` at its own best rate differs from "
            "the control at its best by {} on images with the noise of training, after "
            "one epoch.",
        ),
        _claim(
            "place",
            contrast("energy_tuned", "shuffled_tuned", PUBLISHED_NOISE),
            "Networks trained with `energy` differ from networks trained with the same "
            "values in shuffled places by {} on images with the noise of training.",
        ),
        Claim(
            "swapped",
            "Given the map of another image instead of their own, trained `energy` "
            f"networks change by {_span(swapped)}.",
            *(swapped.value, swapped.low, swapped.high, "points", len(swap)),
        ),
        Claim(
            "erratic",
            f"**A guess that guides itself fails.** At the published rate, {failed} of "
            f"{len(ends[0])} networks guided by their own guess end their first epoch "
            f"below one half (95% interval {share.low:.0%} to {share.high:.0%}, exact "
            f"binomial); of the control, {calm} of {len(ends[1])}.",
            100 * failed / len(ends[0]),
            *(100 * share.low, 100 * share.high, "%", len(ends[0]) + len(ends[1])),
        ),
        _claim(
            "N, one",
            contrast_after_an_epoch("top_1_tuned", f"{ones}_tuned"),
            "**Neither the guess nor an N in between is ahead.** Attending to the one "
            "likeliest digit, at its own best rate, differs from the control at its "
            "best by {} on images with the noise of training, after one epoch.",
        ),
        _claim(
            "N, between",
            contrast_after_an_epoch("top_3_tuned", f"{ones}_tuned"),
            "Attending to the three likeliest digits differs from it by {}.",
        ),
        Claim(
            "author",
            "The author's own networks, trained with noise: those with attention "
            f"differ from the controls by {_span(author[0])} on clean images, and by "
            f"{_span(author[1])} with the noise of their training.",
            *(author[1].value, author[1].low, author[1].high, "points", 6),
        ),
    )


def _headline():
    control, attended = displaced.CONTROL, displaced.ATTENDED
    most = profiles.DISPLACED_NOISE
    size = f"{profiles.CANVAS} x {profiles.CANVAS}"
    pairs = contrasts.pairs(attended, control)
    sooner = displaced.sooner(attended, control)
    shift = displaced.shift(attended, control)
    thresholds = [displaced.threshold(each).value for each in (attended, control)]
    late, still = (displaced.late_gain(each) for each in (control, attended))
    caught = displaced.gap_change(attended, control)
    borne = displaced.more_noise(attended, control, EQUAL)
    return (
        _claim(
            "uncertain",
            contrast(attended, control, most),
            "**Where the place is uncertain, attention helps.** On digits at random "
            f"places of {size} pixels, in noise of SD {most:g}, `energy` is ahead of "
            "the control by {}, each at the best of the learning rates tried for it.",
        ),
        Claim(
            "uncertain, sooner",
            "It reaches the mean accuracy of the control's last three epochs with "
            f"{sooner.value:.1f} times fewer images (95% interval {sooner.low:.1f} to "
            f"{sooner.high:.1f}, {pairs} pairs).",
            *(sooner.value, sooner.low, sooner.high, "times", 2 * pairs),
        ),
        Claim(
            "uncertain, flat",
            f"In the last of {contrasts.curve(control).shape[1]} epochs the control "
            f"still gains {_span(late)}, and `energy` {_span(still)}.",
            *(late.value, late.low, late.high, "points", 2 * pairs),
        ),
        Claim(
            "uncertain, catching up",
            "From the third epoch to the last, the lead of `energy` changes by "
            f"{_span(caught)}.",
            *(caught.value, caught.low, caught.high, "points", 2 * pairs),
        ),
        *_long(),
        Claim(
            "uncertain, threshold",
            f"At its threshold, `energy` bears {shift.value:+.1f} dB more noise than "
            f"the control (95% interval {shift.low:+.1f} to {shift.high:+.1f}, {pairs} "
            f"pairs): an SD of {thresholds[0]:.0f} against {thresholds[1]:.0f}.",
            *(shift.value, shift.low, shift.high, "dB", 2 * pairs),
        ),
        Claim(
            "uncertain, equal accuracy",
            f"At {EQUAL:.0%} right, `energy` bears {borne.value:+.1f} dB more noise "
            f"than the control (95% interval {borne.low:+.1f} to {borne.high:+.1f}, "
            f"{pairs} pairs).",
            *(borne.value, borne.low, borne.high, "dB", 2 * pairs),
        ),
        _claim(
            "uncertain, more noise",
            contrast(attended, control, 160.0),
            "In noise of SD 160, more than any image of training had, they differ by "
            "{}.",
        ),
        _claim(
            "uncertain, twice the noise",
            contrast(attended, control, 240.0),
            "In noise of SD 240, twice the most of training, they differ by {}.",
        ),
        _claim(
            "uncertain, clean",
            contrast(attended, control, 0.0),
            "Without noise, they differ by {}.",
        ),
    )


def _long():
    arms = control, attended = [
        f"{arm}_long" for arm in (displaced.CONTROL, displaced.ATTENDED)
    ]
    most, pairs = profiles.DISPLACED_NOISE, contrasts.pairs(attended, control)
    short, long = (
        run.images * run.epochs
        for run in (profiles.arm(displaced.CONTROL)[0], profiles.arm(control)[0])
    )
    sooner = displaced.sooner(attended, control)
    late, still = (displaced.late_gain(each, epochs=3) for each in arms)
    caught = displaced.gap_change(attended, control, since=6)
    return (
        _claim(
            "long",
            contrast(attended, control, most),
            f"**The lead after long training.** After {long:,} images, where it was "
            f"{short:,}, `energy` differs from the control by {{}}.",
        ),
        Claim(
            "long, sooner",
            "It reaches the mean accuracy of this control's last three epochs with "
            f"{sooner.value:.1f} times fewer images (95% interval {sooner.low:.1f} to "
            f"{sooner.high:.1f}, {pairs} pairs).",
            *(sooner.value, sooner.low, sooner.high, "times", 2 * pairs),
        ),
        Claim(
            "long, flat",
            f"From epoch {profiles.LONG - 3} to {profiles.LONG}, the control gains "
            f"{_span(late)}, and `energy` {_span(still)}.",
            *(late.value, late.low, late.high, "points", 2 * pairs),
        ),
        Claim(
            "long, catching up",
            f"From epoch 6 to {profiles.LONG}, the lead of `energy` changes by "
            f"{_span(caught)}.",
            *(caught.value, caught.low, caught.high, "points", 2 * pairs),
        ),
        _claim(
            "long, twice the noise",
            contrast(attended, control, 240.0),
            "In noise of SD 240, these networks differ by {}.",
        ),
    )


def _kinds():
    control, attended = displaced.CONTROL, displaced.ATTENDED
    most = profiles.DISPLACED_NOISE
    return (
        _claim(
            "uncertain, place",
            contrast(attended, "displaced_shuffled", most),
            "**It is the places.** `energy` is ahead of a network that learns with the "
            "same values in shuffled places by {}.",
        ),
        _claim(
            "uncertain, shuffled",
            contrast("displaced_shuffled", control, most),
            "That network differs from the control by {}.",
        ),
        _claim(
            "uncertain, centre",
            contrast("displaced_centre", control, most),
            "A map that knows only where the centre is differs from the control by {}.",
        ),
        _claim(
            "uncertain, selectivity",
            contrast("displaced_selectivity", control, most),
            "A map of local certainty, `selectivity`, differs from the control by {}.",
        ),
        _claim(
            "uncertain, evidence",
            contrast("displaced_evidence", control, most),
            "A map of class evidence, the post's idea in a form that is not flat, "
            "differs from the control by {}.",
        ),
        _claim(
            "uncertain, oracle",
            contrast("displaced_oracle", attended, most),
            "An oracle, which is told the digit's place, differs from `energy` by {}.",
        ),
        _claim(
            "uncertain, oracle, more noise",
            contrast("displaced_oracle", attended, 240.0),
            "In noise of SD 240, it differs from it by {}.",
        ),
    )


def _elsewhere():
    control, attended = displaced.CONTROL, displaced.ATTENDED
    most, clutter = profiles.DISPLACED_NOISE, profiles.CLUTTER_NOISE

    def against(ending, sd):
        return contrast(f"{attended}_{ending}", f"{control}_{ending}", sd)

    fixed = [
        _claim(
            f"fixed {sd:g}",
            against(f"fixed_{sd:g}", sd),
            f"Trained and tested on 44 x 44 pixels in noise of SD {sd:g} that does not "
            "vary, they differ by {}.",
        )
        for sd in profiles.FIXED_LEVELS
    ]
    return (
        _claim(
            "uncertain, 44",
            against("44", most),
            "On a canvas of 44 x 44 pixels, `energy` differs from the control by {}.",
        ),
        _claim(
            "uncertain, 28",
            against("28", most),
            "On 28 x 28 pixels, where the digit's place is certain, they differ by {}.",
        ),
        *fixed,
        _claim(
            "clutter",
            against("clutter", clutter),
            "Among four fragments of other digits, in noise of SD "
            f"{clutter:g}, `energy` differs from the control by {{}}.",
        ),
        _claim(
            "cued",
            contrast("displaced_cued_clutter", f"{control}_clutter", clutter),
            "There a cue that is right in four of five displays puts a network ahead "
            "of the control by {}.",
        ),
        _claim(
            "cued, activity",
            contrast("displaced_cued_clutter", f"{attended}_clutter", clutter),
            "It differs from `energy`, which nobody tells the place, by {}.",
        ),
        _claim(
            "cue, benefit",
            contrast("valid", "neutral", clutter),
            "For a network that learnt with this cue, a valid cue is worth {} against "
            "none.",
        ),
        _claim(
            "cue, cost",
            contrast("invalid", "neutral", clutter),
            "An invalid one is worth {} against none.",
        ),
        _claim(
            "cue, valid or not",
            contrast("valid", "invalid", clutter),
            "A valid cue is worth {} against an invalid one.",
        ),
    )


def _mechanism():
    most, size = profiles.DISPLACED_NOISE, profiles.CANVAS + 16
    points = {x: displaced.pointed(displaced.ATTENDED, x) for x in (0.0, most, 240.0)}
    found, worst = points[most], points[240.0]
    calm = points[0.0].on_padding.mean()
    kind, _ = profiles.DISPLACED[profiles.HEADLINE[1]]
    unattended = displaced.pointed(displaced.CONTROL, most, kind=kind)
    every = stats.binomtest(found.found_by_all, displaced.LOOKED)
    every = every.proportion_ci(method="exact")
    return (
        _claim(
            "necessary",
            contrast("strength 0", "strength 1", most),
            "**Trained with attention, a network needs it.** With its attention "
            "divided out at test, a trained network changes by {}.",
        ),
        _claim(
            "misplaced",
            contrast("misplaced", "strength 1", most),
            "With its map's values in shuffled places, it changes by {}.",
        ),
        _claim(
            "lent",
            contrast("lent", "alone", most),
            "Given the map of an attended network, a trained control changes by {}.",
        ),
        _claim(
            "added",
            contrast("added", "alone", most),
            "Given a map of its own activity, it changes by {}.",
        ),
        _claim(
            "large",
            contrast("large, attended", "large, control", most),
            f"On a canvas larger than that of training, {size} x {size} pixels, "
            "attended networks differ from controls by {}.",
        ),
        _claim(
            "clutter not met",
            contrast("clutter, attended", "clutter, control", 60.0),
            "Among fragments of other digits, which neither met in training, they "
            "differ by {} in noise of SD 60.",
        ),
        Claim(
            "pointing",
            f"**The map finds the digit.** In noise of SD {most:g}, the highest gain "
            "inside the outermost ring lies on the digit's square in "
            f"{found.found_by_all} of "
            f"{displaced.LOOKED} test images for each of {len(found.hits)} networks "
            f"(95% interval {every.low:.1%} to {every.high:.1%}, exact binomial); of "
            f"places drawn at random, {found.chance:.0%} would.",
            100 * found.found_by_all / displaced.LOOKED,
            *(100 * every.low, 100 * every.high, "%", len(found.hits)),
        ),
        _share(
            "pointing, twice the noise",
            worst.hits,
            "In noise of SD 240 it lies there in {} of test images; of all these "
            f"images, the networks name {worst.accuracy.mean():.0%} right.",
        ),
        _share(
            "sink",
            found.on_padding,
            f"**The map has a sink.** In noise of SD {most:g}, the outermost ring of "
            "the map, which multiplies only the zeros of padding, takes {} of all "
            f"gain; without noise it takes {calm:.0%}.",
        ),
        _share(
            "sink, control",
            unattended.on_padding,
            "Of the activity of controls, which learnt without a map, the ring has {}; "
            "inside of it, their peak is on the digit in "
            f"{unattended.hits.mean():.1%} of images.",
        ),
    )


def _share(key: str, shares, sentence: str) -> Claim:
    """A claim about a share that each network has; the interval is for other seeds."""
    shares = 100 * np.asarray(shares)
    mean = paired_difference(shares, np.zeros_like(shares))
    span = (
        f"{mean.value:.1f}% (95% interval {mean.low:.1f}% to {mean.high:.1f}%, "
        f"{len(shares)} networks)"
    )
    return Claim(key, sentence.format(span), *mean[:3], "%", len(shares))


def _author():
    """Attention minus control of the author's weights trained with noise."""
    rows = [
        each
        for each in replication.published_weights()
        if each.training_noise_sd == PUBLISHED_NOISE
    ]
    return [
        paired_difference(
            *(
                [100 * getattr(e, name) for e in rows if e.attention == attention]
                for attention in ("as_coded", "ones")
            )
        )
        for name in ("accuracy_clean", "accuracy_noisy")
    ]


def _claim(key: str, found: Contrast, sentence: str) -> Claim:
    span = found.points.value, found.points.low, found.points.high
    return Claim(
        key,
        sentence.format(found),
        *span,
        "points",
        2 * found.pairs,
        found.p,
        found.detectable,
    )


def _span(found):
    return (
        f"{found.value:+.1f} points ({found.confidence:.0%} interval {found.low:+.1f} "
        f"to {found.high:+.1f})"
    )
