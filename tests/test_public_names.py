import subprocess
import sys

import pytest

import tidegate

HEAVY = ("sklearn", "scipy", "matplotlib", "pyarrow", "torch", "pandas")


def modules_after(statement: str) -> set[str]:
    """Top-level modules loaded in a fresh process that runs `statement`."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(output.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import tidegate",
        "import tidegate.data",
        "from tidegate import Sequences, load_japanese_vowels",
        "import tidegate.cli",
    ],
)
def test_importing_loads_nothing_heavy(statement):
    assert not modules_after(statement) & set(HEAVY)


def test_import_alone_does_not_even_load_numpy():
    assert "numpy" not in modules_after("import tidegate")


@pytest.mark.parametrize("name", [name for name in tidegate.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_the_one_at_its_home(name):
    value = getattr(tidegate, name)
    assert value.__name__ == name
    assert value.__module__.startswith("tidegate.")
    assert name in dir(tidegate)
    assert value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'tidegate' has no attribute 'Sequence'"):
        tidegate.Sequence  # noqa: B018


def test_using_compare_as_a_module_would_not_hide_the_function():
    import tidegate.comparison

    assert callable(tidegate.compare)
