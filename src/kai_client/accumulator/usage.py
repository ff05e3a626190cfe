"""Token counts, each counted once."""

from kai_client.events import FinishEvent, FinishStepEvent, UsageEvent, UsageInfo

_COUNTS = tuple(UsageInfo.model_fields)


class UsageTally:
    """The usage of an answer from whatever its backend sends.

    A backend may tell usage in `data-usage`, in `finish` and in each `finish-step`, and all three speak of the same tokens
    (protocol 4.4: adding them up counts twice). So one source is believed, the most explicit: `data-usage`, else
    `finish`, else the steps. Within `data-usage`, an event with an id replaces the earlier one of that id, as data parts
    do (5.3); those without an id add up. What `finish` and the steps tell is of one response: `settle` ends it.
    """

    def __init__(self) -> None:
        self._unnamed: list[UsageInfo] = []
        self._named: dict[str, UsageInfo] = {}
        self._finish: UsageInfo | None = None
        self._steps: list[UsageInfo] = []
        self._settled: list[UsageInfo] = []

    def settle(self) -> None:
        """The answer goes on in another response, which counts from zero."""
        self._settled += self._told_at_its_end()
        self._finish, self._steps = None, []

    def _told_at_its_end(self) -> list[UsageInfo]:
        return [self._finish] if self._finish else self._steps

    def add(self, event: UsageEvent | FinishEvent | FinishStepEvent) -> None:
        """Take note of an event that may carry usage."""
        if event.usage is None:
            return
        match event:
            case UsageEvent(id=None):
                self._unnamed.append(event.usage)
            case UsageEvent(id=str(name)):
                self._named[name] = event.usage
            case FinishEvent():
                self._finish = event.usage
            case _:
                self._steps.append(event.usage)

    def total(self) -> UsageInfo:
        """The counts; where a backend leaves `total_tokens` out it is prompt plus completion."""
        told = [*self._unnamed, *self._named.values()]
        if not told:
            told = [*self._settled, *self._told_at_its_end()]
        sums = {name: sum(getattr(usage, name) for usage in told) for name in _COUNTS}
        sums["total_tokens"] = sum(u.total_tokens or u.prompt_tokens + u.completion_tokens for u in told)
        return UsageInfo(**sums)
