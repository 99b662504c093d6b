"""JSON text, value by value: what a body holds is never in memory as a whole, nor read in one go."""

import json
import re
from collections.abc import Callable, Iterator

import orjson

from fraud_detection_api.errors import BodyUnreadable, InputRefused, RecordTooLarge
from fraud_detection_api.problems import Misfit

Content = bytes | bytearray

MOST_VALUE_BYTES = 131_072  # of one record: what it becomes takes up to 20 times as much, and some ms to read
PIECE = 65_536  # bytes of text at a time
MOST_AT_ONCE = 256
PLAIN_AT_ONCE = 16_384  # characters of numbers or short texts, a few of thousands

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
_LONGEST_WORD = len(r"\ud83d\ude00")  # that a cut can break: an escaped pair, -Infinity
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class JsonValues:
    """The values of a body, as json.loads gives them, with its errors at its places."""

    def __init__(self, body: Content) -> None:
        self._body = body
        self._start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
        self._text, self._at, self._before = "", 0, 0  # a piece, the place in it, characters before it
        self._is_last = False
        self._more(PIECE)

    @property
    def opening(self) -> str:
        """The character that a value begins with, or nothing where the text ends."""
        return self._peek()

    def only(self) -> object:
        """The one value that the body is."""
        value = self.value()
        self.refuse_more()
        return value

    def value(self) -> object:
        """The value that begins here."""
        self._peek()
        return self._value()

    def batches(self) -> Iterator[list[object]]:
        """The values of the array that the body is, some at a time."""
        yield from self._items(self._some)
        self.refuse_more()

    def items(self) -> Iterator[list[object]]:
        """The values of the array that begins here, thousands at a time where they are plain."""
        return self._items(lambda: self._plain() or self._some())

    def names(self) -> Iterator[str]:
        """The names of the object that begins here; the value of each has to be read before the next is asked for."""
        self._at += 1
        more = self._peek() != "}"
        while more:
            if self._peek() != '"':
                raise self._broken("Expecting property name enclosed in double quotes", self._at)
            name = str(self._value())
            if self._peek() != ":":
                raise self._broken("Expecting ':' delimiter", self._at)
            self._at += 1
            yield name
            more = self._goes_on("}")
        self._at += 1

    def refuse_more(self) -> None:
        """Nothing may follow the last value."""
        if self._peek():
            raise self._broken("Extra data", self._at)

    def _items(self, read: Callable[[], tuple[list[object], bool]]) -> Iterator[list[object]]:
        self._peek()
        self._at += 1
        batch, more = ([], False) if self._peek() == "]" else read()
        while more:
            yield batch
            batch, more = read()
        self._at += 1
        yield batch

    def _some(self) -> tuple[list[object], bool]:
        """Values read one by one, and whether more follow."""
        batch: list[object] = []
        began, more = self._before + self._at, True
        while more and len(batch) < MOST_AT_ONCE and self._before + self._at - began < PIECE:
            self._peek()
            batch.append(self._value())
            more = self._goes_on("]")
        return batch, more

    def _plain(self) -> tuple[list[object], bool] | None:
        """Values up to the end of the array or of the piece, read at once; None where one of them is not plain."""
        if len(self._text) - self._at < PLAIN_AT_ONCE and not self._is_last:
            self._more(PIECE)
        end = self._text.find("]", self._at, self._at + PLAIN_AT_ONCE)
        cut = end if end >= 0 else self._text.rfind(",", self._at, self._at + PLAIN_AT_ONCE)
        text = f"[{self._text[self._at : max(cut, self._at)]}]"
        try:  # a cut inside a text, an array or an object leaves none that can be read
            batch: list[object] = orjson.loads(text)
            if "." not in text and float in set(map(type, batch)):
                batch = _DECODER.decode(text)  # orjson makes a float of a whole number beyond 64 bits
        except (ValueError, RecursionError):
            return None
        if not batch:
            return None
        self._at = cut + (end < 0)
        return batch, end < 0

    def _goes_on(self, closing: str) -> bool:
        following = self._peek()
        if following == ",":
            self._at += 1
        elif following != closing:
            raise self._broken("Expecting ',' delimiter", self._at)
        return following == ","

    def _peek(self) -> str:
        """The next character that is no white space, or nothing at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or self._is_last:
                return self._text[self._at : self._at + 1]
            self._more(PIECE)

    def _value(self) -> object:
        for size in (PIECE, MOST_VALUE_BYTES):
            is_whole, value = self._tried()
            if is_whole:
                return value
            self._more(size)
        is_whole, value = self._tried()
        if not is_whole:
            raise RecordTooLarge(MOST_VALUE_BYTES)
        return value

    def _tried(self) -> tuple[bool, object]:
        """The value at the present place, unless the piece ends before it is known to be whole."""
        try:
            value, end = _DECODER.raw_decode(self._text, self._at)
        except json.JSONDecodeError as error:
            if self._is_last or self._is_broken_inside(error):
                raise self._broken(error.msg, error.pos) from None
            return False, None
        except (ValueError, RecursionError):
            raise BodyUnreadable from None
        if end == len(self._text) and not self._is_last:
            return False, None
        self._at = end
        return True, value

    def _is_broken_inside(self, error: json.JSONDecodeError) -> bool:
        """Whether it is the text that is broken, and not the piece of it that ends too early."""
        return error.pos < len(self._text) - _LONGEST_WORD and not error.msg.startswith("Unterminated")

    def _more(self, size: int) -> None:
        """Go on to a piece of so many bytes that begins at the present place."""
        self._start += _byte_length(self._text[: self._at])
        self._before += self._at
        end = min(self._start + size, len(self._body))
        while end < len(self._body) and self._body[end] & 0xC0 == 0x80 and end > self._start:
            end -= 1  # no character is cut in two
        try:
            self._text, self._at = str(self._body[self._start : end], "utf-8", "surrogatepass"), 0
        except UnicodeDecodeError:
            raise BodyUnreadable from None
        self._is_last = end == len(self._body)

    def _broken(self, message: str, position: int) -> InputRefused:
        return InputRefused([broken_json(message, self._before + position)])


def broken_json(message: str, position: int) -> Misfit:
    """What is wrong with a body that is no JSON, and where, as FastAPI words it."""
    return Misfit(("body", position), "JSON decode error", {}, "json_invalid", {"error": message})


def has_more(body: Content, byte: bytes, most: int) -> bool:
    """Whether a byte comes more often than that; counted in pieces, since no thread runs beside a count."""
    found = start = 0
    while start < len(body) and found <= most:
        found += body.count(byte, start, start + 1_000_000)
        start += 1_000_000
    return found > most


def _byte_length(text: str) -> int:
    return len(text if text.isascii() else text.encode("utf-8", "surrogatepass"))
