"""What holds the project together: its modules, pages, commands and prerequisites."""

import importlib
import pkgutil
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tidegate"

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(SOURCE)], "tidegate.")
    if not module.name.startswith("tidegate._engine_") and not module.name.endswith(".__main__")
)


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_changelog_has_the_version():
    version = re.escape(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    assert re.search(rf"^## \[{version}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports(name):
    importlib.import_module(name)


def test_only_the_engine_imports_the_extensions():
    importers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if re.search(r"\b_(cpu|engine_)", path.read_text())
    }
    assert importers == {"engine"}


def test_nothing_refers_to_places_outside_the_clone():
    if shutil.which("git") is None or git("rev-parse", "--git-dir").returncode:
        pytest.skip("not a git clone")
    outside = re.compile(rb"(?<![\w.])/(work|root|home)/|[.][.]/shared|[.]library\b")
    files = (ROOT / name for name in git("ls-files", "-z").stdout.split("\0") if name)
    assert [path for path in files if path.is_file() and outside.search(path.read_bytes())] == []


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_in_the_index():
    index = ROOT / "docs" / "decisions" / "README.md"
    pages = {page.name for page in index.parent.glob("*.md")} - {index.name}
    assert set(re.findall(r"\]\((\d{4}-[^)]+)\)", index.read_text())) == pages


def test_make_help_names_every_target():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(" ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split())
    assert set(re.findall(r'@echo "make (\S+)', makefile)) == targets - {"help"}


@pytest.fixture
def check(tmp_path):
    """Runs the check of prerequisites with only the given commands on the PATH, each a shell script."""

    def run_check(**commands: str) -> str:
        for name, script in commands.items():
            path = tmp_path / {"cxx": "c++"}.get(name, name)
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        checked = subprocess.run(
            ["/bin/sh", ROOT / "tools" / "check_prerequisites.sh"],
            env={"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert checked.returncode == bool(checked.stderr)
        return checked.stderr

    return run_check


@pytest.mark.parametrize(
    ("commands", "package"),
    [
        ({"cxx": "exit 0"}, "python3"),
        ({"python3": '[ "$1" = --version ] && echo Python 3.9.2; exit 1', "cxx": "exit 0"}, "python3.11"),
        ({"python3": 'case "$2" in *ensurepip*) exit 1; esac', "cxx": "exit 0"}, "python3-venv"),
        ({"python3": 'case "$2" in *Python.h*) exit 1; esac', "cxx": "exit 0"}, "python3-dev"),
        ({"python3": "exit 0"}, "g++"),
        ({"python3": "exit 0", "cxx": "exit 1"}, "g++"),
    ],
    ids=["no Python", "old Python", "no venv", "no headers", "no compiler", "old compiler"],
)
def test_a_missing_prerequisite_is_one_sentence_that_names_its_package(check, commands, package):
    sentence = check(**commands)
    assert re.fullmatch(r"Tidegate needs [^\n]+\n", sentence)
    assert package in re.split(r"[ ,()]+", sentence)


def test_prerequisites_that_are_there_are_not_mentioned(check):
    assert check(python3="exit 0", cxx="exit 0") == ""
