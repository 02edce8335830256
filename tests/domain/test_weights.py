"""Which pickles nobody has to unpickle, because the same weights stand beside them."""

from __future__ import annotations

import pytest

from weighbridge.domain.manifest import FileEntry, digests_of
from weighbridge.domain.weights import pickled_twins


@pytest.mark.parametrize(
    ("paths", "twins"),
    [
        (["pytorch_model.bin", "model.safetensors"], ["pytorch_model.bin"]),
        (["pytorch_model.bin"], []),
        (["model.safetensors"], []),
        (["a/pytorch_model.bin", "model.safetensors"], []),
        (["unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.safetensors"],
         ["unet/diffusion_pytorch_model.bin"]),
        (["pytorch_model-00001-of-00002.bin", "model-00001-of-00003.safetensors"],
         ["pytorch_model-00001-of-00002.bin"]),
        (["adapter_model.bin", "adapter_model.safetensors"], ["adapter_model.bin"]),
        (["other.pt", "model.safetensors"], []),
        (["optimizer.pt", "optimizer.safetensors"], []),
    ],
)  # fmt: skip
def test_a_pickle_has_a_twin_where_safetensors_of_its_name_stand_beside_it(
    paths: list[str], twins: list[str]
) -> None:
    files = [FileEntry(path=path, size_bytes=1, digests=digests_of(b"x")) for path in paths]
    assert list(pickled_twins(files)) == twins
