"""What a server's text may do to a terminal: nothing."""

from hypothesis import given
from hypothesis import strategies as st

from kai_client.cli.terminal import ShownText, json_line, json_text, one_line, short

SECRET = "123-token"


def shown(*pieces: str, secret: str | None = None) -> str:
    """What is shown of a text that arrives in these pieces."""
    text = ShownText(secret)
    return "".join(map(text.feed, pieces)) + text.flush()


def test_sequences_disappear_whole() -> None:
    """Colours, cursor moves, titles, clipboard writes and links leave no trace, in either of their encodings."""
    text = "a\x1b[1;31mb\x1b[2Kc\x1b]0;title\x07d\x1b]52;c;aGk=\x1b\\e\x1b]8;;http://x\x1b\\f\x1bPq\x1b\\g\x9b31mh\x1b7i\x1b(Bj"
    assert shown(text) == "abcdefghij"


def test_control_characters_disappear() -> None:
    """Bell, backspace, carriage return and their like go, newline and tab stay."""
    assert shown("a\x07b\x08c\rd\x00e\x7ff\x85g\n\th") == "abcdefg\n\th"


def test_an_unfinished_sequence_is_not_held_for_ever() -> None:
    """A sequence that never ends becomes text after a while."""
    text = ShownText(None)
    assert text.feed("\x1b]0;") == ""
    assert "x" * 5000 in text.feed("x" * 5000)


def test_what_was_held_back_is_shown_at_the_end() -> None:
    """The beginning of the token at the end of an answer is only text."""
    assert shown("my id is 123", secret=SECRET) == "my id is 123"


@given(
    st.lists(st.text(st.sampled_from("\x1b[]m0;?\x07\\\x9b\x9d(Bé\n12 -token"), max_size=12), max_size=8),
)
def test_pieces_do_not_matter(pieces: list[str]) -> None:
    """However a text is cut: the same is shown, without a control character."""
    result = shown(*pieces, secret=SECRET)
    assert result == shown("".join(pieces), secret=SECRET)
    assert all(char == "\n" or char.isprintable() for char in result)


@given(st.integers(0, 20), st.integers(0, 20))
def test_the_secret_is_never_shown(first: int, second: int) -> None:
    """The token is hidden, wherever the pieces are cut, also when an escape sequence stands in it."""
    for text in ("say 123-token now", "say 123-\x1b[0mtoken now"):
        low, high = sorted((first, second))
        assert shown(text[:low], text[low:high], text[high:], secret=SECRET) == "say *** now"


def test_one_line_is_one_line_of_visible_text() -> None:
    """Line breaks become spaces, what would reorder the line is written out."""
    assert one_line("a\r\nb\u2028c\u202ed", SECRET) == "a b c\\u202ed"
    assert one_line(f"the token {SECRET}", SECRET) == "the token ***"


def test_arguments_are_shown_whole_and_visible() -> None:
    """What somebody decides about loses nothing: control characters are written out, not removed."""
    assert json_line({"sql": "a\x9b1mb\x1b[0m\u202e", "n": 1}, None) == (
        '{"sql": "a\\u009b1mb\\u001b[0m\\u202e", "n": 1}'
    )
    assert json_text({"a": 1}, None) == '{"a": 1}'
    long = json_text({"sql": "x" * 200, "token": SECRET}, SECRET)
    assert long == '{\n  "sql": "' + "x" * 200 + '",\n  "token": "***"\n}'


def test_short_says_that_it_is_short() -> None:
    """A long text ends in dots."""
    assert short("x" * 100) == "x" * 100
    assert short("x" * 101) == "x" * 97 + "..."
