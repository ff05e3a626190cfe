# Made of kai_client/toolbox/__init__.py by scripts/generate_sync.py: change that, and run this.
"""Typed tools: Python functions that a model may call, and policies for what it calls elsewhere.

A function's annotations are its contract. What a model wrote is validated before the function runs, what the function
returns is validated before it is sent, and what does not fit becomes a sentence that the model can act on.
"""

from kai_client.sync.toolbox.toolbox import Toolbox
from kai_client.toolbox.context import ToolContext
from kai_client.toolbox.errors import ToolError
from kai_client.toolbox.schema import ToolSchema

__all__ = ["ToolContext", "ToolError", "ToolSchema", "Toolbox"]
