import runpy
import shutil
from pathlib import Path

import pytest

from tidegate import cli

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(capsys):
    """Runs a command line in this process: exit code, standard output, standard error."""

    def run_arguments(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run_arguments


@pytest.fixture(scope="session")
def speakers(tmp_path_factory):
    """The folder with what examples/speakers.py writes."""
    folder = tmp_path_factory.mktemp("speakers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        runpy.run_path(str(EXAMPLES / "speakers.py"))
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch, speakers):
    """A fresh current folder with speakers.csv and speakers_test.csv in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(speakers, tmp_path, dirs_exist_ok=True)
    return tmp_path
