"""Checks that ask: the Storage API, then Kai, each from what the ones before it found."""

import time
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

from kai_client import KaiClient, KaiError, KaiNotFoundError, RetryPolicy, Timeouts
from kai_client._wire import is_array, is_object
from kai_client.cli.connect import client_for, credentials_of
from kai_client.cli.terminal import short
from kai_client.transport.tokens import storage_api, verify_token

from .access import Access
from .arrivals import judge_arrivals
from .checklist import Checklist, Said
from .token_check import asking_storage, token_facts, token_warnings

__all__ = ["check_kai", "check_storage", "check_stream"]

_SECONDS: Final = 15.0
_ONCE: Final = RetryPolicy(attempts=1)
_STREAM_SECONDS: Final = 180.0
_QUESTION: Final = "Count from one to forty in words, separated by commas. Use no tools, and say nothing else."
_NO_TOKEN: Final = "-"  # noqa: S105 - the index answers without one, and this is not sent


async def check_storage(checks: Checklist, access: Access) -> None:
    """Whether the Storage API is there, without a token."""

    async def index() -> Said:
        timeouts = Timeouts().at_most(_SECONDS)
        url = access.url or ""
        async with storage_api(_NO_TOKEN, url, timeouts=timeouts) as storage:
            with asking_storage(url):
                answer = await storage.request("GET", "/v2/storage", params={"exclude": "components"}, auth=False)
        services: Any = answer.get("services") if is_object(answer) else None
        if not is_array(services):
            return Said("it answers, but not with the index of a stack", "check the URL")
        names = sorted(str(each.get("id")) for each in services if is_object(each))
        kais = [name for name in names if name.startswith("kai-")]
        return Said(f"{len(names)} services, of Kai's: {short(', '.join(kais)) or 'none'}")

    await checks.check("storage", index, needs=("stack",))


async def check_kai(
    checks: Checklist, access: Access, stack: AsyncExitStack, *, needs: tuple[str, ...]
) -> KaiClient | None:
    """Whose token it is, where Kai is, and whether it answers. The client is closed with `stack`."""
    client: KaiClient | None = None

    async def token() -> Said:
        text, url = credentials_of(access)
        async with storage_api(text, url, timeouts=Timeouts().at_most(_SECONDS)) as storage:
            with asking_storage(url):
                info = await verify_token(storage)
        return Said(token_facts(info), " ".join(token_warnings(info)) or None)

    async def discovery() -> Said:
        nonlocal client
        options = {"timeout": Timeouts().at_most(_SECONDS), "retry": _ONCE}
        client = await stack.enter_async_context(client_for(access, **options))
        if access.base_url is not None:
            return Said(f"not needed: {client.base_url} is given")
        return Said(f"{client.backend} at {client.base_url}")

    await checks.check("token", token, needs=needs)
    await checks.check("discovery", discovery, needs=needs if access.base_url is not None else ("token",))
    await _check_answers(checks, lambda: client)
    return client


async def _check_answers(checks: Checklist, found: Any) -> None:
    async def ping() -> Said:
        began = time.perf_counter()
        answer = await found().ping()
        return Said(
            f"{(time.perf_counter() - began) * 1000:.0f} ms, its clock says {answer.timestamp:%Y-%m-%d %H:%M:%S %Z}"
        )

    async def info() -> Said:
        answer = await found().info()
        return Said(f"{answer.app_name} {answer.app_version}, server {answer.server_version}")

    async def usage() -> Said:
        try:
            answer = await found().get_usage()
        except KaiNotFoundError:
            return Said("this backend does not tell")
        text = f"{answer.messages_used} of {answer.messages_limit} messages, until {answer.reset_date:%Y-%m-%d}"
        used_up = answer.messages_used >= answer.messages_limit
        return Said(text, "the quota is used up: Kai will refuse messages until then" if used_up else None)

    await checks.check("ping", ping, needs=("discovery",))
    await checks.check("info", info, needs=("discovery",))
    await checks.check("usage", usage, needs=("token", "discovery"))


async def check_stream(checks: Checklist, client: KaiClient | None) -> None:
    """Ask one question, see how the answer arrives, and delete the chat."""

    async def stream() -> Said:
        assert client is not None  # noqa: S101 - what this needs made it
        chat_id = client.new_chat_id()
        began, moments = time.perf_counter(), list[float]()
        try:
            async with client.send_message(chat_id, _QUESTION) as answer:
                async for _ in answer:
                    moments.append(time.perf_counter())
                await answer.get_final_text()
        finally:
            with suppress(KaiError):
                await client.delete_chat(chat_id)
        return judge_arrivals(began, moments)

    await checks.check("stream", stream, needs=("ping", "token"), seconds=_STREAM_SECONDS)
