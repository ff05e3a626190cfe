"""A chat page on Streamlit, as a Keboola Data App or anywhere else; docs/data-apps.md explains it.

With `STORAGE_API_TOKEN` and `STORAGE_API_URL` (or a Data App's own `KBC_TOKEN` and `KBC_URL`) in the environment or in Streamlit's
secrets it talks to the Kai of that stack, and all who open the page are one user of it. Without them a local server plays Kai.

Run: uv run --group examples streamlit run examples/streamlit_app.py
"""

import atexit
import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from threading import RLock
from typing import Final, Literal

import streamlit as st

import kai_client as kai
from background_answer import RUNNING, Answer
from kai_client.sync import KaiClient
from streamlit_parts import LivePart, draw_part, next_actions, plain, shown_parts

# Comments, not docstrings: Streamlit writes a text that stands alone onto the page.
PAGE: Final = 15  # how many chats the history shows at first, and how many more with each click
THUMBS: Final = ("down", "up")  # in the order of Streamlit's widget
TICK: Final = 0.05  # seconds between two looks at an answer that is being written
WHAT_TO_DO: Final[tuple[tuple[type[kai.KaiError], str], ...]] = (
    (kai.KaiAuthenticationError, "Check the token: Kai needs a master token of this stack."),
    (kai.KaiForbiddenError, "Begin a new chat, or ask whether Kai is enabled for this project."),
    (kai.KaiNotFoundError, "Begin a new chat."),
    (kai.KaiRateLimitError, "Wait until the quota is renewed."),
    (kai.KaiConfigError, "Correct the settings and start the app again."),
)


@st.cache_resource(show_spinner="Connecting to Kai ...")
def client() -> KaiClient:
    """The one client of this process: all sessions and threads share it. Raises `KaiError`, and the next run tries again."""
    for name, of_a_data_app in (("STORAGE_API_TOKEN", "KBC_TOKEN"), ("STORAGE_API_URL", "KBC_URL")):
        if of_a_data_app in os.environ:
            os.environ.setdefault(name, os.environ[of_a_data_app])
    until_exit = ExitStack()
    atexit.register(until_exit.close)
    if not is_local():
        return until_exit.enter_context(KaiClient.from_env())
    from kai_client.server import ScriptedKai  # noqa: PLC0415 - the extra "server", only needed here
    from kai_client.testing import running_server  # noqa: PLC0415

    server = until_exit.enter_context(running_server(ScriptedKai(pace=0.03)))
    return until_exit.enter_context(KaiClient.from_storage_api("local", server.url))


def is_local() -> bool:
    """Whether nobody has said which Kai it is to be."""
    return not {"STORAGE_API_TOKEN", "STORAGE_API_URL", "KAI_BASE_URL"} & os.environ.keys()


@dataclass
class Session:
    """What one browser tab shows."""

    chat_id: str = field(default_factory=KaiClient.new_chat_id)
    messages: list[kai.UIMessage] = field(default_factory=list[kai.UIMessage])
    votes: dict[str, str] = field(default_factory=dict[str, str])
    answer: Answer | None = None
    next_text: str = ""
    error: str | None = None
    chats: list[kai.Chat] = field(default_factory=list[kai.Chat])
    shown: int = 0
    older: Iterator[kai.Chat] | None = None
    lock: RLock = field(default_factory=RLock)  # a run that a click has ended may go on for a moment beside the next


def session() -> Session:
    """That of the tab for which this run is."""
    if "kai" not in st.session_state:
        st.session_state.kai = Session()
        open_chat(st.query_params.get("chat"))
    found: Session = st.session_state.kai
    return found


@contextmanager
def told() -> Generator[None]:
    """An error of Kai's becomes the one sentence at the end of the page."""
    try:
        yield
    except kai.KaiError as error:
        session().error = sentence(error)


def sentence(error: kai.KaiError) -> str:
    """What happened, and what to do."""
    advice = [text for kind, text in WHAT_TO_DO if isinstance(error, kind)]
    message = error.message if error.message.endswith((".", "?", "!")) else f"{error.message}."
    return f"{message} {advice[0] if advice else 'Try again in a moment.'}"


# What a click does, before the page is drawn again.


def open_chat(chat_id: str | None = None) -> None:
    """Show this chat, or a new one, and go on with what is written in it or waits for a decision."""
    tab = session()
    with tab.lock:
        tab.chat_id, tab.messages, tab.votes, tab.next_text = chat_id or KaiClient.new_chat_id(), [], {}, ""
        tab.answer, tab.older = RUNNING.get(tab.chat_id), None
    st.query_params.from_dict({"chat": chat_id} if chat_id else {})  # for who loads the page again
    if tab.answer is not None:
        tab.messages = list(tab.answer.before)
    elif chat_id is not None:
        with told():
            tab.messages = [*client().get_chat(chat_id).messages]
            tab.votes = {vote.message_id: vote.type for vote in client().get_votes(chat_id)}
        if tab.messages and any(part.state == "approval-requested" for part in tab.messages[-1].tool_parts):
            *before, last = tab.messages
            tab.messages, tab.answer = before, Answer(client(), chat_id, None, before, last)


def send(text: str | None = None) -> None:
    """Send `text`, or what was typed; not before the answer that is being written is over."""
    tab = session()
    text = text or str(st.session_state.typed)
    with tab.lock:
        tab.next_text = f"{tab.next_text}\n\n{text}".strip()
        send_next(tab)
    st.query_params["chat"] = tab.chat_id


