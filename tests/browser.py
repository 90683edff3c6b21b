"""A JupyterLab of the test's own, and a real Chromium that looks at it.

The server listens on this machine's loopback only, on a free port, with a token; its
settings and logs lie in a temporary folder.
"""

import contextlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
from hands import PATIENCE, drawn_explorers

ROOT = Path(__file__).parents[1]
WINDOW = {"width": 1400, "height": 1000}
PHONE = {"viewport": {"width": 400, "height": 800}, "has_touch": True}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SHUT_DOWN = re.compile(  # what ipykernel may say of a kernel that is shut down
    r"Exception ignored in: <coroutine object Kernel\.dispatch_control.*?"
    r"RuntimeError: Event loop is closed\n",
    re.S,
)
SETTINGS = {  # no news, no check for updates: nothing outside this machine is asked
    "notification": {"fetchNews": "false", "checkForUpdates": False},
}


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)


class Lab:
    """A running JupyterLab, with what `make lab` configures.

    Attributes:
        url: with the token.
        log: file of all that server and kernels wrote.
        notebooks: the folder that it serves.
    """

    def __init__(self, folder: Path):
        self.notebooks, self.log = folder / "notebooks", folder / "jupyter.log"
        self.notebooks.mkdir(parents=True, exist_ok=True)
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        for name, values in SETTINGS.items():
            path = settings / f"{name}.jupyterlab-settings"
            path.write_text(json.dumps(values), "utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        token = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{port}/lab?token={token}"
        own = {
            "JUPYTER_DATA_DIR": folder / "data",
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
            "JUPYTER_CONFIG_DIR": folder / "config",
            "JUPYTER_RUNTIME_DIR": folder / "runtime",
            "IPYTHONDIR": folder / "ipython",
            "JUPYTER_TOKEN": token,
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser"]
        command += [
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.notebooks}",
            "--LabApp.expose_app_in_browser=True",
        ]
        with self.log.open("w", encoding="utf-8") as log:
            self.server = subprocess.Popen(
                command,
                env={**os.environ, **{key: str(each) for key, each in own.items()}},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        try:
            self._wait(f"http://127.0.0.1:{port}/api?token={token}")
        except BaseException:
            self.stop()
            raise

    def _wait(self, url, seconds=90):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.server.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(url):
                return
            time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text('utf-8')}")

    def stop(self):
        """End server and kernels."""
        self.server.terminate()
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


class Notebook:
    """A notebook, open in a tab of its own; `problems` is what the browser said."""

    def __init__(self, browser, lab: Lab, name: str, theme: str = "light"):
        self.page = browser.new_page(viewport=WINDOW)
        self.problems: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(error.stack))
        self.page.on("request", self._watch)
        self.page.goto(lab.url.replace("/lab?", f"/lab/tree/{name}?reset&"))
        self.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context")
        self.set_theme(theme)
        self.page.evaluate(
            "async () => { const panel = jupyterapp.shell.currentWidget;"
            "await panel.context.ready; await panel.sessionContext.ready;"
            "jupyterapp.shell.collapseLeft(); }"
        )

    def set_theme(self, theme: str):
        """Light or dark.

        A change shows JupyterLab's splash screen, which goes after 200 ms: twice, and
        with an error, if one from before is still there. So wait for its end.
        """
        gone = "!document.querySelector('#jupyterlab-splash')"
        self.page.wait_for_function(gone)
        self.page.evaluate(
            "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
            THEMES[theme],
        )
        self.page.wait_for_function(gone)

    def _hear(self, message):
        if message.type == "error":
            self.problems.append(f"{message.text} ({message.location})")

    def _watch(self, request):
        local = ("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")
        if not request.url.startswith(local):
            self.problems.append(f"asked for {request.url}")

    def run(self, seconds=300):
        """Run all cells, and wait until all are done."""
        done = self.page.evaluate(
            "() => jupyterapp.commands.execute('notebook:run-all-cells')"
        )
        self.wait_until_idle(seconds)
        return done

    def python(self, expression: str):
        """The value of an expression in the notebook's kernel."""
        reply = self.page.evaluate(
            """expression => jupyterapp.shell.currentWidget.sessionContext.session
                .kernel.requestExecute({
                    code: "", user_expressions: { found: expression }
                }).done.then(({ content }) => content.user_expressions.found)""",
            expression,
        )
        assert reply["status"] == "ok", reply
        return eval(reply["data"]["text/plain"])

    def save(self):
        """Save it as a reader does, and wait until it is saved."""
        self.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")

    def stop_kernel(self):
        """Shut the kernel down, once it has nothing to do."""
        self.wait_until_idle(PATIENCE)
        self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel"
            ".shutdown()"
        )

    def wait_until_idle(self, seconds):
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel"
            ".status === 'idle'",
            timeout=1000 * seconds,
        )

    def close(self):
        """Shut the kernel down and close the tab."""
        self.page.evaluate("() => jupyterapp.serviceManager.sessions.shutdownAll()")
        self.page.close()

    def explorers(self, count=1, seconds=PATIENCE):
        """The explorers, once each has drawn something."""
        return drawn_explorers(self.page, count, seconds)


class Page:
    """A page from a file, which may ask nobody for anything.

    Attributes:
        problems: what the browser said.
        refused: addresses that the page asked for.
    """

    def __init__(self, browser, path: Path, **context):
        self.page = browser.new_page(**{"viewport": WINDOW, **context})
        self.problems: list[str] = []
        self.refused: list[str] = []
        self.path = path
        self.page.route("**/*", self._refuse)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(error.stack))
        self.page.goto(path.as_uri())

    def _refuse(self, route):
        if route.request.url == self.path.as_uri():
            route.continue_()
        else:
            self.refused.append(route.request.url)
            route.abort()

    def _hear(self, message):
        if message.location["url"] not in self.refused:
            self.problems.append(f"{message.text} ({message.location})")

    def explorers(self, count=1, seconds=PATIENCE):
        """The explorers, once each has drawn something."""
        return drawn_explorers(self.page, count, seconds)

    def close(self):
        """Close the tab."""
        self.page.close()


def check_quiet(notebook, lab):
    """Neither the browser nor the server has complained."""
    assert notebook.problems == [], notebook.problems
    bad = re.compile(r"\[E |Traceback|Error|Exception")
    said = SHUT_DOWN.sub("", lab.log.read_text("utf-8"))
    wrong = [line for line in said.splitlines() if bad.search(line)]
    assert wrong == [], wrong
