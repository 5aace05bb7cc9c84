"""Serves what is not the chat page: the article, the answer API, health; and guards every response."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from chat import texts
from chat.answer import Answer
from chat.answerer import Answerer
from chat.page import article_page
from chat.render import failed
from chat.sheet import answer_turns, read_turns, sheet_page
from chat.unanswered import log_unanswered
from corpus.article import Article
from corpus.library import article_ids, load_article

logger = logging.getLogger("chat")

MAX_SECONDS = 120.0  # for an answer; the first one waits for the models
_WORKERS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="answer")
MAX_SHEET_BYTES = 400_000  # of the conversation that a sheet is asked for
STATIC_DIR = Path(__file__).parent / "static"
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Ask(BaseModel):
    """A question to the API."""

    question: str
    history: list[str] = Field(default_factory=list)
    id: str | int | None = None
    as_typed: bool = False


def build_site(get_answerer: Callable[[], Answerer]) -> FastAPI:
    """Return the site without the chat page.

    Args:
        get_answerer: loads the answerer, or returns it where it is loaded.
    """
    site = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    articles: dict[str, Article] = {i: load_article(i) for i in article_ids()}

    @site.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @site.get("/article/{article_id}", response_class=HTMLResponse)
    def article(article_id: str, quote: Annotated[list[str] | None, Query()] = None) -> HTMLResponse:
        found = articles.get(article_id)
        if found is None:
            return HTMLResponse(f"<p>There is no such article.</p><p>{texts.DISCLAIMER}</p>", status_code=404)
        return HTMLResponse(article_page(found, quote or ()))

    @site.post("/api/answer")
    async def api_answer(ask: Ask) -> JSONResponse:
        answer = await asyncio.to_thread(answer_safely, get_answerer, ask.question, ask.history, ask.id, ask.as_typed)
        return JSONResponse(answer.to_json())

    @site.exception_handler(RequestValidationError)
    async def not_a_question(_request: Any, error: RequestValidationError) -> JSONResponse:
        reason = "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors())
        return JSONResponse(failed("", None, texts.BAD_LINE.format(reason=reason)).to_json(), status_code=422)

    @site.exception_handler(Exception)
    async def fault(_request: Any, _error: Exception) -> JSONResponse:
        return JSONResponse(failed("").to_json(), status_code=500)

    @site.post("/sheet", response_class=HTMLResponse)
    async def sheet(request: Request) -> HTMLResponse:
        body = await request.body()
        try:
            if len(body) > MAX_SHEET_BYTES:
                raise ValueError("too long")
            turns = read_turns(parse_qs(body.decode("utf-8")).get("turns", ["[]"])[0])
        except ValueError:  # not ours: UnicodeDecodeError and JSONDecodeError are ValueErrors
            return HTMLResponse(f"<p>{texts.BAD_SHEET}</p><p>{texts.DISCLAIMER}</p>", status_code=400)

        def ask(question: str, history: list[str], as_typed: bool) -> Answer:
            return answer_safely(get_answerer, question, history, as_typed=as_typed, again=True)

        answers = await asyncio.to_thread(answer_turns, turns, ask)
        return HTMLResponse(sheet_page(get_answerer().article, answers, date.today().isoformat()))

    site.mount("/own", StaticFiles(directory=STATIC_DIR))
    return site


def answer_safely(
    get_answerer: Callable[[], Answerer],
    question: str,
    history: list[str],
    id: str | int | None = None,  # noqa: A002
    as_typed: bool = False,
    again: bool = False,
) -> Answer:
    """Answer a question; a fault is logged and becomes an Answer that says so, with the disclaimer.

    The arguments are those of `Answerer.answer`; `again` keeps a question that was answered before from
    entering the log of unanswered ones twice.
    """

    def work() -> Answer:
        answerer = get_answerer()
        answer = answerer.answer(question, history, id, as_typed)
        if not again:
            log_unanswered(answer, answerer.speller.is_common)
        return answer

    try:
        return _WORKERS.submit(work).result(timeout=MAX_SECONDS)
    except TimeoutError:
        logger.error("a question was not answered within %s s", MAX_SECONDS)
        return failed(question, id, texts.TOO_SLOW)
    except Exception:  # the reader must get an Answer whatever happens
        logger.exception("a question could not be answered")
        return failed(question, id)


class Guard:
    """ASGI wrapper: security headers with a nonce for each page's own scripts, no uploads.

    Gradio's page carries inline scripts; each gets the nonce, so that no script from a message runs.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].rstrip("/").endswith("/upload"):
            response = JSONResponse({"detail": "This program takes no files."}, status_code=404)
            await response(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        head: Message | None = None
        body = b""

        async def guarded(message: Message) -> None:
            nonlocal head, body
            if message["type"] == "http.response.start":
                message["headers"] = _headers(message["headers"], nonce)
                if _is_html(message["headers"]):
                    head = message
                    return
            elif head is not None:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                body = body.replace(b"<script", f'<script nonce="{nonce}"'.encode())
                head["headers"] = [(k, v) for k, v in head["headers"] if k.lower() != b"content-length"]
                head["headers"].append((b"content-length", str(len(body)).encode()))
                await send(head)
                await send({"type": "http.response.body", "body": body})
                return
            await send(message)

        await self._app(scope, receive, guarded)


def _headers(headers: list[tuple[bytes, bytes]], nonce: str) -> list[tuple[bytes, bytes]]:
    policy = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-src 'self'; "
        "frame-ancestors 'self'; form-action 'self'; object-src 'none'; base-uri 'self'"
    )
    own = {
        b"content-security-policy": policy.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
    }
    return [(k, v) for k, v in headers if k.lower() not in own] + list(own.items())


def _is_html(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(k.lower() == b"content-type" and v.startswith(b"text/html") for k, v in headers)
