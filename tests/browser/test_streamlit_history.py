"""The page in a real browser: what is kept, voted on and suggested, and what is found again."""

import re

import pytest
from page_parts import answers, button, questions, send
from playwright.sync_api import Page, WebSocketRoute, expect
from shared_kai import TOKEN, Kai, until
from streamlit_process import App

from kai_client.server import Execution, ask, call, say
from kai_client.sync import KaiClient, by_id


def test_a_vote_reaches_kai(page: Page, kai: Kai) -> None:
    """A thumb is stored, is there when the chat is opened again, and can be changed but not taken back."""
    kai.script.reply("Vote for me.")
    send(page, "Say something good")
    up, down = page.get_by_role("radio", name="Thumbs up"), page.get_by_role("radio", name="Thumbs down")
    up.click()
    chat_id = page.url.partition("chat=")[2]
    until(lambda: [vote.type for vote in kai.client.get_votes(chat_id)] == ["up"])
    page.reload()
    expect(up).to_be_checked()
    down.click()
    until(lambda: [vote.type for vote in kai.client.get_votes(chat_id)] == ["down"])
    down.click()
    expect(down).to_be_checked()


def test_the_history_reloads_a_chat(page: Page, kai: Kai) -> None:
    """The newest chats are listed, the others on demand; a click shows all of a chat, and it goes on."""
    asked = [f"Chat number {number:02} *" for number in range(17)]
    kai.script.reply(
        call("get_weather", {"town": "Brno"}, {"sky": "blue"}), say("It is fine."), when=r"chat number 00 \*$"
    )
    for text in asked:
        kai.client.chat(text)
    page.reload()
    expect(button(page, asked[16])).to_be_visible()
    expect(button(page, asked[2])).to_be_visible()
    expect(button(page, asked[1])).to_have_count(0)
    button(page, "Older chats").click()
    button(page, asked[0]).click()
    expect(questions(page)).to_have_text([asked[0]])
    expect(answers(page).last).to_contain_text("It is fine.")
    answers(page).last.get_by_text("get_weather done").click()
    expect(answers(page).last).to_contain_text('{"town":"Brno"}')
    expect(answers(page).last).to_contain_text('{"sky":"blue"}')
    kai.script.reply("Still fine.")
    send(page, "And now?")
    expect(answers(page).last).to_contain_text("Still fine.")
    assert len(kai.client.get_chat(page.url.partition("chat=")[2]).messages) == 4


@pytest.mark.parametrize("app", ["kai-agent"], indirect=True)
def test_an_unknown_chat_is_a_sentence(page: Page, app: App) -> None:
    """An address with a chat that is gone says so, and the page can be used."""
    page.goto(f"{app.url}?chat=8d1fe2c4-0000-4000-8000-000000000000")
    expect(page.get_by_role("alert")).to_have_text(re.compile(r".+\. Begin a new chat\."))
    button(page, "New chat").first.click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()


def test_suggestions_are_asked_with_a_click(page: Page, kai: Kai) -> None:
    """A new chat has Kai's suggestions; what an answer suggests is below it, and not in its text."""
    kai.script.reply("You have ten.\n\n```next_actions\n- What is in `orders`?\n* Drop nothing\n```\n")
    kai.script.reply("Orders are in it.")
    button(page, "What data is there?").click()
    expect(questions(page)).to_have_text(["Which tables do I have?"])
    expect(answers(page).last).to_contain_text("You have ten.")
    expect(answers(page).last).not_to_contain_text("Drop nothing")
    expect(button(page, "Drop nothing")).to_be_visible()
    button(page, "What is in `orders`?").click()
    expect(answers(page).last).to_contain_text("Orders are in it.")
    expect(button(page, "Drop nothing")).to_have_count(0)
    assert kai.asked()[-2:] == ["Which tables do I have?", "What is in `orders`?"]


@pytest.mark.parametrize("app", ["kai-assistant"], indirect=True)
def test_an_answer_that_was_left_pending_goes_on(page: Page, app: App, kai: Kai) -> None:
    """A call that another process left waiting has its buttons here, days later, too."""
    ran: list[object] = []

    def run(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    kai.script.reply(say("I would run it."), ask("run_job", {"config": "monthly"}, run), say("It ran at last."))
    with KaiClient.from_storage_api(TOKEN, kai.server.url, service="kai-assistant") as elsewhere:
        chat_id = elsewhere.new_chat_id()
        elsewhere.run(chat_id, "Run the monthly job", approve=by_id({})).get_final_message()
    page.goto(f"{app.url}?chat={chat_id}")
    expect(questions(page)).to_have_text(["Run the monthly job"])
    expect(answers(page)).to_contain_text(["I would run it."])
    expect(answers(page).last).to_contain_text('"config":"monthly"')
    assert ran == []
    button(page, "Approve").click()
    expect(answers(page).last).to_contain_text("It ran at last.")
    expect(answers(page)).to_have_count(1)
    assert ran == [{"config": "monthly"}]


@pytest.mark.parametrize("app", ["kai-agent"], indirect=True)
def test_a_proxy_that_cuts_the_websocket(page: Page, app: App, kai: Kai) -> None:
    """The page connects again by itself, and the answer that was being written goes on: it is asked once."""
    sockets: list[WebSocketRoute] = []

    def pass_on(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket(re.compile("/_stcore/stream"), pass_on)
    page.goto(app.url)
    kai.script.reply("A long story, quince8 of it.")
    hold = kai.script.hold("quince8")
    send(page, "Tell me a long story")
    expect(answers(page).last).to_contain_text("A long story,")
    sockets[0].close()
    hold.release()
    expect(answers(page).last).to_contain_text("quince8 of it.")
    expect(button(page, "Stop")).to_have_count(0)
    assert len(sockets) > 1
    assert kai.asked().count("Tell me a long story") == 1


def test_many_tabs_share_one_client(page: Page, app: App, kai: Kai) -> None:
    """Two tabs are answered at the same time, and see only their own chats."""
    other = page.context.new_page()
    other.goto(app.url)
    kai.script.reply("In the first, melon6.", when="first tab")
    kai.script.reply("In the second, melon6.", when="second tab")
    hold = kai.script.hold("melon6")
    send(page, "I am the first tab")
    send(other, "I am the second tab")
    expect(answers(page)).to_contain_text(["In the first,"])
    expect(answers(other)).to_contain_text(["In the second,"])
    hold.release()
    expect(answers(page)).to_contain_text(["In the first, melon6."])
    expect(answers(other)).to_contain_text(["In the second, melon6."])
    other.close()
