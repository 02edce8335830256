"""Embeddings: from 8x8 shades to 64 numbers that say what strokes are where.

Learnt from images alone, without their labels (Coates and Ng, "Learning Feature Representations
with K-means", 2012): patches are whitened, k-means finds the strokes that there are, how strongly
each of them occurs is summed up in sixteen places, and PCA keeps the 64 directions that matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digits.artefacts import NoModel, read_model, write_model
from digits.pictures import SIDE, Images

PATCH, STROKES, SIZE = 3, 48, 64
FILE = "embedder.safetensors"


@dataclass(frozen=True)
class Embedder:
    """The learnt numbers; ``sha256`` names the file that they came from or went to."""

    strokes: NDArray[np.float32]
    offset: NDArray[np.float32]
    mean: NDArray[np.float32]
    directions: NDArray[np.float32]
    sha256: str = ""

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(count, 64) embeddings."""
        return np.asarray((_places(images, self.strokes, self.offset) - self.mean) @ self.directions)

    def save(self, path: Path) -> str:
        """Write the embedder; its sha256."""
        tensors = {
            "strokes": self.strokes, "offset": self.offset, "mean": self.mean, "directions": self.directions
        }  # fmt: skip
        return write_model(path, tensors, {"kind": "embedder", "size": SIZE, "images": [SIDE, SIDE]})


def read_embedder(path: Path, sha256: str) -> Embedder:
    """The embedder of a file. Raises NoModel."""
    tensors, about = read_model(path, sha256)
    shapes = {
        "strokes": (PATCH * PATCH, STROKES),
        "offset": (STROKES,),
        "mean": (16 * STROKES,),
        "directions": (16 * STROKES, SIZE),
    }
    if about.get("kind") != "embedder" or {n: t.shape for n, t in tensors.items()} != shapes:
        raise NoModel(f"'{path.name}' is no embedder of this application")
    return Embedder(**tensors, sha256=sha256)


def learn_embedder(images: Images, seed: int) -> Embedder:
    """The embedder for images like these."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    patches = _patches(images).reshape(-1, PATCH * PATCH)
    centre = patches.mean(0)
    values, vectors = np.linalg.eigh(np.cov(patches.T))
    white = vectors @ np.diag(1 / np.sqrt(values + 0.01)) @ vectors.T
    some = np.random.default_rng(seed).choice(len(patches), min(20_000, len(patches)), replace=False)
    found: Any = KMeans(STROKES, n_init=1, random_state=seed, max_iter=50).fit(
        (patches[some] - centre) @ white
    )
    centroids = found.cluster_centers_
    centroids /= np.linalg.norm(centroids, axis=1, keepdims=True) + 1e-6
    strokes = (white @ centroids.T).astype(np.float32)
    offset = (centre @ strokes + 0.25).astype(np.float32)
    pca: Any = PCA(SIZE, svd_solver="covariance_eigh").fit(_places(images, strokes, offset))
    scale = pca.explained_variance_[0] ** 0.5
    directions = (pca.components_.T / scale).astype(np.float32)
    return Embedder(strokes, offset, pca.mean_.astype(np.float32), directions)


def _patches(images: Images) -> NDArray[np.float32]:
    """(count, 8, 8, 9): what is around each pixel."""
    edged = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(edged, (PATCH, PATCH), axis=(1, 2))
    return np.ascontiguousarray(windows).reshape(len(images), SIDE, SIDE, PATCH * PATCH)


def _places(images: Images, strokes: NDArray[np.float32], offset: NDArray[np.float32]) -> NDArray[np.float32]:
    """(count, 16 * strokes): how strongly each stroke occurs in each of sixteen places of 2x2 pixels."""
    found = np.maximum(_patches(images) @ strokes - offset, 0)
    pooled = found.reshape(len(images), 4, 2, 4, 2, -1).mean((2, 4))
    return np.asarray(pooled.reshape(len(images), -1), np.float32)
