"""The command line: `python -m utils.studies NAME --store FOLDER`."""

import re
import subprocess
import sys

import pytest

from utils.studies import PROFILES
from utils.studies.__main__ import main


def test_the_command_refuses_an_unknown_profile_and_makes_no_folder(tmp_path, capsys):
    assert main(["publish", "--store", str(tmp_path / "records")]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert "'publish'" in err
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize("place", ["file", "file/records"])
def test_a_file_instead_of_a_folder_is_refused(place, tmp_path, capsys):
    (tmp_path / "file").write_text("kept", "utf-8")
    assert main(["quick", "--store", str(tmp_path / place)]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.search(r"file is a file|Not a directory: '.*file", err)
    assert (tmp_path / "file").read_text("utf-8") == "kept"


def test_the_help_of_the_command_names_every_profile(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    out, _ = capsys.readouterr()
    for expected in (*PROFILES, "--store", "build/records", "Ctrl-C", "python -m"):
        assert expected in out


@pytest.mark.slow
def test_the_command_ends_without_a_traceback():
    command = [sys.executable, "-m", "utils.studies", "publish"]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert ended.returncode == 1
    assert "'publish'" in ended.stderr
    assert "Traceback" not in ended.stderr
