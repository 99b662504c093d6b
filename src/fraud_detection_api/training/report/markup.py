"""Markup: HTML and SVG made from elements, so that whatever comes from data is escaped where it enters."""

from html import escape

Number = float | int


class Markup(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def tag(name: str, *children: str, **attributes: str | Number | None) -> Markup:
    """An element; text among its children is escaped, attributes of None are left out."""
    opening = name + "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    content = joined(*children)
    if not content and name in _EMPTY:
        return Markup(f"<{opening}/>")
    return Markup(f"<{opening}>{content}</{name}>")


def joined(*parts: str) -> Markup:
    """Parts one after the other, text among them escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in parts))


def escaped(text: str) -> Markup:
    """Text as markup shows it: no character of it opens an element, and none breaks the document."""
    return Markup(escape("".join(character if _is_shown(character) else "\ufffd" for character in text)))


def decimals(value: Number) -> str:
    """A coordinate: one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


_EMPTY = {"meta", "br", "path", "rect", "line", "circle", "polygon"}


def _attribute(key: str, value: str | Number) -> str:
    formatted = value if isinstance(value, str) else decimals(value)
    return f' {key.rstrip("_").replace("_", "-")}="{escaped(formatted)}"'


def _is_shown(character: str) -> bool:
    code = ord(character)
    return (
        (code >= 0x20 or character in "\n\t")
        and not (0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000)
        and (code & 0xFFFE != 0xFFFE)
    )
