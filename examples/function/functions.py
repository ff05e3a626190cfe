"""Two functions over a table of customers, typed: served by `app.py` over HTTP, and by `../mcp_functions.py` over MCP.

The table is loaded once, when the toolbox starts, from `customers.csv` or the file that `CUSTOMERS_CSV` names.
"""

import asyncio
import csv
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kai_client.toolbox import Toolbox, ToolContext, ToolError


class Customer(BaseModel):
    """One row of the table."""

    id: int
    name: str
    region: str
    revenue: float


class Query(BaseModel):
    """Which customers."""

    model_config = ConfigDict(extra="forbid")

    region: Literal["apac", "eu", "us"]
    minimum_revenue: float = Field(
        default=0, ge=0, alias="minimumRevenue", description="Only those with at least this."
    )


class Params(BaseModel):
    """How much to tell about them."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=10, ge=1, le=100)


class Report(BaseModel):
    """The customers, and the sum over all that were found, shown or not."""

    customers: list[Customer]
    total_revenue: float = Field(alias="totalRevenue")


@dataclass(frozen=True)
class Warehouse:
    """What the functions share."""

    customers: Mapping[int, Customer]


def load(path: Path) -> Warehouse:
    """The table of a CSV file. Raises `OSError` or `ValueError` for one that cannot be read."""
    with path.open(encoding="utf-8", newline="") as file:
        customers = [Customer.model_validate(row) for row in csv.DictReader(file)]
    return Warehouse({customer.id: customer for customer in customers})


@asynccontextmanager
async def lifespan() -> AsyncGenerator[Warehouse]:
    """Start-up loads the table, in a thread. There is nothing to shut down; it would follow the `yield`."""
    path = Path(os.environ.get("CUSTOMERS_CSV", Path(__file__).with_name("customers.csv")))
    yield await asyncio.to_thread(load, path)


tools = Toolbox(lifespan=lifespan)


@tools.tool
async def top_customers(query: Query, params: Params, context: ToolContext[Warehouse]) -> Report:
    """The customers of a region, the largest revenue first."""
    found = [
        customer
        for customer in context.state.customers.values()
        if customer.region == query.region and customer.revenue >= query.minimum_revenue
    ]
    found.sort(key=lambda customer: customer.revenue, reverse=True)
    return Report(customers=found[: params.limit], totalRevenue=sum(customer.revenue for customer in found))


@tools.tool
def get_customer(
    customer_id: Annotated[int, Field(description="As in the table.")], context: ToolContext[Warehouse]
) -> Customer:
    """One customer by id."""
    if customer_id not in context.state.customers:
        raise ToolError(f"There is no customer {customer_id}.")
    return context.state.customers[customer_id]
