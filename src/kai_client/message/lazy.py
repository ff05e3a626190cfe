"""The parts of a snapshot, built when somebody looks at them."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast, overload

PartT = TypeVar("PartT")


class LazyParts(Sequence[PartT], Generic[PartT]):
    """A sequence of parts that exist as soon as one is asked for.

    A snapshot is taken after every event, and most are never looked into: so taking one costs a tuple, not a copy of the
    text so far. It compares equal to any list of the same parts.
    """

    __slots__ = ("_built", "_makers")

    def __init__(self, makers: tuple[Callable[[], PartT], ...]) -> None:
        self._makers = makers
        self._built: list[PartT] | None = None

    def _parts(self) -> list[PartT]:
        if self._built is None:
            self._built = [make() for make in self._makers]
            self._makers = ()
        return self._built

    @overload
    def __getitem__(self, index: int) -> PartT: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PartT]: ...
    def __getitem__(self, index: int | slice) -> PartT | Sequence[PartT]:
        return self._parts()[index]

    def __len__(self) -> int:
        return len(self._makers) if self._built is None else len(self._built)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return self._parts() == list(cast("Sequence[object]", other))

    def __hash__(self) -> int:
        return hash(len(self))

    def __repr__(self) -> str:
        return repr(self._parts())

    def __reduce__(self) -> tuple[type[list[PartT]], tuple[list[PartT]]]:
        """Pickled and copied as the list that it stands for."""
        return list, (self._parts(),)
