"""Serves what is not the chat page: the article, the answer API, health; and guards every response."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from chat import texts
from chat.answer import Answer, Answerer
from chat.page import article_page
from chat.render import failed
from corpus.article import Article
from corpus.library import article_ids, load_article

logger = logging.getLogger("chat")

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
        answer = await asyncio.to_thread(answer_safely, get_answerer, ask.question, ask.history, ask.id)
        return JSONResponse(answer.to_json())

    @site.exception_handler(Exception)
    async def fault(_request: Any, _error: Exception) -> JSONResponse:
        return JSONResponse(failed("").to_json(), status_code=500)

    site.mount("/own", StaticFiles(directory=STATIC_DIR))
    return site


def answer_safely(
    get_answerer: Callable[[], Answerer],
    question: str,
    history: list[str],
    id: str | int | None = None,  # noqa: A002
) -> Answer:
    """Answer a question; a fault is logged and becomes an Answer that says so, with the disclaimer."""
    try:
        return get_answerer().answer(question, history, id)
    except Exception:  # the reader must get an Answer whatever happens
        logger.exception("a question could not be answered")
        return failed(question)


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
        "frame-ancestors 'self'; form-action 'none'; object-src 'none'; base-uri 'self'"
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
