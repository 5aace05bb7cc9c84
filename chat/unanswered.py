"""The operator's opt-in log of questions that the article did not answer: off unless `$QA_UNANSWERED_LOG` names a file.

Kept so that nobody can be known from it: only words that the article or its readers use anyway stay,
numbers and all other words (names, places, addresses) are replaced, and of the time only the day.
Questions of someone in danger are never kept.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from chat.answer import Answer
from chat.texts import LOG_VARIABLE

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
HIDDEN = "[...]"


def redact(question: str, is_common: Callable[[str], bool]) -> str:
    """Return a question with numbers and all but common words replaced.

    >>> redact("Anna, 52, takes tamoxifen", {"takes", "tamoxifen"}.__contains__)
    '[...], [...], takes tamoxifen'
    """
    return _WORD.sub(lambda m: m.group() if is_common(m.group()) else HIDDEN, question)


def log_unanswered(answer: Answer, is_common: Callable[[str], bool]) -> None:
    """Append one line for an unanswered question, if the operator has asked for that.

    Raises:
        OSError: if the file cannot be written.
    """
    path = os.environ.get(LOG_VARIABLE)
    if not path or not answer.refused:
        return
    row = {"day": date.today().isoformat(), "question": redact(answer.question, is_common)}
    with Path(path).open("a", encoding="utf-8") as log:
        log.write(json.dumps(row, ensure_ascii=False) + "\n")
