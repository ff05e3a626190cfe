"""The page in a real browser: what is asked, written, approved, stopped and broken off."""

import pytest
from page_parts import answers, button, questions, send
from playwright.sync_api import Page, expect
from shared_kai import Kai, until

from kai_client.server import Execution, abort, ask, fail, say
from kai_client.types import Json


class Job:
    """A tool that says how it was run."""

    def __init__(self) -> None:
        self.ran: list[Json] = []

    def __call__(self, execution: Execution) -> str:
        """Run it."""
        self.ran.append(execution.input)
        return "job 77 has ended"


def test_text_arrives_in_pieces_as_markdown(page: Page, kai: Kai) -> None:
    """The first words are on the page, formatted, while Kai still writes; then come the others."""
    kai.script.reply("**Bread** costs $2, butter $4, `echo $HOME` nothing; jam5 costs more.")
    hold = kai.script.hold("jam5")
    send(page, "What does it cost?")
    answer = answers(page).last
    expect(answer.locator("strong")).to_have_text("Bread")
    expect(answer).to_contain_text("costs $2, butter $4, echo $HOME nothing;")
    expect(answer).not_to_contain_text("jam5")
    hold.release()
    expect(answer).to_contain_text("nothing; jam5 costs more.")
    expect(page.get_by_placeholder("Ask Kai")).to_be_enabled()


def test_an_answer_fetches_nothing(page: Page, kai: Kai) -> None:
    """An image is a link, however it is written: who gets words into an answer gets none out of the page. The fixture looks."""
    kai.script.reply(
        "![a](http://evil.test/a.png) and \\![b](http://evil.test/b.png) and \\```![c](http://evil.test/c.png)``` and ![d]\n\n"
        "[d]: http://evil.test/d.png\n\n~~~\necho $HOME\n~~~\n\nIt is \\$5, not \\$6 <img src=//evil.test/e.png>"
    )
    send(page, "Show me pictures")
    answer = answers(page).last
    expect(answer).to_contain_text("It is $5, not $6 <img src=")
    expect(answer).to_contain_text("echo $HOME")
    assert [link.inner_text() for link in answer.get_by_role("link").all()] == ["a", "b", "c", "d"]
    page.wait_for_load_state("networkidle")


def test_the_name_of_a_tool_is_no_markdown(page: Page, kai: Kai) -> None:
    """What is asked about is what is shown, letter for letter."""
    name = "look` at **this** <b>or</b>"
    kai.script.reply(ask(name, {}, "ok", denied="As you like."))
    send(page, "Look")
    expect(answers(page).last).to_contain_text(f"Kai asks to run {name} with")
    button(page, "Deny").click()
    expect(answers(page).last).to_contain_text(f"{name} denied")


@pytest.mark.parametrize("app", ["kai-agent", "kai-assistant"], indirect=True)
def test_the_bar(page: Page, kai: Kai) -> None:
    """A message is sent, text arrives in pieces, a tool is approved after its arguments were read, its result is seen."""
    job = Job()
    sql = "SELECT *\nFROM orders"
    kai.script.reply(
        say("Let me see, plum1 that is."), ask("run_job", {"config": "daily", "sql": sql}, job), say("It ran.")
    )
    hold = kai.script.hold("plum1")
    send(page, "Run the daily job")
    answer = answers(page).last
    expect(answer).to_contain_text("Let me see,")
    expect(answer).not_to_contain_text("plum1")
    expect(button(page, "Approve")).to_have_count(0)
    hold.release()

    expect(answer).to_contain_text("Kai asks to run run_job with")
    expect(answer).to_contain_text('"config":"daily"')
    expect(answer).to_contain_text("SELECT *\nFROM orders")
    expect(button(page, "Deny")).to_be_visible()
    assert job.ran == []
    button(page, "Approve").click()

    expect(answer).to_contain_text("It ran.")
    expect(button(page, "Approve")).to_have_count(0)
    answer.get_by_text("run_job done").click()
    expect(answer).to_contain_text("job 77 has ended")
    assert job.ran == [{"config": "daily", "sql": sql}]


@pytest.mark.parametrize("app", ["kai-agent", "kai-assistant"], indirect=True)
def test_a_denied_call_does_not_run(page: Page, kai: Kai) -> None:
    """Deny brings what Kai says to that, and the tool is not run."""
    job = Job()
    kai.script.reply(ask("run_job", {"config": "hourly"}, job, denied="All right, I leave it."))
    send(page, "Run the hourly job")
    expect(answers(page).last).to_contain_text('"config":"hourly"')
    button(page, "Deny").click()
    expect(answers(page).last).to_contain_text("All right, I leave it.")
    expect(answers(page).last).to_contain_text("run_job denied")
    assert job.ran == []


@pytest.mark.parametrize("app", ["kai-agent", "kai-assistant"], indirect=True)
def test_two_calls_are_decided_one_by_one(page: Page, kai: Kai) -> None:
    """Each of two calls is asked about with its own arguments, and only the approved one runs."""
    first, second = Job(), Job()
    kai.script.reply(ask("run_job", {"id": 1}, first), ask("run_job", {"id": 2}, second), say("That is that."))
    send(page, "Run both jobs")
    expect(answers(page).last).to_contain_text('Kai asks to run run_job with{"id":1}')
    button(page, "Deny").click()
    expect(answers(page).last).to_contain_text('Kai asks to run run_job with{"id":2}')
    button(page, "Approve").click()
    expect(answers(page).last).to_contain_text("run_job done")
    expect(button(page, "Approve")).to_have_count(0)
    assert (first.ran, second.ran) == ([], [{"id": 2}])


