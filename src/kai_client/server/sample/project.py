"""The sample project: buckets and tables of an e-shop, made from code, and a door to query them that only reads."""

import re
import sqlite3
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kai_client.types import Json, JsonObject

__all__ = ["BadQueryError", "SampleProject", "Table"]

_MAX_ROWS: Final = 100
_MAX_STEPS: Final = 5_000_000
"""SQLite's virtual machine steps that a query may take: an endless recursion must not stop the server."""

_MAX_VALUE: Final = 1_000_000
"""Bytes of one value: `zeroblob(1e9)` must not either."""

_SCHEMA: Final = {
    "in.c-crm": {
        "customers": "id INTEGER PRIMARY KEY, name TEXT, email TEXT, country TEXT, created_at TEXT",
        "leads": "id INTEGER PRIMARY KEY, company TEXT, source TEXT, status TEXT",
    },
    "in.c-sales": {
        "orders": "id INTEGER PRIMARY KEY, customer_id INTEGER, product_id INTEGER, quantity INTEGER, status TEXT,"
        " ordered_at TEXT",
        "products": "id INTEGER PRIMARY KEY, name TEXT, category TEXT, price REAL",
    },
    "out.c-reporting": {
        "revenue_by_country": "country TEXT PRIMARY KEY, revenue REAL",
    },
}

_CUSTOMERS: Final = (
    ("Ada Novak", "CZ"),
    ("Ben Smith", "US"),
    ("Carla Rossi", "IT"),
    ("David Müller", "DE"),
    ("Eva Dvořák", "CZ"),
    ("Finn O'Brien", "IE"),
    ("Grace Lee", "US"),
    ("Hugo Martin", "FR"),
    ("Iva Horáková", "CZ"),
    ("Jan Schmidt", "DE"),
    ("Kim Brown", "US"),
    ("Lena Fischer", "DE"),
)
_PRODUCTS: Final = (
    ("Espresso machine", "kitchen", 349.0),
    ("Coffee grinder", "kitchen", 89.5),
    ("Desk lamp", "office", 45.0),
    ("Standing desk", "office", 520.0),
    ("Notebook", "office", 4.9),
    ("Trail shoes", "sport", 119.0),
    ("Yoga mat", "sport", 29.9),
    ("Water bottle", "sport", 15.0),
)
_LEADS: Final = (("Acme", "web", "new"), ("Globex", "fair", "contacted"), ("Initech", "web", "won"))
_ORDER_COUNT: Final = 60
_STATUSES: Final = ("paid", "shipped", "delivered", "delivered", "returned")

_READING: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


