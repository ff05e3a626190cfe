"""What the local server suggests to ask next, per place in the UI (protocol 2.2, endpoint 17)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from kai_client.models import Suggestion, SuggestionsResponse

__all__ = ["suggestion_of", "suggestions_for"]

_SUGGESTIONS: Final[dict[str, tuple[tuple[str, str, str], ...]]] = {
    "dashboard": (
        ("What data is there?", "Which tables do I have?", "explore"),
        ("Orders by country", "How many orders per country?", "analyse"),
        ("This project", "Tell me about this project.", "explore"),
    ),
    "job-detail": (
        ("Why did it fail?", "Why did this job fail?", "error"),
        ("Check the data", "How many orders per status?", "analyse"),
        ("What data is there?", "Which tables do I have?", "explore"),
    ),
    "configuration-detail": (
        ("Explain this", "What does this configuration do?", "explain"),
        ("What data is there?", "Which tables do I have?", "explore"),
        ("Make room for the result", "Create a bucket called results", "build"),
    ),
}


def suggestion_of(text: str | Suggestion, rank: int) -> Suggestion:
    """A text as a suggestion: what is shown and what is asked."""
    if isinstance(text, Suggestion):
        return text
    return Suggestion(id=str(uuid4()), label=text, prompt=text, priority=rank, category="explore", reasoning="")


def suggestions_for(context: str, data: Mapping[str, Any]) -> SuggestionsResponse:
    """Three suggestions, the most useful first; those of the dashboard for a context that has none of its own."""
    about = ", ".join(sorted(data)) or "nothing in particular"
    return SuggestionsResponse(
        suggestions=[
            Suggestion(
                id=str(uuid4()),
                label=label,
                prompt=prompt,
                priority=priority,
                category=category,
                reasoning=f"You are at {context} and it is about {about}.",
            )
            for priority, (label, prompt, category) in enumerate(
                _SUGGESTIONS.get(context, _SUGGESTIONS["dashboard"]), 1
            )
        ],
        suggestion_session_id=str(uuid4()),
    )
