"""What the AI SDK 6 and 7 put into a request beside its id, and want back: signature, descriptor, the model's own input."""

from typing import Any

import pytest
from ai_sdk import MAJORS, Expected, SDKChat, chat_that_tells_no_messages, chat_with
from deciding import REASON, Asked, agreed, approvals, states, tool_parts

from kai_client import Denial, KaiNotFoundError, Ruling, approve_all

pytestmark = pytest.mark.parametrize("major", MAJORS)

CREATED = 'Told: call-1-1 json {"created":"in.c-sales"}.'
RULINGS = pytest.mark.parametrize("ruling", [True, Denial(reason=REASON)], ids=["approved", "denied"])


async def reposted(chat: SDKChat, **changes: Any) -> Expected:
    """What the SDK makes of an approval that was posted past the client, with changes to it; None removes a field."""
    await chat.say()
    message = (await chat.stored())[1]
    (part,) = tool_parts(message["parts"])  # type: ignore[arg-type]
    approval: Any = part["approval"]
    changed = {**approval, "approved": True, **changes}
    part |= {"state": "approval-responded", "approval": {k: v for k, v in changed.items() if v is not None}}
    await chat.post(message)
    return await chat.expected()


@RULINGS
async def test_signature_survives(major: str, ruling: Ruling, ai_sdk_url: str) -> None:
    """The signature of a request goes back with the decision, so the SDK takes it for its own."""
    async with chat_with(ai_sdk_url, major, "signed") as chat:
        ours = await chat.run(approve=Asked({"call-1-1": ruling}))
        await agreed(chat, ours)
        _, answer = await chat.posted()
    (request,) = ours.requests
    assert request.signature is not None
    assert approvals(answer.parts)["call-1-1"]["signature"] == request.signature
    assert states(ours) == ["output-available" if ruling is True else "output-denied"]


async def test_signature_of_the_stream(major: str, ai_sdk_url: str) -> None:
    """Where the backend tells no messages, the signature is that of the stream."""
    async with chat_that_tells_no_messages(ai_sdk_url, major, "signed") as chat:
        ours = await chat.run(approve=approve_all)
        await agreed(chat, ours)
        assert len(await chat.posted()) == 2
    assert ours.text == CREATED


async def test_chat_that_is_gone(major: str, ai_sdk_url: str) -> None:
    """A chat that the backend no longer has when its call is decided is `not_found:chat`, and nothing is posted to it."""
    async with chat_with(ai_sdk_url, major, "signed-forgotten") as chat:
        policy = Asked({"call-1-1": True})
        with pytest.raises(KaiNotFoundError) as raised:
            await chat.run(approve=policy)
        assert len(await chat.posted()) == 1
    assert (raised.value.code, policy.ids) == ("not_found:chat", ["call-1-1"])


@pytest.mark.parametrize(
    ("signature", "why"), [(None, "missing signature"), ("A" * 43, "invalid signature")], ids=["lost", "forged"]
)
async def test_sdk_refuses_other_signatures(major: str, signature: str | None, why: str, ai_sdk_url: str) -> None:
    """The control: an approval without the signature, or with another one, is refused by the SDK, and nothing runs."""
    async with chat_with(ai_sdk_url, major, "signed") as chat:
        said = await reposted(chat, signature=signature)
    (error,) = said.errors
    assert error.startswith("AI_InvalidToolApprovalSignatureError: ")
    assert why in error
    assert states(said) == ["approval-responded"]


async def test_sdk_takes_its_own_signature(major: str, ai_sdk_url: str) -> None:
    """The control of the control: the same post with the signature is accepted."""
    async with chat_with(ai_sdk_url, major, "signed") as chat:
        said = await reposted(chat)
    assert (said.errors, said.text) == ([], CREATED)


@pytest.mark.parametrize("chat_of", [chat_with, chat_that_tells_no_messages], ids=["stored", "of the stream"])
async def test_input_of_the_model_survives(major: str, chat_of: Any, ai_sdk_url: str) -> None:
    """Where the tool's schema changes what the model wrote, the policy sees what will run, and what the model wrote goes
    back, from which the SDK makes the same again, whether the backend tells its messages or not.
    """
    async with chat_of(ai_sdk_url, major, "changed-input") as chat:
        policy = Asked({"call-1-1": True})
        ours = await chat.run(approve=policy)
        said = await chat.expected()
        _, answer = await chat.posted()
    assert [call.input for call in policy.calls] == [{"name": "c-sales"}]
    assert approvals(answer.parts)["call-1-1"]["inputSchemaInput"] == {"name": "sales"}
    assert said.errors == []
    assert ours.message == said.message
    assert ours.text == CREATED


async def test_sdk_wants_the_input_of_the_model(major: str, ai_sdk_url: str) -> None:
    """The control: without what the model wrote the SDK does not run the call that was approved."""
    async with chat_with(ai_sdk_url, major, "changed-input") as chat:
        said = await reposted(chat, inputSchemaInput=None)
    assert states(said) == ["output-error"]
    assert "Invalid input for tool create_bucket" in said.text


@RULINGS
async def test_descriptor_and_reason_survive(major: str, ruling: Ruling, ai_sdk_url: str) -> None:
    """What describes a request, and in version 7 why it is made, reaches the policy and goes back with the decision."""
    async with chat_with(ai_sdk_url, major, "described") as chat:
        policy = Asked({"call-1-1": ruling})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    (request,) = ours.requests
    reason = "It writes" if major == "v7" else None
    assert [call.request_reason for call in policy.calls] == [reason]
    asked = {"id": request.approval_id, "descriptor": {"risk": ["high", None]}}
    asked |= {"requestReason": reason} if reason else {}
    decided = {"approved": True} if ruling is True else {"approved": False, "reason": REASON}
    assert approvals(answer.parts)["call-1-1"] == asked | decided
    assert approvals(ours.parts)["call-1-1"] == asked | decided
