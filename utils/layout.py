"""Two more forms of a figure, for pages: a wide one, and one for a narrow screen.

Letters keep their size in the narrow form: panels that stood in a row are stacked, and
small pictures wrap. Both forms are SVG where it is small, and otherwise lossless WebP.
"""

import copy
import io
import itertools
import math
import re
import statistics
import textwrap

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.gridspec import GridSpec
from matplotlib.transforms import Bbox

NARROW = 3.7  # inches, on a screen of some 370 pixels
SMALL = 60_000  # bytes of an SVG
PHONE, PAGE = 362, 900  # pixels of a figure on a narrow and on a wide page
IN_A_ROW, IN_A_GRID = 0.9, 0.6  # inches, the least width of a small picture
BAR = 0.5  # inches, the width of a colour bar with its numbers
TALLEST = 2.8  # inches, of a plot
GAP = 0.1  # inches between two titles
TURNED = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}  # of tick labels
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def forms(figure, narrow=None) -> dict[str, tuple[str, bytes]]:
    """A figure for a wide page and for a narrow screen; the figure stays as it is.

    Args:
        figure: a matplotlib figure whose layout is done.
        narrow: a figure drawn for a narrow screen, or None to lay out the same anew.

    Returns:
        "wide" and "narrow" to a file's ending, `svg` or `webp`, and its bytes.
    """
    twin = _copy(figure)
    found = {"wide": _encoded(twin)}
    if narrow is None:
        lay_out(twin)
    return found | {"narrow": _encoded(narrow or twin)}


def _copy(figure):
    """A copy that pyplot does not know, with pictures for a file."""
    manager, figure.canvas.manager = figure.canvas.manager, None
    try:
        twin = copy.deepcopy(figure)
    finally:
        figure.canvas.manager = manager
    FigureCanvasAgg(twin)
    for ax in twin.axes:
        for image in ax.images:
            image.set_interpolation("none")  # the pixels themselves, not enlarged
    return twin


def _encoded(figure):
    file, used, pad = io.BytesIO(), figure.get_tightbbox(), 0.04
    right = max(figure.get_figwidth(), used.x1 + pad)
    box = Bbox([[min(0, used.x0 - pad), used.y0 - pad], [right, used.y1 + pad]])
    with plt.rc_context({"svg.hashsalt": "figure"}):  # equal figures, equal files
        figure.savefig(file, format="svg", bbox_inches=box, metadata=NO_METADATA)
    text = re.sub(r' d="[^"]*"', _rounded, file.getvalue().decode())
    if len(text) <= SMALL:
        return "svg", text.encode()
    pixels = PHONE if box.width < 2 * NARROW else PAGE
    file, how = io.BytesIO(), {"lossless": True, "method": 4}
    dots = 2 * pixels / box.width  # twice a screen's
    figure.savefig(file, format="webp", bbox_inches=box, dpi=dots, pil_kwargs=how)
    content = file.getvalue()
    return ("webp", content) if len(content) < len(text) else ("svg", text.encode())


def _rounded(path):
    return re.sub(r"(\.\d\d)\d+", r"\1", path[0])


