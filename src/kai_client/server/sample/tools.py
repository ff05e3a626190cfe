"""The tools of the sample assistant: their catalogue, and calls that really run on the sample project."""

from typing import Final, cast

from kai_client.models import ToolInfo
from kai_client.server.script import Call, Execution, ToolFailure, ask, call
from kai_client.types import Json, JsonObject

from .project import BadQueryError, SampleProject

__all__ = ["CATALOGUE", "create_bucket", "get_buckets", "get_project_info", "get_tables", "query_data"]

CATALOGUE: Final = (
    ToolInfo(name="get_project_info", description="What this project is.", read_only=True),
    ToolInfo(name="get_buckets", description="List the buckets.", read_only=True),
    ToolInfo(name="get_tables", description="List the tables with their columns.", read_only=True),
    ToolInfo(name="query_data", description="Run a SELECT on the tables.", read_only=True),
    ToolInfo(name="create_bucket", description="Create a bucket.", read_only=False),
)


def get_project_info(project: SampleProject) -> Call:
    """What the project is."""
    return call("get_project_info", {}, lambda _: project.to_json())


def get_buckets(project: SampleProject) -> Call:
    """The buckets."""
    return call("get_buckets", {}, lambda _: {"buckets": cast("Json", project.buckets())})


def get_tables(project: SampleProject) -> Call:
    """The tables."""
    return call("get_tables", {}, lambda _: {"tables": [table.to_json() for table in project.tables()]})


def query_data(project: SampleProject, sql: str) -> Call:
    """The rows that a SELECT finds."""

    def run(execution: Execution) -> Json:
        try:
            return project.query(_field(execution, "sql_query"))
        except BadQueryError as error:
            raise ToolFailure(str(error)) from None

    return call("query_data", {"sql_query": sql}, run)


def create_bucket(project: SampleProject, name: str) -> Call:
    """A new bucket, once a human has agreed; the name may be changed with the approval."""

    def run(execution: Execution) -> Json:
        try:
            return project.create_bucket(_field(execution, "name"))
        except ValueError as error:
            raise ToolFailure(str(error)) from None

    return ask("create_bucket", {"name": name}, run)


def _field(execution: Execution, name: str) -> str:
    """A text of the input, which a human may have edited."""
    fields: JsonObject = execution.input if isinstance(execution.input, dict) else {}
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ToolFailure(f"The input needs a text `{name}`.")
    return value