def test_a_question_survives_a_reload(page: Page, kai: Kai) -> None:
    """The buttons are there after the page was loaded again, and decide about the same stream."""
    job = Job()
    kai.script.reply(ask("run_job", {"config": "weekly"}, job), say("The weekly one ran."))
    send(page, "Run the weekly job")
    expect(button(page, "Approve")).to_be_visible()
    page.reload()
    expect(questions(page)).to_have_text("Run the weekly job")
    expect(answers(page).last).to_contain_text('"config":"weekly"')
    button(page, "Approve").click()
    expect(answers(page).last).to_contain_text("The weekly one ran.")
    assert job.ran == [{"config": "weekly"}]
    assert kai.asked().count("Run the weekly job") == 1


def test_stop_closes_the_connection(page: Page, kai: Kai) -> None:
    """Stop works while Kai is silent: its server sees the reader leave, what was written stays, and the chat goes on."""
    kai.script.reply("Pears are juicy, pear2 and more.")
    kai.script.reply("Here again.")
    kai.script.hold("pear2")
    send(page, "Tell me about pears")
    expect(answers(page).last).to_contain_text("Pears are juicy,")
    button(page, "Stop").click()
    expect(button(page, "Stop")).to_have_count(0)
    until(lambda: "Tell me about pears" in kai.script.left)
    expect(answers(page).last).to_contain_text("Pears are juicy,")
    send(page, "Are you there?")
    expect(answers(page).last).to_contain_text("Here again.")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_stopped_answer_asks_nothing(page: Page, kai: Kai) -> None:
    """An answer that was stopped asks nobody any more, and runs nothing."""
    job = Job()
    kai.script.reply(say("Well, fig3 then."), ask("run_job", {"config": "yearly"}, job))
    hold = kai.script.hold("fig3")
    send(page, "Run the yearly job")
    expect(answers(page).last).to_contain_text("Well,")
    button(page, "Stop").click()
    until(lambda: "Run the yearly job" in kai.script.left)
    hold.release()
    expect(button(page, "Stop")).to_have_count(0)
    expect(button(page, "Approve")).to_have_count(0)
    assert job.ran == []


def test_other_clicks_do_not_end_an_answer(page: Page, kai: Kai) -> None:
    """Who votes, opens another chat or loads the page again in the middle finds the answer going on: it was asked once."""
    kai.script.reply("Lemons are yellow.")
    kai.script.reply("Limes are green, lime4 and sour.")
    hold = kai.script.hold("lime4")
    send(page, "Tell me about lemons")
    expect(answers(page).last).to_contain_text("Lemons are yellow.")
    expect(button(page, "Stop")).to_have_count(0)
    send(page, "Tell me about limes")
    expect(answers(page).last).to_contain_text("Limes are green,")
    page.get_by_role("radio", name="Thumbs up").click()
    expect(answers(page).last).to_contain_text("Limes are green,")
    button(page, "New chat").click()
    expect(answers(page)).to_have_count(0)
    button(page, "Tell me about lemons").click()
    expect(answers(page).last).to_contain_text("Limes are green,")
    page.reload()
    expect(answers(page).last).to_contain_text("Limes are green,")
    hold.release()
    expect(answers(page).last).to_contain_text("lime4 and sour.")
    expect(questions(page)).to_have_text(["Tell me about lemons", "Tell me about limes"])
    assert kai.asked().count("Tell me about limes") == 1
    assert "Tell me about limes" not in kai.script.left


def test_the_next_message_waits_for_the_answer(page: Page, kai: Kai) -> None:
    """What is typed while Kai writes is shown, and sent when the answer is over."""
    kai.script.reply("One, kiwi5 and done.")
    kai.script.reply("Two.")
    hold = kai.script.hold("kiwi5")
    send(page, "Count to one")
    expect(answers(page).last).to_contain_text("One,")
    send(page, "Count to two")
    expect(questions(page)).to_have_text(["Count to one", "Count to two"])
    assert "Count to two" not in kai.asked()
    hold.release()
    expect(answers(page)).to_contain_text(["One, kiwi5 and done.", "Two."])
    assert kai.asked()[-2:] == ["Count to one", "Count to two"]
    expect(page.get_by_placeholder("Ask Kai")).to_be_focused()


def test_an_error_is_one_sentence(page: Page, kai: Kai) -> None:
    """It says what happened and what to do, letter for letter; it is gone with the next message, which works."""
    alert = page.get_by_role("alert")
    for failure, sentence in (
        (fail("The quota is used up.", status=429), "The quota is used up. Wait until the quota is renewed."),
        (fail("Who are you?", status=401), "Who are you? Check the token: Kai needs a master token of this stack."),
        (fail("A *star* fell for $1 to $2"), "A *star* fell for $1 to $2. Try again in a moment."),
        (abort("Enough."), "The answer was aborted. Try again in a moment."),
    ):
        kai.script.reply(failure)
        send(page, "Does it work?")
        expect(alert).to_have_text(sentence)
    expect(answers(page)).to_have_count(0)
    kai.script.reply("All is well.")
    send(page, "And now?")
    expect(answers(page).last).to_contain_text("All is well.")
    expect(alert).to_have_count(0)


def test_half_an_answer_stays(page: Page, kai: Kai) -> None:
    """Where an answer breaks off, what had arrived is shown, with the sentence below it."""
    kai.script.reply(say("The first half"), fail("The model is tired."))
    send(page, "Tell me everything")
    expect(page.get_by_role("alert")).to_have_text("The model is tired. Try again in a moment.")
    expect(answers(page).last).to_contain_text("The first half")