def send_next(tab: Session) -> None:
    """Send what was typed, if it can be sent now. Nothing in here lets Streamlit end the run: not a word may get lost."""
    if tab.answer is None and tab.next_text:
        text, tab.next_text = tab.next_text, ""
        said = kai.UIMessage(id=KaiClient.new_message_id(), role="user", parts=[kai.TextUIPart(text=text)])
        tab.messages.append(said)
        tab.answer = Answer(client(), tab.chat_id, text, list(tab.messages))


def vote(message_id: str) -> None:
    """Send the vote, and show what Kai keeps: a vote can be changed, not taken back."""
    tab, key = session(), f"vote {message_id}"
    thumb: int | None = st.session_state[key]
    with told():
        if thumb is not None:
            tab.votes[message_id] = client().vote(tab.chat_id, message_id, THUMBS[thumb]).type
    st.session_state[key] = stored_thumb(message_id)


def stored_thumb(message_id: str) -> int | None:
    """The vote as the widget has it."""
    found = session().votes.get(message_id)
    return THUMBS.index(found) if found else None


def show_history() -> None:
    """Show more chats; one more than is shown is fetched, to know whether there is one."""
    tab = session()
    if tab.older is None:
        tab.older, tab.chats, tab.shown = client().get_all_history(batch_size=PAGE + 1), [], 0
    tab.shown += PAGE
    with told():
        tab.chats += islice(tab.older, tab.shown + 1 - len(tab.chats))


# What is drawn.


def draw_message(message: kai.UIMessage) -> None:
    """A message that is whole; an answer that failed before its first word is none."""
    if message.role != "user" and not shown_parts(message):
        return
    with st.chat_message(message.role):
        if message.role == "user":
            st.text(message.text)
            return
        for part in shown_parts(message):
            draw_part(part)
        if message.id:
            st.session_state.setdefault(f"vote {message.id}", stored_thumb(message.id))
            st.feedback("thumbs", key=f"vote {message.id}", on_change=vote, args=(message.id,))


def follow(answer: Answer) -> None:
    """Draw an answer while it is written, until it is over or waits for a click."""
    with st.chat_message("assistant"):
        body, foot = st.container(), st.empty()
    foot.button("Stop", icon=":material/stop_circle:", on_click=answer.stop)
    if session().next_text:
        st.chat_message("user").text(session().next_text)
    places: list[LivePart] = []
    while session().answer is answer:  # a look into the session is also where a click ends this run of the page
        is_over, question, is_asked = answer.is_over, answer.question, False
        for index, part in enumerate(shown_parts(answer.message)):
            if index == len(places):
                places.append(LivePart(body))
            asks = question if question and question.call.tool_call_id == part.get("toolCallId") else None
            places[index].draw(part, asks)
            is_asked |= asks is not None
        if is_asked:
            foot.empty()
            return
        if is_over:
            keep(answer)
        time.sleep(TICK)


def keep(answer: Answer) -> None:
    """The answer becomes a message like the others, and the page is drawn again with what can be done next."""
    tab = session()
    with tab.lock:
        if tab.answer is answer:
            tab.messages = [*answer.before, *([answer.message] if answer.message else [])]
            tab.error = sentence(answer.error) if answer.error else None
            tab.answer = tab.older = None
            send_next(tab)
    st.rerun()


def draw_history() -> None:
    """The chats, the newest first."""
    tab = session()
    st.title("Kai")
    st.button("New chat", icon=":material/edit_square:", width="stretch", on_click=open_chat)
    if tab.older is None:
        show_history()
    for chat in tab.chats[: tab.shown]:
        kind: Literal["secondary", "tertiary"] = "secondary" if chat.id == tab.chat_id else "tertiary"
        title = plain(chat.title or "Untitled")
        st.button(title, key=f"chat {chat.id}", type=kind, width="stretch", on_click=open_chat, args=(chat.id,))
    if len(tab.chats) > tab.shown:
        st.button("Older chats", icon=":material/expand_more:", on_click=show_history)
    if is_local():
        st.caption("A local server plays Kai. With STORAGE_API_TOKEN and STORAGE_API_URL it is your own.")


@st.cache_data(ttl="10m", show_spinner=False)
def suggestions() -> list[kai.Suggestion]:
    """What could be asked first; kai-assistant has no suggestions."""
    with suppress(kai.KaiError):
        return client().get_suggestions("dashboard", {}).suggestions
    return []


def draw_suggestions(messages: list[kai.UIMessage]) -> None:
    """What could be asked next, as buttons."""
    with st.container():
        if not messages:
            st.header("What would you like to know?")
            for each in suggestions():
                st.button(plain(each.label), key=each.id, help=plain(each.prompt), on_click=send, args=(each.prompt,))
        else:
            for action in next_actions(messages[-1]):
                st.button(plain(action), on_click=send, args=(action,))


def main() -> None:
    """One run of the page."""
    st.set_page_config("Kai", "💬")
    st.html("<style>.stMarkdown table { display: block; overflow-x: auto; }</style>")  # wide tables scroll
    try:
        client()
    except kai.KaiError as error:
        st.error(plain(sentence(error)))
        return
    tab = session()
    with st.sidebar:
        draw_history()
    st.chat_input("Ask Kai", key="typed", on_submit=send)
    for message in tab.messages:
        draw_message(message)
    if tab.answer is not None:
        follow(tab.answer)
    else:
        draw_suggestions(tab.messages)
    if tab.error:
        st.error(plain(tab.error))
    tab.error = None


main()
