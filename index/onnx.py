"""Runs ONNX weights with onnxruntime: an encoder module for sentence-transformers, a cross-encoder.

sentence-transformers' own ONNX backend needs optimum and a hub layout; its `modules` argument takes
any module, which is all that is needed here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from sentence_transformers.base.modules import InputModule
from tokenizers import Tokenizer

Floats = npt.NDArray[np.float32]

_POOL = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="onnx")


class OnnxTransformer(InputModule):
    """A BERT-like encoder with CLS pooling and unit length, as bge models are made (BAAI's model card)."""

    def __init__(self, folder: Path, weights: str, window: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.folder = folder
        self.max_seq_length = window
        self.tokenizer = _load_tokenizer(folder, window)
        self.session = _load_session(folder / weights)

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **_: Any) -> dict[str, torch.Tensor | Any]:
        """Return token ids and masks for texts, `(n, longest)` int64 each."""
        encodings = self.tokenizer.encode_batch([(prompt or "") + text for text in inputs])
        rows = [torch.tensor(e.ids) for e in encodings]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(r) for r in rows], batch_first=True)
        return {"input_ids": ids, "attention_mask": mask}

    def forward(self, features: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Add `sentence_embedding`, `(n, d)` float32, each row computed by itself."""
        ids, lengths = features["input_ids"].numpy(), features["attention_mask"].sum(dim=1).tolist()
        inputs = [_inputs(row[:n], np.zeros(n, np.int64)) for row, n in zip(ids, lengths, strict=True)]
        hidden = np.stack([h[0, 0] for h in _run_each(self.session, inputs)])
        features["sentence_embedding"] = torch.nn.functional.normalize(torch.from_numpy(hidden), dim=1)
        return features

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Copy the model's files."""
        shutil.copytree(self.folder, output_path, dirs_exist_ok=True)


class OnnxCrossEncoder:
    """A cross-encoder with one logit: how well a passage answers a question (MS MARCO)."""

    def __init__(self, folder: Path, weights: str, window: int, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self._tokenizer = _load_tokenizer(folder, window)
        self._session = _load_session(folder / weights)

    def score(self, question: str, texts: Sequence[str]) -> Floats:
        """Return `(len(texts),)` float32 logits, higher is better."""
        encodings = self._tokenizer.encode_batch([(question, text) for text in texts])
        inputs = [_inputs(np.array(e.ids), np.array(e.type_ids)) for e in encodings]
        return np.array([x[0, 0] for x in _run_each(self._session, inputs)], dtype=np.float32)


class OnnxTokens:
    """An encoder that keeps one vector a token, for late interaction."""

    def __init__(self, folder: Path, weights: str, window: int) -> None:
        self._tokenizer = _load_tokenizer(folder, window)
        self._session = _load_session(folder / weights)

    def encode(self, texts: Sequence[str]) -> list[Floats]:
        """Return for each text `(tokens, d)` float32, rows of unit length."""
        encodings = self._tokenizer.encode_batch(list(texts))
        inputs = [_inputs(np.array(e.ids), np.array(e.type_ids)) for e in encodings]
        hidden = [h[0] for h in _run_each(self._session, inputs)]
        return [np.asarray(h / np.linalg.norm(h, axis=1, keepdims=True), dtype=np.float32) for h in hidden]


def _load_tokenizer(folder: Path, window: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(window)
    tokenizer.no_padding()
    return tokenizer


def _load_session(weights: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # texts are short: whole texts in parallel beat parallel matrices
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])


def _inputs(ids: npt.NDArray[np.int64], types: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    ids, types = ids.astype(np.int64)[None, :], types.astype(np.int64)[None, :]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}


def _run_each(session: onnxruntime.InferenceSession, inputs: list[dict[str, npt.NDArray[np.int64]]]) -> list[Floats]:
    """Run each input by itself, without padding.

    int8 activations are scaled over a batch, so in one batch a text's scores would depend on its
    neighbours; padding costs more than batching saves, too.
    """
    return list(_POOL.map(lambda i: session.run(None, i)[0], inputs))
