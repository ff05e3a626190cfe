"""Questions that are queries: SQL found in a text, and "how many ... per ..." put into SQL."""

import re
from typing import Final

__all__ = ["counting_query", "sql_in"]

_FENCED: Final = re.compile(r"```(?:sql)?\s*\n(.+?)```", re.DOTALL | re.IGNORECASE)
_STATEMENT: Final = re.compile(
    r"(?:^|[:\n]|\b(?:run|execute|query)\s+)\s*"
    r"((?:select\b.+\bfrom\b|select\s+[\d('*]|with\s+\w+\s+as\b|with\s+recursive\b|insert\s+into|update\s+\S+\s+set"
    r"|delete\s+from|drop\s+|create\s+table|pragma\s|attach\s).*)",
    re.DOTALL | re.IGNORECASE,
)

_ORDERS: Final = "orders JOIN customers ON customers.id = customer_id JOIN products ON products.id = product_id"
_THINGS: Final[dict[str, tuple[str, str]]] = {
    "order": (_ORDERS, "count(*)"),
    "revenue": (_ORDERS, "round(sum(price * quantity), 2)"),
    "customer": ("customers", "count(*)"),
    "product": ("products", "count(*)"),
    "lead": ("leads", "count(*)"),
}
"""What can be counted: the tables it takes, and the measure."""

_GROUPS: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "countr": ("country", "country", ("order", "revenue", "customer")),
    "categor": ("category", "category", ("order", "revenue", "product")),
    "status": ("status", "status", ("order", "revenue", "lead")),
    "month": ("month", "substr(ordered_at, 1, 7)", ("order", "revenue")),
    "product": ("product", "products.name", ("order", "revenue")),
    "customer": ("customer", "customers.name", ("order", "revenue")),
    "source": ("source", "source", ("lead",)),
}
"""By what: the column's name, its expression, and for which things it exists."""


def sql_in(text: str) -> str | None:
    """The statement that the text is, or contains in a fenced block or after a colon."""
    found = _FENCED.search(text) or _STATEMENT.search(text)
    return found[1].strip().rstrip(";").strip() if found else None


def counting_query(text: str) -> str | None:
    """The query for "How many orders per country?" and the like; None where that is not what is asked."""
    lower = text.lower()
    if re.search(r"how many|how much|number of|count|revenue|total", lower) is None:
        return None
    head, _, tail = re.sub(r"\b(by|for each|in each|in every)\b", "per", lower).partition(" per ")
    thing = next((name for name in _THINGS if name in head), None)
    if thing is None:
        return None
    tables, measure = _THINGS[thing]
    group = next((found for stem, found in _GROUPS.items() if stem in tail), None)
    if group is None or thing not in group[2]:
        return f"SELECT {measure} AS {thing}s FROM {tables}"  # noqa: S608 - words of our own tables above
    name, expression, _ = group
    plural = thing if thing == "revenue" else f"{thing}s"
    return f"SELECT {expression} AS {name}, {measure} AS {plural} FROM {tables} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
