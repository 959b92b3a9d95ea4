"""Draws examples/data/debian_packages.csv.gz and debian_languages.csv.gz from Debian's index of packages.

    mkdir -p lists/partial
    apt-get -o Dir::State::Lists=$PWD/lists \\
        -o Acquire::Languages=cs,da,de,en,es,fr,it,ja,ko,pl,pt_BR,ru,sk,uk update
    python tools/make_debian_data.py lists examples/data

The index is that of Debian 12.15 (bookworm), main, amd64, of 11 July 2026. RELEASE is the SHA-256 of its
signed list of checksums, InRelease, and so of all that is read; another is refused, since other packages
would be drawn. What is drawn depends on SHA-256 of the packages' names alone: the same index gives the same
bytes.

debian_packages: packages with at least three tags, one a source package, no description twice; the sections
that have 50 such packages or more, at most 500 of each; the tags that 50 of these packages have or more.
debian_languages: 600 short descriptions in each of 14 languages, each of another package.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

RELEASE = "77737fa4b34f2693e982cc9ee35736816c35a7778fc2d326cc1bbf5b301fe1aa"
LANGUAGES = ("cs", "da", "de", "en", "es", "fr", "it", "ja", "ko", "pl", "pt_BR", "ru", "sk", "uk")
FEWEST_TAGS, FEWEST_OF_A_SECTION, MOST_OF_A_SECTION, FEWEST_OF_A_TAG = 3, 50, 500, 50
TEXTS_OF_A_LANGUAGE = 600
# Markers of unfinished tagging, not properties of packages.
NO_TAGS = re.compile(r"::TODO$|^special::")
# Its Ukrainian description has a word that slurs a people.
LEFT_OUT = {"libhocr0"}

Stanza = dict[str, str]


def drawn(names: Iterable[str]) -> list[str]:
    """In an order that depends on nothing but the names."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())


def part(place: int, count: int) -> str:
    """70 % to train on, 15 % for validation, 15 % to test on."""
    return "train" if place < 0.7 * count else "validation" if place < 0.85 * count else "test"


def index(lists: Path, name: str, release: str) -> str:
    """A file of the index as apt stores it, held against the release's checksum."""
    stored = next(
        lists.glob("*_dists_bookworm_main_" + name.replace("/", "_").replace("pt_BR", "pt%5fBR") + "*")
    )
    text = subprocess.run(
        ["/usr/lib/apt/apt-helper", "cat-file", stored], capture_output=True, check=True
    ).stdout
    if not re.search(
        rf"^ {hashlib.sha256(text).hexdigest()} +\d+ main/{re.escape(name)}$", release, re.MULTILINE
    ):
        sys.exit(f"{stored} is not the release's main/{name}: run apt-get update again")
    return text.decode()


def stanzas(text: str) -> Iterator[Stanza]:
    for stanza in text.split("\n\n"):
        fields = re.findall(r"^(\S+?):[ ]?(.*(?:\n[ ].*)*)", stanza, re.MULTILINE)
        if fields:
            yield dict(fields)


def tags(package: Stanza) -> list[str]:
    """a::b, or a::{b,c} for two."""
    found = []
    for facet, tag in re.findall(r"(\S+?)::(\{[^}]*\}|[^,\s]+)", package.get("Tag", "")):
        found += [f"{facet}::{one}" for one in tag.strip("{}").split(",")]
    return [tag for tag in found if not NO_TAGS.search(tag)]


def sample(packages: dict[str, Stanza]) -> list[Stanza]:
    of_source: dict[str, Stanza] = {}
    of_description: dict[str, Stanza] = {}
    for name in drawn(name for name, package in packages.items() if len(tags(package)) >= FEWEST_TAGS):
        package = packages[name]
        source = package.get("Source", name).split()[0]
        if source not in of_source and package["Description"] not in of_description:
            of_source[source] = of_description[package["Description"]] = package
    sections: dict[str, list[Stanza]] = {}
    for package in of_source.values():
        sections.setdefault(package["Section"], []).append(package)
    return [
        package | {"Part": part(place, min(len(own), MOST_OF_A_SECTION))}
        for _, own in sorted(sections.items())
        if len(own) >= FEWEST_OF_A_SECTION
        for place, package in enumerate(own[:MOST_OF_A_SECTION])
    ]


def rows_of_packages(packages: dict[str, Stanza]) -> Iterator[list[object]]:
    chosen = sample(packages)
    counts = Counter(tag for package in chosen for tag in tags(package))
    frequent = {tag for tag, count in counts.items() if count >= FEWEST_OF_A_TAG}
    yield [
        *("package", "description", "architecture", "installed_kib", "package_bytes"),
        *("depends", "recommends", "suggests", "section", "tags", "part"),
    ]
    for package in sorted(chosen, key=lambda package: package["Package"]):
        relations = [package.get(field, "") for field in ("Depends", "Recommends", "Suggests")]
        yield [
            *(package["Package"], package["Description"], package["Architecture"]),
            *(package["Installed-Size"], package["Size"]),
            *(len(relation.split(",")) if relation else 0 for relation in relations),
            package["Section"],
            ",".join(sorted(frequent.intersection(tags(package)))),
            package["Part"],
        ]


def translations(text: str, language: str) -> dict[str, str]:
    """The short description of each package."""
    return {
        stanza["Package"]: stanza[f"Description-{language}"].partition("\n")[0] for stanza in stanzas(text)
    }


def words(text: str) -> bool:
    """Whether it is two words or more; Japanese has no spaces between them."""
    return re.search(r"\S\s+\S|[぀-ヿ]", text) is not None


def rows_of_languages(texts: dict[str, dict[str, str]]) -> Iterator[list[str]]:
    yield ["package", "text", "language", "part"]
    taken = set(LEFT_OUT)
    rows = []
    for language in sorted(texts, key=lambda language: len(texts[language])):
        own: dict[str, str] = {}
        for name in drawn(texts[language].keys() - taken):
            text = texts[language][name]
            translated = language == "en" or text != texts["en"].get(name)
            if len(own) < TEXTS_OF_A_LANGUAGE and translated and words(text) and text not in own.values():
                own[name] = text
        taken.update(own)
        rows += [
            [name, text, language, part(place, len(own))] for place, (name, text) in enumerate(own.items())
        ]
    yield from sorted(rows, key=lambda row: (row[2], row[0]))


def write(path: Path, rows: Iterable[list[object]] | Iterable[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def main(lists: Path, out: Path) -> None:
    release = next(lists.glob("*_dists_bookworm_InRelease")).read_bytes()
    if hashlib.sha256(release).hexdigest() != RELEASE:
        sys.exit("this is another release of Debian than the one the files were drawn from: see RELEASE")
    release = release.decode()
    packages = {one["Package"]: one for one in stanzas(index(lists, "binary-amd64/Packages", release))}
    write(out / "debian_packages.csv.gz", rows_of_packages(packages))
    texts = {
        language: translations(index(lists, f"i18n/Translation-{language}", release), language)
        for language in LANGUAGES
    }
    write(out / "debian_languages.csv.gz", rows_of_languages(texts))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
