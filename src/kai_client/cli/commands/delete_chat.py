"""`kai delete-chat`."""

from collections.abc import Sequence

import click

from kai_client import (
    KaiAuthenticationError,
    KaiClient,
    KaiConnectionError,
    KaiError,
    KaiRateLimitError,
    KaiTimeoutError,
)
from kai_client.cli.answer.output import Output
from kai_client.cli.chats.pick_chat import NEWEST, find_chat, usable_chat
from kai_client.cli.connect import run_with_client
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.failures import explain
from kai_client.cli.prompt import can_ask, read_line
from kai_client.cli.settings import Settings
from kai_client.cli.terminal import one_line, short

__all__ = ["delete_chat"]


@click.command("delete-chat")
@click.argument("chat_ids", metavar="CHAT...", nargs=-1, required=True)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete_chat(settings: Settings, chat_ids: tuple[str, ...], *, yes: bool) -> None:
    """Delete a chat.

    CHAT is an id or the beginning of one. You are asked first, and shown the title; where nobody can be asked, -y is
    needed.

    \b
    kai delete-chat 8d1f
    kai delete-chat -y 8d1f 77ab
    """  # noqa: D301 - the control character is click's mark for lines that stay as they are
    if NEWEST in chat_ids:
        raise click.UsageError("Name the chat that is to be deleted", click.get_current_context())
    wanted = [usable_chat(chat_id) for chat_id in chat_ids]
    if not yes and not can_ask():
        raise Failure("Nobody can be asked here: pass -y to delete without asking", ExitCode.USAGE)

    async def delete(client: KaiClient) -> None:
        await _Deletion(client, Output(settings.secret), alone=len(wanted) == 1).run(wanted, ask=not yes)

    run_with_client(settings, delete)


class _Deletion:
    """Some chats that are to go. What keeps one of several is said, and the others go nevertheless."""

    def __init__(self, client: KaiClient, output: Output, *, alone: bool) -> None:
        self._client = client
        self._output = output
        self._alone = alone
        self._failed = 0

    async def run(self, wanted: Sequence[str], *, ask: bool) -> None:
        """Find all, ask about each, delete. Raises the error of a chat that was alone, else a `Failure` that counts."""
        found = [chat_id for each in wanted if (chat_id := await self._find(each)) is not None]
        for chat_id in dict.fromkeys(found):
            await self._delete(chat_id, ask=ask)
        if self._failed:
            raise Failure(f"{self._failed} of {len(wanted)} chats could not be deleted")

    async def _find(self, wanted: str) -> str | None:
        try:
            return await find_chat(self._client, wanted)
        except Failure as error:
            self._note(wanted, error)
            return None

    async def _delete(self, chat_id: str, *, ask: bool) -> None:
        try:
            if ask and not await self._is_meant(chat_id):
                self._output.note(f"{chat_id} stays.")
                return
            await self._client.delete_chat(chat_id)
        except KaiError as error:
            self._note(chat_id, error)
        else:
            click.echo(f"deleted {one_line(chat_id)}")

    async def _is_meant(self, chat_id: str) -> bool:
        chat = await self._client.get_chat(chat_id)
        title = short(one_line(chat.title or "", self._output.secret)) or "a chat without a title"
        answer = read_line(f"Delete {title} ({one_line(chat_id)})? [y/N] ")
        return answer is not None and answer.strip().lower() in {"y", "yes"}

    def _note(self, chat_id: str, error: Failure | KaiError) -> None:
        """Count what is this chat's own trouble. Raises what is not, for it would be the next one's, too."""
        if self._alone or isinstance(
            error, KaiAuthenticationError | KaiConnectionError | KaiRateLimitError | KaiTimeoutError
        ):
            raise error
        self._failed += 1
        self._output.note(f"{chat_id}: {explain(error, self._output.secret)}", fg="red")
