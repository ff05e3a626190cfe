"""How parts look that change faster than Streamlit sends them."""

from pathlib import Path

from page_parts import button
from playwright.sync_api import Browser, expect
from streamlit_process import PAGE, running_app

CALLS = 6
PATIENCE_MS = 90_000
HASTY = f"""
import sys
from threading import Event, Thread

import streamlit as st

sys.path.insert(0, {str(PAGE.parent)!r})
from background_answer import Question
from kai_client import ToolCall, UIMessage
from streamlit_parts import LivePart

def message(**fields):
    part = {{"type": "tool-run_job", "toolCallId": "1", "input": {{"config": "daily"}}, **fields}}
    return UIMessage.model_validate({{"id": "1", "role": "assistant", "parts": [part]}})

def draw_at_once():
    waiting, done = message(state="input-available"), message(state="output-available", output={{"job": 77}})
    for index in range({CALLS}):
        call = ToolCall(
            chat_id="1", tool_call_id=str(index), tool_name="run_job", input={{"config": "daily"}}, message=waiting
        )
        place = LivePart(st.container())
        place.draw(waiting.parts[0], None)
        place.draw(waiting.parts[0], Question(call))
        if index % 2:
            place.draw(done.parts[0], None)

if st.button("Draw"):
    # What sends to the browser is seldom run: another thread is busy all the time, and long at a time.
    is_over = Event()

    def be_busy():
        while not is_over.is_set():
            pass

    Thread(target=be_busy).start()
    sys.setswitchinterval(0.02)
    try:
        draw_at_once()
    finally:
        is_over.set()
        sys.setswitchinterval(0.005)
    st.text("That is all.")
"""


def test_a_call_becomes_a_question_at_once(browser: Browser, tmp_path: Path) -> None:
    """A call that is drawn, asked about and done before the browser has heard of it is there as it is at last, and so is the page."""
    script = tmp_path / "page.py"
    script.write_text(HASTY, encoding="utf-8")
    with running_app(tmp_path, {}, script) as app:
        tab = browser.new_page()
        tab.goto(app.url)
        button(tab, "Draw").click()
        expect(tab.get_by_text("That is all.")).to_be_visible(timeout=PATIENCE_MS)
        expect(tab.get_by_text("Kai asks to run run_job with")).to_have_count(CALLS - CALLS // 2)
        expect(button(tab, "Approve")).to_have_count(CALLS - CALLS // 2)
        expect(tab.get_by_text("run_job done")).to_have_count(CALLS // 2)
        expect(tab.get_by_text("run_job is running")).to_have_count(0)
        tab.close()
