"""Typed tools: Python functions that a model may call, and policies for what it calls elsewhere.

A function's annotations are its contract. What a model wrote is validated before the function runs, what the function
returns is validated before it is sent, and what does not fit becomes a sentence that the model can act on.
"""

from .context import ToolContext
from .errors import ToolError
from .schema import ToolSchema
from .toolbox import Toolbox

__all__ = ["ToolContext", "ToolError", "ToolSchema", "Toolbox"]