def lay_out(figure) -> None:
    """Lay a figure out anew for a narrow screen, with letters of the same size."""
    figure.draw_without_rendering()
    bars = [ax._colorbar for ax in figure.axes if hasattr(ax, "_colorbar")]
    shared = [bar for bar in bars if len(_parents(bar)) > 1]
    own = {_parents(bar)[0] for bar in bars if bar not in shared}
    panels = [ax for ax in figure.axes if not hasattr(ax, "_colorbar")]
    legends = [ax.get_legend() for ax in panels if ax.get_legend()]
    outside = [each for each in legends if _is_outside(each)]
    for ax in panels:
        _label(ax, panels)
    lines = _lines(panels, own)
    sizes = [max(_height(ax, line, ax in own) for ax in line if ax) for line in lines]
    columns = math.lcm(*map(len, lines))
    grid = GridSpec(len(lines), columns, figure, height_ratios=sizes)
    for row, line in enumerate(lines):
        span = columns // len(line)
        for place, ax in enumerate(line):
            cell = grid[row, place * span : (place + 1) * span]
            if ax:
                ax.set_subplotspec(cell)
            else:
                figure.add_subplot(cell).set_axis_off()
    for bar in shared:
        _put_below(figure, bar)
    figure.set_size_inches(NARROW, sum(sizes) + 0.6 * len(shared))
    plain = not own and all(map(_is_picture, panels))
    figure.set_layout_engine("compressed" if plain else "constrained")
    figure.draw_without_rendering()
    for ax in panels:
        _fit(ax)
    for legend in legends:
        wide = _inches(legend).width > 0.4 * _inches(legend.axes).width
        if wide or legend in outside:
            _put_above(figure, legend, panels)
    figure.draw_without_rendering()


def _parents(bar):
    return bar.ax._colorbar_info["parents"]


def _inches(artist):
    box, dpi = artist.get_window_extent(), artist.get_figure().dpi
    return Bbox(box.get_points() / dpi)


def _is_picture(ax):
    """Whether these axes show a picture, or nothing, rather than a plot."""
    return (ax.get_aspect() == 1 and bool(ax.images)) or not (
        ax.axison or ax.has_data()
    )


def _is_outside(legend):
    inner, outer = _inches(legend), _inches(legend.axes)
    return inner.x0 > outer.x1 or inner.y1 > outer.y1 + GAP


def _lines(panels, own):
    """The rows of the narrow figure, each a list of axes, with None for no axes."""
    places = {ax: ax.get_subplotspec() for ax in panels}
    table = {(x.rowspan.start, x.colspan.start): ax for ax, x in places.items()}
    rows, columns = ({place[i] for place in table} for i in (0, 1))
    lines, run = [], []
    for column in (*sorted(columns), None):
        of_column = [table.get((row, column)) for row in sorted(rows)]
        if column is not None and all(
            _is_picture(ax) for ax in filter(None, of_column)
        ):
            run.append(of_column)
            continue
        lines += _wrapped(run, own)
        run = []
        lines += [[ax] for ax in of_column if ax]
    return [line for line in lines if any(ax and _has_content(ax) for ax in line)]


def _has_content(ax):
    return ax.axison or ax.has_data() or bool(ax.texts)


def _aspect(ax):
    box = _inches(ax)
    return box.height / box.width


def _titles(ax):
    return [x for x in (ax.title, ax._left_title, ax._right_title) if x.get_text()]


def _wrapped(columns, own):
    """Columns of pictures in as many lines as leave room for most of their titles."""
    if not columns:
        return []
    shown = [ax for column in columns for ax in column if ax and _has_content(ax)]
    titles = [title for ax in shown for title in _titles(ax)]
    titled = len(titles) >= len(shown)
    small = IN_A_ROW if titled or len(columns[0]) == 1 else IN_A_GRID
    needed = [_inches(each).width + GAP for each in titles]
    least = [small / _aspect(ax) + BAR * (ax in own) for ax in shown]
    least += map(_longest_word, titles)
    least = max([*least, statistics.median(needed or [0])])
    blocks = math.ceil(len(columns) / max(1, int(NARROW / least)))
    width = math.ceil(len(columns) / blocks)
    starts = range(0, len(columns), width)
    for start in starts[1:]:
        for ax, first in zip(columns[start], columns[0], strict=True):
            if ax and first:
                ax.set_ylabel(first.get_ylabel())
    missing = width * blocks - len(columns)
    rows = [[*row, *missing * [None]] for row in zip(*columns, strict=True)]
    lines = [[row[start : start + width] for start in starts] for row in rows]
    # Where each picture has a title, a row goes on; where not, a column stays together.
    in_order = lines if titled else zip(*lines, strict=True)
    return [line for block in in_order for line in block]


