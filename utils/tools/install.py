"""Install the project and all that it needs into `.venv`: `make` does so first.

The packages are those of requirements.lock, checked by their hashes. uv, which is one
of them, installs the others in seconds. Where there is no uv, or where it fails, pip
installs them in minutes. This module runs before anything is installed: it needs the
standard library only.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
BIN = ENVIRONMENT / "bin"
PIP = (BIN / "python", "-m", "pip", "install", "--no-deps")
LOCKED = ("--require-hashes", "-r")


def main() -> None:
    """Install; what the installers say is shown only if one fails."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    span = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project)
    least, above = map(int, span.groups())
    if not (3, least) <= sys.version_info < (3, above):
        sys.exit(
            f"Expected Python 3.{least} to 3.{above - 1}. {sys.executable} is Python "
            f"{sys.version.split()[0]}. Name another one: make run PYTHON=python3.12"
        )
    stamp = ENVIRONMENT / "installed"  # there once an installation is complete
    complete = stamp.exists()
    print("Installing the packages of requirements.lock into .venv.", flush=True)
    try:
        if complete:
            stamp.unlink()
        else:
            make_environment()
        try:
            install_with_uv()
        except (OSError, subprocess.CalledProcessError):
            print("uv cannot install them here. pip does, in minutes.", flush=True)
            install_with_pip()
        run(*PIP, "--no-build-isolation", "-e", ".")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stdout}{error}")
    except KeyboardInterrupt:
        print("Stopped. The same command begins the installation again.")
        sys.exit(130)


def make_environment() -> None:
    """An empty environment with pip."""
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit(
            f"{sys.executable} cannot make a virtual environment. On Debian or Ubuntu: "
            "apt install python3-venv (for another Python than the default, its own: "
            "python3.12-venv)."
        )
    run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)


def install_with_uv() -> None:
    """Install the lock with the uv that it pins."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pin = re.search(r"^uv==.*\n(?: .*\n)+", lock, re.M)
    alone = ENVIRONMENT / "uv.txt"
    alone.write_text(pin[0] if pin else "", "utf-8")
    run(*PIP, "--only-binary=:all:", *LOCKED, alone)
    uv = (BIN / "uv", "pip", "install", "--no-deps", "--python", BIN / "python")
    run(*uv, "--compile-bytecode", *LOCKED, "requirements.lock")


def install_with_pip() -> None:
    """Install the lock with pip, and compile it on every core: pip would on one."""
    run(*PIP, "--no-compile", *LOCKED, "requirements.lock")
    compile_all = (BIN / "python", "-m", "compileall", "-qq", "-j", "0")
    subprocess.run([*compile_all, ENVIRONMENT / "lib"])


def run(*command) -> None:
    """Run a command in the project's folder; keep what it says for an error.

    Raises:
        subprocess.CalledProcessError: if it fails, with its output.
    """
    subprocess.run(
        [str(word) for word in command],
        cwd=str(ROOT),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )


if __name__ == "__main__":
    main()
