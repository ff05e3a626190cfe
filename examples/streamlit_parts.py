"""How the parts of a message look on a Streamlit page: text, thoughts, tool calls, and the questions about them."""

import re
from typing import Final, Literal, TypeAlias

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from background_answer import Question
from kai_client import ReasoningUIPart, TextUIPart, ToolUIPart, UIMessage
from kai_client.types import Json

_State: TypeAlias = Literal["running", "complete", "error"]
ShownPart: TypeAlias = TextUIPart | ReasoningUIPart | ToolUIPart

_STATES: Final[dict[str, tuple[_State, str]]] = {
    "approval-requested": ("running", "waits"),
    "output-available": ("complete", "done"),
    "output-error": ("error", "failed"),
    "output-denied": ("error", "denied"),
}
_LINE: Final = 60
_CODE: Final = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`)", re.DOTALL)
_DOLLAR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\$")  # that has no backslash of its own
_NAME: Final = re.compile(r"[\w.:/-]+")
_NEXT_ACTIONS: Final = re.compile(r"```next_actions\n(.*?)(?:```|\Z)", re.DOTALL)


def plain(text: str) -> str:
    """As Markdown that shows exactly this: buttons and errors draw Markdown, too."""
    return re.sub(r"([^\w\s])", r"\\\1", text)


def shown_parts(message: UIMessage | None) -> list[ShownPart]:
    """The parts that are for people."""
    return [part for part in message.parts if isinstance(part, ShownPart)] if message else []


def next_actions(message: UIMessage) -> list[str]:
    """What the message suggests to ask next: an answer of Kai's may end with a list of it."""
    found = _NEXT_ACTIONS.search(message.text)
    return re.findall(r"^\s*[-*]\s+(.+?)\s*$", found[1], re.MULTILINE) if found else []


def draw_part(part: ShownPart, *, live: bool = False) -> None:
    """The part. `live`: it may yet grow."""
    match part:
        case TextUIPart():
            _draw_text(part.text)
        case ReasoningUIPart():
            with st.expander("Thoughts", icon=":material/lightbulb:"):
                _draw_text(part.text)
        case _:
            _draw_call(part, live=live)


class LivePart:
    """The place of a part that is drawn again as it grows, at the end of `body`.

    A question about a call has a place of its own: what Streamlit has not sent yet it overwrites where it stands, and where one
    kind of block has become another in between, the browser is told to fill one that it does not have, and shows nothing more.
    """

    def __init__(self, body: DeltaGenerator) -> None:
        self._part, self._question = body.empty(), body.empty()
        self._drawn: object = None

    def draw(self, part: ShownPart, question: Question | None) -> None:
        """Draw `part`, or the question about it, if that is not what is there."""
        shown = question or part
        if self._drawn == shown:
            return
        if question:
            self._part.empty()
            with self._question.container():
                _draw_question(question)
        else:
            if isinstance(self._drawn, Question):
                self._question.empty()
            with self._part.container():
                draw_part(part, live=True)
        self._drawn = shown


def _draw_text(text: str) -> None:
    """Markdown as Kai writes it, without images: a browser would fetch them from wherever an answer says, and tell that place.

    What would be an image is a link, by a space of no width. To Streamlit a dollar outside of code would begin a formula.
    """
    pieces = _CODE.split(_NEXT_ACTIONS.sub("", text).replace("![", "!\u200b["))
    st.markdown("".join(piece if index % 2 else _DOLLAR.sub(r"\1\\$", piece) for index, piece in enumerate(pieces)))


def _name(tool: str) -> str:
    """As code, unless the name could end the code and go on as it likes."""
    return f"`{tool}`" if _NAME.fullmatch(tool) else plain(tool)


def _draw_question(question: Question) -> None:
    """All of the arguments, and the buttons below them: those of this call, so that a second click decides about no other."""
    with st.container(border=True):
        st.markdown(f"Kai asks to run {_name(question.call.tool_name)} with")
        _draw_json(question.call.input)
        yes, no, _ = st.columns([1, 1, 3])
        of = question.call.tool_call_id
        yes.button(
            "Approve", key=f"approve {of}", type="primary", width="stretch", on_click=question.decide, args=(True,)
        )
        no.button("Deny", key=f"deny {of}", width="stretch", on_click=question.decide, args=(False,))


def _draw_call(part: ToolUIPart, *, live: bool) -> None:
    """What the tool is called with, and what came of it."""
    other: tuple[_State, str] = ("running", "is running") if live else ("error", "was not finished")
    state, word = _STATES.get(part.state, other)
    # The container in between: leaving a status that is running makes it complete.
    with st.status(f"{_name(part.tool_name)} {word}", state=state).container():
        _draw_json(part.get("input"))
        _draw_json(part.get("output", part.get("errorText")), expanded=1)


def _is_long(text: str) -> bool:
    return "\n" in text or len(text) > _LINE


def _draw_json(value: Json, *, expanded: int | bool = True) -> None:
    """JSON, unfolded this deep; long texts, such as queries, below it as they are."""
    if isinstance(value, dict):
        texts = {name: item for name, item in value.items() if isinstance(item, str) and _is_long(item)}
        if others := {name: item for name, item in value.items() if name not in texts}:
            st.json(others, expanded=expanded)
        for name, item in texts.items():
            st.caption(name)
            st.code(item, language="sql" if "sql" in name else None, wrap_lines=True)
    elif isinstance(value, str):
        st.code(value, language=None, wrap_lines=True)
    elif value is not None:
        st.json(value, expanded=expanded)
