"""What a page may do and what a browser lacks, in real Chromiums."""

import base64
import copy
import re
import struct
import zlib
from pathlib import Path

import pytest
from browser import Page
from learning_page import MIDDLE_FRAME, updates_learnt, wait_for_updates

from utils import explorers
from utils.data import load_mnist
from utils.explorers.packing import deflated, network_builds
from utils.spec import RunSpec
from utils.tools.chromium import FLAGS, executable

(IMAGES, LABELS), _ = load_mnist()
NO_WASM = "script-src 'unsafe-inline'"
NO_WORKER = "script-src 'unsafe-inline' 'wasm-unsafe-eval'"
LISTEN = """() => {
  window.said = [];
  const status = document.querySelector(".explorer-status");
  new MutationObserver(() => said.push(status.textContent))
    .observe(status, { childList: true });
}"""
SCORES = re.compile(r" (\d+) updates.* at SD 0.00: ([^;]*);")
README = Path(__file__).parents[2] / "README.md"
VERSIONS = "Chrome or Edge from 92, Firefox from 113, or Safari from 16.4"

pytestmark = pytest.mark.browser


@pytest.fixture
def open_page(browser, tmp_path):
    """Return a function that opens an explorer in a Chromium with flags."""
    opened = []

    def open_one(explorer, policy="", script="", flags=()):
        launch = browser.browser_type.launch
        path = executable()
        chosen = launch(executable_path=path, args=[*FLAGS, *flags]) if flags else None
        head = f"<script>{script}</script>"
        if policy:
            head += f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        file = tmp_path / "page.html"
        file.write_text(f"<!doctype html>{head}{explorer.html()}", "utf-8")
        opened.append((Page(chosen or browser, file), chosen))
        return opened[-1][0]

    yield open_one
    for page, chosen in opened:
        page.close()
        if chosen:
            chosen.close()


def noise():
    return explorers.noise(IMAGES[:5], LABELS[:5])


def learning():
    return explorers.learning(IMAGES[:100], LABELS[:100], RunSpec("energy"))


def problem(page):
    """What an explorer that cannot run says."""
    words = page.page.locator(".explorer-problem")
    words.wait_for()
    return words.inner_text()


def spoilt(build):
    """A build with another constant in its local response normalisation."""
    module = zlib.decompress(base64.b64decode(build))
    changed = module.replace(struct.pack("<f", 1e-4), struct.pack("<f", 1e-2))
    assert changed != module
    return deflated(changed)


def with_builds(explorer, builds):
    description = copy.deepcopy(explorer.description)
    description["data"]["wasm"] = builds
    explorer.description = description
    return explorer


# --- What cannot run ---------------------------------------------------------------


def test_a_policy_that_forbids_webassembly_is_one_for_the_owner_of_the_site(open_page):
    words = problem(open_page(noise(), NO_WASM))
    assert "content security policy" in words
    assert "Ask the owner of the site to add 'wasm-unsafe-eval'" in words


@pytest.mark.parametrize(
    "how",
    [{"flags": ["--js-flags=--jitless"]}, {"script": "delete WebAssembly"}],
    ids=str,
)
def test_webassembly_that_is_switched_off_can_be_switched_on(open_page, how):
    words = problem(open_page(noise(), **how))
    assert "this browser has it switched off. Switch it on for this site" in words


@pytest.mark.parametrize(
    "script",
    [
        "delete window.DecompressionStream",
        "delete Array.prototype.at",
        "WebAssembly.validate = () => false",
    ],
)
def test_a_browser_that_is_too_old_is_told_versions_that_work(open_page, script):
    words = problem(open_page(noise(), script=script))
    assert f"this one is too old. Use {VERSIONS}" in words
    assert VERSIONS in README.read_text("utf-8")


def test_wrong_answers_of_a_browser_are_not_shown(open_page):
    made = with_builds(noise(), [spoilt(build) for build in network_builds()])
    words = problem(open_page(made))
    assert "Expected the answers that Keras gives" in words
    assert VERSIONS in words


# --- What takes over ---------------------------------------------------------------


@pytest.fixture(scope="module")
def status(browser, tmp_path_factory):
    """Return what the explorer of noise says where all is well."""
    path = tmp_path_factory.mktemp("well") / "page.html"
    path.write_text(f"<!doctype html>{noise().html()}", "utf-8")
    page = Page(browser, path)
    (explorer,) = page.explorers()
    yield explorer.status()
    assert page.problems == []
    page.close()


def test_without_simd_the_network_answers_the_same(open_page, status):
    """V8 offers none on a processor without SSE 4.1; here it is told to be on one."""
    page = open_page(noise(), flags=["--js-flags=--no-enable-sse4-1"])
    (explorer,) = page.explorers()
    has_simd = "bytes => WebAssembly.validate(Uint8Array.from(bytes))"
    module = [*zlib.decompress(base64.b64decode(network_builds()[0]))]
    if page.page.evaluate(has_simd, module):
        pytest.skip("this processor's SIMD cannot be turned off")
    assert explorer.status() == status


def test_where_simd_computes_wrongly_the_other_build_takes_over(open_page, status):
    simd, plain = network_builds()
    page = open_page(with_builds(noise(), [spoilt(simd), plain]))
    (explorer,) = page.explorers()
    assert explorer.status() == status


@pytest.mark.parametrize(
    "how",
    [
        {"policy": NO_WORKER},
        {"script": "delete window.Worker"},
        {"script": "window.Worker = class { constructor() { throw Error('no'); } }"},
    ],
    ids=str,
)
def test_without_a_worker_networks_learn_in_the_page(open_page, how):
    page = open_page(learning(), **how)
    (explorer,) = page.explorers()
    explorer.press("learn-button")
    explorer.expect("learning in the page itself (it cannot start a worker)")
    assert page.page.evaluate(MIDDLE_FRAME) < 50
    wait_for_updates(explorer, 300)
    explorer.press("learn-button")
    explorer.expect("paused in the page itself")
    page.page.wait_for_timeout(500)
    count = updates_learnt(explorer)
    page.page.wait_for_timeout(500)
    assert updates_learnt(explorer) == count
    explorer.press("again-button")
    explorer.expect("learning in the page itself")
    assert updates_learnt(explorer) < count


def test_networks_learn_the_same_in_the_page_as_in_a_worker(open_page):
    heard = []
    for script in ("", "delete window.Worker"):
        page = open_page(learning(), script=script)
        (explorer,) = page.explorers()
        page.page.evaluate(LISTEN)
        explorer.press("learn-button")
        wait_for_updates(explorer, 600)
        found = map(SCORES.search, page.page.evaluate("said"))
        heard.append({each[1]: each[2] for each in found if each})
    in_worker, in_page = heard
    for updates in ("0", "100", "200", "300", "400", "500"):
        assert in_worker[updates] == in_page[updates]


def test_learning_that_cannot_go_on_says_why_and_can_be_tried_again(open_page):
    page = open_page(learning(), script="delete window.Worker")
    (explorer,) = page.explorers()
    page.page.evaluate(
        "() => { window.real = WebAssembly.instantiate;"
        " WebAssembly.instantiate = async () => { throw Error('Out of memory'); }; }"
    )
    explorer.press("learn-button")
    explorer.expect("Out of memory")
    assert explorer.part(".explorer-problem").count() == 1
    assert explorer.part(".learn-button button").inner_text() == "Learn"
    page.page.evaluate("() => { WebAssembly.instantiate = real; }")
    explorer.press("learn-button")
    wait_for_updates(explorer, 100)
