"""Text as every encoding and every header can carry it."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

__all__ = ["Name", "Text", "whole_text"]


def whole_text(text: str) -> str:
    """`text` with a question mark for half a surrogate pair, which JavaScript may send and protobuf cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


Text = Annotated[str, AfterValidator(whole_text)]

Name = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""What is also the value of a header: short, on one line."""
