"""`scripts/generate_sync.py`, whose words make blocking code of async code."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

__all__ = ["GENERATOR", "translated"]


def _script() -> ModuleType:
    script = Path(__file__).parents[2] / "scripts" / "generate_sync.py"
    spec = importlib.util.spec_from_file_location("generate_sync", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATOR: Final = _script()
translated: Callable[[str], str] = GENERATOR.translated
