"""A real Firefox, by WebDriver BiDi: the protocol that it speaks without a driver."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

from websocket import create_connection

PREFERENCES = {  # nothing outside this machine is asked
    "app.update.enabled": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
SCHEMES = ("dark", "light")  # numbers of layout.css.prefers-color-scheme
PATIENCE = 60  # seconds
KEYS = {"Home": "\ue011", "End": "\ue010", "ArrowRight": "\ue014", "Enter": "\ue007"}


def executable() -> str | None:
    """The Firefox of this machine, if there is one."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A window of it.

    Attributes:
        said: what pages wrote to the console, errors too.
        asked: addresses that they asked for.
    """

    def __init__(self, profile: Path, scheme: str = "light"):
        override = {
            "layout.css.prefers-color-scheme.content-override": SCHEMES.index(scheme)
        }
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in (PREFERENCES | override).items()
        ]
        (profile / "user.js").write_text("\n".join(lines), "utf-8")
        command = [executable(), "--headless", "--no-remote", "--profile", str(profile)]
        log = profile / "firefox.log"
        with log.open("wb") as output:
            command += ["--remote-debugging-port", "0"]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        end = time.monotonic() + PATIENCE
        while not (
            found := re.search(r"BiDi listening on (\S+)", log.read_text("utf-8"))
        ):
            assert time.monotonic() < end, log.read_text("utf-8")
            time.sleep(0.1)
        address = found[1]
        self.socket = create_connection(
            f"{address}/session", PATIENCE, suppress_origin=True
        )
        self.count, self.said, self.asked = 0, [], []
        self.send("session.new", capabilities={})
        events = ["log.entryAdded", "network.beforeRequestSent"]
        self.send("session.subscribe", events=events)
        self.context = self.send("browsingContext.getTree")["contexts"][0]["context"]

    def send(self, method, **params):
        """Have a command done."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        self.socket.send(json.dumps(message))
        while True:
            heard = json.loads(self.socket.recv())
            if heard.get("method") == "log.entryAdded":
                self.said.append(heard["params"]["text"])
            elif heard.get("method") == "network.beforeRequestSent":
                self.asked.append(heard["params"]["request"]["url"])
            elif heard.get("id") == self.count:
                if heard["type"] == "error":
                    raise RuntimeError(f"{method}: {heard['message']}")
                return heard["result"]

    def show(self, path: Path, width=1100, height=900):
        """Show a page."""
        viewport = {"width": width, "height": height}
        self.send(
            "browsingContext.setViewport", context=self.context, viewport=viewport
        )
        address = {"context": self.context, "url": path.as_uri(), "wait": "complete"}
        self.send("browsingContext.navigate", **address)

    def evaluate(self, expression: str):
        """The value of a JavaScript expression, or of the promise that it is."""
        found = self.send(
            "script.evaluate",
            expression=f"Promise.resolve({expression}).then(JSON.stringify)",
            target={"context": self.context},
            awaitPromise=True,
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return json.loads(found["result"].get("value", "null"))

    def press(self, *keys: str):
        """Press keys, or type letters, where the focus is."""
        actions = [
            {"type": step, "value": KEYS.get(key, key)}
            for key in keys
            for step in ("keyDown", "keyUp")
        ]
        self._act({"type": "key", "id": "keys", "actions": actions})

    def drag(self, *places, pointer="mouse"):
        """Move through places (x, y) of the window with a button down, or a finger."""
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "duration": 40}
            for x, y in places
        ]
        down, up = ({"type": f"pointer{each}", "button": 0} for each in ("Down", "Up"))
        actions = [moves[0], down, *moves[1:], up]
        parameters = {"pointerType": pointer}
        source = {"type": "pointer", "id": pointer, "parameters": parameters}
        self._act(source | {"actions": actions})

    def _act(self, source):
        self.send("input.performActions", context=self.context, actions=[source])

    def close(self):
        """End it."""
        self.socket.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