def _height(ax, line, has_bar):
    """The height of a panel in a line of panels, with its titles, inches."""
    width = NARROW / len(line) - (BAR if has_bar else 0.05)
    for title in _titles(ax):
        _wrap(title, _inches(title).width, width / len(_titles(ax)) - GAP)
    texts = 0.2 * max((x.get_text().count("\n") + 1 for x in _titles(ax)), default=0)
    if not _is_picture(ax):
        return min(_inches(ax).height, TALLEST) + 0.6 + texts
    return width * _aspect(ax) * _has_content(ax) + texts


def _label(ax, panels):
    """Give a plot the labels that it shared with the plot beside or below it."""
    if _is_picture(ax):
        return
    ax.tick_params(which="both", labelsize=8.6)  # exponents, too, can be read
    for name, side in (("x", "bottom"), ("y", "left")):
        siblings = getattr(ax, f"get_shared_{name}_axes")().get_siblings(ax)
        if len(siblings) > 1:
            ax.tick_params(**{f"label{side}": True})
            axes = [ax, *(other for other in panels if other in siblings)]
            labels = [getattr(each, f"{name}axis").label.get_text() for each in axes]
            ax.set(**{f"{name}label": next(filter(None, labels), "")})


def _fit(ax):
    """Wrap labels that are too long, and turn those that overlap."""
    box = _inches(ax)
    _wrap(ax.xaxis.label, _inches(ax.xaxis.label).width, box.width)
    _wrap(ax.yaxis.label, _inches(ax.yaxis.label).height, box.height)
    names = ax.get_yticklabels()
    if max((_inches(name).width for name in names), default=0) > NARROW / 3:
        words = [
            textwrap.fill(name.get_text(), 18, break_on_hyphens=False) for name in names
        ]
        ax.set_yticks(ax.get_yticks(), words)
    boxes = [_inches(x) for x in ax.get_xticklabels() if x.get_text()]
    if any(a.x1 > b.x0 for a, b in itertools.pairwise(boxes)):
        turned = {"rotation": 90} if box.y1 < boxes[0].y0 else TURNED
        plt.setp(ax.get_xticklabels(), **turned)


def _longest_word(text):
    """The width of a text's longest word, inches."""
    words, lines = text.get_text().split(), text.get_text().split("\n")
    return _inches(text).width * max(map(len, words)) / max(map(len, lines)) + GAP / 2


def _wrap(text, length, space):
    if length > space:
        lines = text.get_text().split("\n")
        letters = max(1, int(max(map(len, lines)) * space / length))
        wrapped = (textwrap.wrap(x, letters, break_long_words=False) for x in lines)
        text.set_text("\n".join("\n".join(each) for each in wrapped))


def _put_below(figure, bar):
    """Replace a colour bar of several panels by one that lies below them."""
    of_bar = {"label": bar.ax.get_ylabel(), "ticks": bar.get_ticks()}
    parents, scale = _parents(bar), bar.mappable
    of_bar["extend"] = bar.extend
    bar.remove()
    figure.colorbar(scale, ax=parents, location="bottom", aspect=30, **of_bar)


def _put_above(figure, legend, panels):
    """Put a legend above all panels, in as many columns as there is room for."""
    handles = {}
    for ax in panels:
        drawn, labels = ax.get_legend_handles_labels()
        handles |= dict(zip(labels, drawn, strict=True))
    names = [text.get_text() for text in legend.get_texts()]
    title = legend.get_title().get_text()
    legend.remove()
    for columns in (3, 2, 1):
        above = figure.legend(
            [handles[name] for name in names],
            names,
            title=title,
            ncols=columns,
            loc="outside upper left",
        )
        figure.draw_without_rendering()
        if columns == 1 or _inches(above).width < NARROW:
            return
        above.remove()
