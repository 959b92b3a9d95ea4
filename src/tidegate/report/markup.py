"""Elements of a page. Text is escaped and tags are closed because a tree is written, not strings."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

__all__ = ["Element", "add", "append", "coordinate", "element", "hidden", "html", "image"]

Child = Element | str | None
Attribute = str | float | None

# Neither XML nor HTML can hold these: control characters, halves of surrogate pairs, non-characters.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def element(tag: str, *children: Child, **attributes: Attribute) -> Element:
    """A new element. In names of attributes an underscore stands for a hyphen, one at the end for nothing
    (class_); an attribute or child that is None is left out."""
    return append(Element(tag, _attributes(attributes)), *children)


def add(parent: Element, tag: str, *children: Child, **attributes: Attribute) -> Element:
    """A new last child of the parent."""
    return append(SubElement(parent, tag, _attributes(attributes)), *children)


def append(parent: Element, *children: Child) -> Element:
    """The parent, with these elements and texts after what it has."""
    for child in children:
        if isinstance(child, Element):
            parent.append(child)
        elif child is not None and len(parent):
            parent[-1].tail = (parent[-1].tail or "") + _writable(child)
        elif child is not None:
            parent.text = (parent.text or "") + _writable(child)
    return parent


def image(name: str, title: str, description: str, width: float, height: float) -> Element:
    """An SVG drawing that screen readers announce by its title and description. name: its id."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-description"),
        id=name,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-description",
    )


def hidden(width: float, height: float, *children: Element) -> Element:
    """A small SVG drawing beside the text that says the same, which screen readers pass over."""
    return element(
        "svg",
        *children,
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width,
        height=height,
        aria_hidden="true",
    )


def html(root: Element) -> str:
    return tostring(root, encoding="unicode", method="html")


def _attributes(attributes: dict[str, Attribute]) -> dict[str, str]:
    return {
        name.rstrip("_").replace("_", "-"): _writable(value) if isinstance(value, str) else coordinate(value)
        for name, value in attributes.items()
        if value is not None
    }


def coordinate(value: float) -> str:
    """In the units of a drawing, of which a tenth is less than a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
