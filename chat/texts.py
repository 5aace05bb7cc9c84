"""Every sentence that the bot says in its own name. Fixed, reviewed, in plain words.

Nothing else in the program speaks to a reader. Keep to short words and short sentences: a test
holds the reading age (9 to 11 years, Flesch-Kincaid).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from chat.wordings import Safety
from corpus.questions import Silence

DISCLAIMER = (
    "This tool shows words from one article. It does not know you, and it does not replace medical care. "
    "Talk to your own doctor or nurse before you act on what you read here."
)

NOT_ANSWERED = "The article does not answer this question."
OFF_TOPIC = "This question has nothing to do with the article."
LOST_LIST = "The list that would answer this is missing from our copy of the article. We do not fill it in."
NOT_UNDERSTOOD = "We could not make sense of this. Please ask one short question in plain English."
ASK_CARE_TEAM = (
    "You can take this question to your care team. You could also ask them: What does this mean for me? "
    "What should I look out for? Who can I call if I am worried?"
)
NO_OF = {
    Silence.ASPECT: NOT_ANSWERED,
    Silence.THING: NOT_ANSWERED,
    Silence.CONDITION: NOT_ANSWERED,
    Silence.LOST: LOST_LIST,
    Silence.OFF_TOPIC: OFF_TOPIC,
    Silence.NOT_UNDERSTOOD: NOT_UNDERSTOOD,
}

PERSONAL_ADVICE = (
    "Only your own care team can help you choose or tell you what your signs or results mean. You could "
    "ask them: What are my choices? What are the good and bad points of each one for me? What if I wait?"
)
DOSAGE = (
    "How much to take, how often, and what is safe to mix is for your own care team. Ask your doctor, "
    "nurse or pharmacist first. Do not change or stop a medicine by yourself."
)
ONLY_IN_PART = "The article answers only part of what you asked."
FROM_THE_ARTICLE = "This is what the article says. It was not written about you."

UNDERSTOOD_AS = "Understood as: {question}"
NOT_MEANT = "No, look up my own words"
WHICH_ONE = "Your question could mean more than one thing. Pick the one you mean."
CHOICES = "Did you mean"
SUGGESTIONS = "You could ask next"
EXAMPLES = "You could start with"
SHEET = "A page to print"
SHEET_HINT = "Add what you want to ask. Nothing that you write here leaves this page."
IN_THE_ORIGINAL = "on the publisher's page"
COPY = "Copy this answer"
BAD_SHEET = "This conversation could not be read. Please go back and try again."

HELLO = "Hello. Ask about the article in your own words. You get its exact words, or we tell you that it does not say."
WELCOME = "You are welcome. Ask again when you like."
ABILITIES = (
    "This is a computer program, not a doctor or nurse. It looks up your question in one article. It shows the exact "
    "words that answer, and where they stand. It writes nothing of its own. If the article does not answer, it says so."
)
PRIVATE = "What you type stays on this computer. It is not stored."
LOGGED = (
    "What you type stays on this computer. Questions without an answer are kept there, with numbers and unknown "
    "words taken out."
)
TITLE = "The article is called \u201c{title}\u201d{by}. It comes from {publisher}."
BY_AUTHOR = ", by {author}"
NO_PUBLISHER = "a publisher that our copy does not name"
UPDATED = "It was last updated: {date}."
NO_DATE = "Our copy of the article has no date. Ask your care team if there is newer advice."
SOURCES = "It names these sources."
NO_SOURCES = "It names no sources."
ABOUT = "These are its main parts. Ask about any of them."

EMPTY = "Please type a question first."
TOO_LONG = "This is too long. Please ask one question of at most {limit} letters."
NOT_TEXT = "This is not text that we can read. Please type your question in words."
BAD_LINE = "This cannot be read: {reason}"
TOO_SLOW = "This took too long. Your question was not answered. Please try again."
FAILED = "Something went wrong on our side. Your question was not answered. Please try again."

EMERGENCY = "This may be an emergency. Please get help now. Do not wait for an answer here."
EMERGENCY_TEAM = (
    "If you have cancer treatment now, also ring the day and night number that your cancer team gave you. "
    "If someone else is ill, stay with them and call for them."
)
CRISIS = "You do not have to face this alone. Please talk to someone now. They want to hear from you."
CRISIS_OTHER = "If you fear for someone else, stay with them. Put pills and sharp things out of reach."
CRISIS_DANGER = "If you or someone else may be in danger right now, call the emergency number."
HELP_IN_SPANISH = "Si es una emergencia, llame ahora al número de emergencias de su país (112, 911)."


@dataclass(frozen=True, slots=True)
class HelpLines:
    """Where to get help in one country."""

    country: str
    emergency: str
    crisis: str


# Checked 2026-11 against the services' own pages, named beside each line.
HELP_LINES = {
    # 911.gov; 988lifeline.org (call or text, day and night)
    "US": HelpLines("United States", "911", "988 (call or text)"),
    # canada.ca "9-1-1"; 988.ca (call or text, day and night)
    "CA": HelpLines("Canada", "911", "988 (call or text)"),
    # nhs.uk "When to call 999"; samaritans.org (free, day and night)
    "GB": HelpLines("United Kingdom", "999", "116 123 (Samaritans)"),
    # hse.ie "112 or 999"; samaritans.org/ireland
    "IE": HelpLines("Ireland", "112 or 999", "116 123 (Samaritans)"),
    # European Commission, digital-strategy.ec.europa.eu "112"; 116 123 is the EU's number for emotional
    # support (Commission Decision 2009/884/EC), not yet in service in every member state
    "EU": HelpLines("European Union", "112", "116 123 (in many countries)"),
    # triplezero.gov.au; lifeline.org.au (day and night)
    "AU": HelpLines("Australia", "000", "13 11 14 (Lifeline)"),
    # police.govt.nz "111"; 1737.org.nz (call or text, day and night)
    "NZ": HelpLines("New Zealand", "111", "1737 (call or text)"),
    # 112.gov.in; telemanas.mohfw.gov.in (day and night)
    "IN": HelpLines("India", "112", "14416 (Tele MANAS)"),
}
COUNTRIES_VARIABLE = "QA_COUNTRIES"  # codes of HELP_LINES, by comma; all by default


LOG_VARIABLE = "QA_UNANSWERED_LOG"  # a file to keep unanswered questions in, redacted; none by default


def privacy() -> str:
    """Return what becomes of the questions that readers type."""
    return LOGGED if os.environ.get(LOG_VARIABLE) else PRIVATE


def help_lines() -> tuple[HelpLines, ...]:
    """Return the help lines to show: those of `$QA_COUNTRIES`, or all.

    Raises:
        ValueError: if a code is not known.
    """
    codes = [c.strip().upper() for c in os.environ.get(COUNTRIES_VARIABLE, "").split(",") if c.strip()]
    unknown = [c for c in codes if c not in HELP_LINES]
    if unknown:
        raise ValueError(f"{COUNTRIES_VARIABLE} names {unknown}; known are {', '.join(HELP_LINES)}")
    return tuple(HELP_LINES[c] for c in codes or HELP_LINES)


def _emergency_notices() -> tuple[str, ...]:
    """Return the notices of an emergency card."""
    return (EMERGENCY, _one_a_line("Call now.", lambda line: line.emergency), EMERGENCY_TEAM, HELP_IN_SPANISH)


def _crisis_notices() -> tuple[str, ...]:
    """Return the notices of a crisis card."""
    danger = _one_a_line(CRISIS_DANGER, lambda line: line.emergency)
    return (CRISIS, _one_a_line("Call now.", lambda line: line.crisis), danger, CRISIS_OTHER, HELP_IN_SPANISH)


def _one_a_line(first: str, number: Callable[[HelpLines], str]) -> str:
    """Return a number of each country, a country a line, to be found at a glance."""
    return "\n".join([first, *(f"{line.country}: {number(line)}" for line in help_lines())])


URGENT_NOTICES = {Safety.EMERGENCY: _emergency_notices, Safety.CRISIS: _crisis_notices}