class BadQueryError(Exception):
    """The query does not run; the text says why, in SQLite's words."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the project."""

    bucket: str
    name: str
    columns: tuple[str, ...]
    rows: int

    @property
    def id(self) -> str:
        """The Storage id, such as `in.c-sales.orders`."""
        return f"{self.bucket}.{self.name}"

    def to_json(self) -> JsonObject:
        """As the tool `get_tables` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "bucketId": self.bucket,
            "columns": list(self.columns),
            "rowsCount": self.rows,
        }


class SampleProject:
    """One user's copy of the sample project: buckets that the user makes are the user's own."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.close: Callable[[], object] = weakref.finalize(self, self._connection.close)
        """Frees the tables; happens by itself when the project is no longer used."""
        for bucket, tables in _SCHEMA.items():
            self._connection.execute(f"ATTACH ':memory:' AS \"{bucket}\"")
            for table, columns in tables.items():
                self._connection.execute(f'CREATE TABLE "{bucket}"."{table}" ({columns})')
        self._fill()
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
        self._connection.set_authorizer(_authorize)
        self._made: list[str] = []

    def _fill(self) -> None:
        many = self._connection.executemany
        many(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?)",
            [
                (n, name, f"{name.split()[0].lower()}@example.com", country, f"2024-{n:02}-01")
                for n, (name, country) in enumerate(_CUSTOMERS, 1)
            ],
        )
        many("INSERT INTO products VALUES (?, ?, ?, ?)", [(n, *row) for n, row in enumerate(_PRODUCTS, 1)])
        many("INSERT INTO leads VALUES (?, ?, ?, ?)", [(n, *row) for n, row in enumerate(_LEADS, 1)])
        many("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", [_order(n) for n in range(1, _ORDER_COUNT + 1)])
        self._connection.execute(
            "INSERT INTO revenue_by_country SELECT country, round(sum(price * quantity), 2) FROM orders"
            " JOIN customers ON customers.id = customer_id JOIN products ON products.id = product_id GROUP BY country"
        )

    def buckets(self) -> list[JsonObject]:
        """The buckets, those that the user made last."""
        counts = {bucket: len(tables) for bucket, tables in _SCHEMA.items()} | dict.fromkeys(self._made, 0)
        return [{"id": bucket, "tables": count} for bucket, count in counts.items()]

    def create_bucket(self, name: str) -> JsonObject:
        """A new bucket `in.c-<name>`. Raises `ValueError` for a name that is taken or cannot be one."""
        if re.fullmatch(r"[\w-]{1,64}", name) is None:
            raise ValueError("A bucket's name has letters, digits, - and _, at most 64.")
        bucket = f"in.c-{name}"
        if bucket in _SCHEMA or bucket in self._made:
            raise ValueError(f"There is already a bucket {bucket}.")
        self._made.append(bucket)
        return {"id": bucket}

    def tables(self) -> list[Table]:
        """The tables, with their columns and numbers of rows."""
        found: list[Table] = []
        for bucket, tables in _SCHEMA.items():
            for name, columns in tables.items():
                count = self._connection.execute(f'SELECT count(*) FROM "{bucket}"."{name}"').fetchone()[0]  # noqa: S608
                found.append(Table(bucket, name, tuple(part.split()[0] for part in columns.split(",")), count))
        return found

    def query(self, sql: str) -> JsonObject:
        """`{columns, rows, rowCount, truncated}` of one reading statement; `BadQueryError` for anything else."""
        steps = iter(range(_MAX_STEPS // 1000))
        # SQLite calls back every 1000 steps; a true value interrupts the query.
        self._connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
        try:
            cursor = self._connection.execute(sql)
            rows: list[tuple[Json, ...]] = cursor.fetchmany(_MAX_ROWS + 1)
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
            reason = "only reading is allowed" if "authoriz" in str(error) or "prohibited" in str(error) else str(error)
            raise BadQueryError(f"The query failed: {reason}") from None
        finally:
            self._connection.set_progress_handler(None, 0)
        if cursor.description is None:
            raise BadQueryError("The query failed: it returns no rows")
        return {
            "columns": [column[0] for column in cursor.description],
            "rows": [[_shown(value) for value in row] for row in rows[:_MAX_ROWS]],
            "rowCount": min(len(rows), _MAX_ROWS),
            "truncated": len(rows) > _MAX_ROWS,
        }

    def to_json(self) -> JsonObject:
        """As the tool `get_project_info` shows it."""
        return {
            "project_id": "1234",
            "project_name": "Local e-shop",
            "sql_dialect": "SQLite",
            "buckets": len(self.buckets()),
            "tables": len(self.tables()),
        }


def _order(n: int) -> tuple[int, int, int, int, str, str]:
    """Orders that look random and are the same on every machine."""
    customer, product = n * 7 % len(_CUSTOMERS) + 1, n * n % len(_PRODUCTS) + 1
    return n, customer, product, n % 3 + 1, _STATUSES[n % len(_STATUSES)], f"2025-{n % 6 + 1:02}-{n % 28 + 1:02}"


def _authorize(action: int, *_: object) -> int:
    """Reading and nothing else: no writing, no ATTACH of files, no PRAGMA."""
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _shown(value: object) -> Json:
    """A value as JSON; bytes as SQL writes them."""
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return value if isinstance(value, str | int | float | None) else str(value)
