"""Where the evaluation sets are."""

from __future__ import annotations

from pathlib import Path

DATA_DIR = Path(__file__).parent / "data"
