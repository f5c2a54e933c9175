"""OmniVinci on a GPU of your own at Modal, behind a chat-completions endpoint. WRITTEN, BUT NOT YET RUN ON MODAL: its
image has not been built and its weights have not been loaded; expect to mend a version or two.

    modal secret create pugmark-omnivinci-host OMNIVINCI_API_KEY=<a key you make up>
    modal run -m modal_backend.remote.omnivinci_app::download     # once, about 17 GB into the Volume
    modal deploy -m modal_backend.remote.omnivinci_app            # prints the address

Then in Pugmark: OMNIVINCI_API_URL=<address>/v1, OMNIVINCI_API_KEY=<that key>, OMNIVINCI_MODEL=nvidia/omnivinci and
OMNIVINCI_SEND=clip. An app of its own, because the model needs Python 3.10 and the versions below (the project's
environment_setup.sh and pyproject.toml, github.com/NVlabs/OmniVinci, Apache-2.0). The licence of the weights is on
their page at Hugging Face: read it before any commercial use.
"""

from __future__ import annotations

import os
import shutil
import site
from pathlib import Path
from typing import Any

import modal

APP_NAME = os.environ.get("OMNIVINCI_APP_NAME", "pugmark-omnivinci")
SECRET = "pugmark-omnivinci-host"
REPOSITORY = "nvidia/omnivinci"
REVISION = "7b3777b1c1f7c4e85f7bdef7b765dee1e76c1b7f"
WEIGHTS = "/weights"
PLACE = f"{WEIGHTS}/omnivinci-{REVISION[:8]}"
FRAMES = 128
FLASH_ATTENTION = (
    "https://github.com/Dao-AILab/flash-attention/releases/download/v2.5.8/"
    "flash_attn-2.5.8+cu122torch2.3cxx11abiFALSE-cp310-cp310-linux_x86_64.whl"
)

image = (
    modal.Image.from_registry("nvidia/cuda:12.2.2-devel-ubuntu22.04", add_python="3.10")
    .apt_install("ffmpeg", "git", "libsndfile1")
    .uv_pip_install("torch==2.3.0", "torchvision==0.18.0", "torchaudio==2.3.0", "numpy==1.26.4")
    .uv_pip_install(FLASH_ATTENTION)
    .uv_pip_install(
        "transformers==4.46.0",
        "accelerate==0.34.2",
        "sentencepiece==0.1.99",
        "einops==0.6.1",
        "einops-exts==0.0.4",
        "timm==0.9.12",
        "decord==0.6.0",
        "opencv-python-headless==4.8.0.76",
        "pytorchvideo==0.1.5",
        "librosa==0.10.2.post1",
        "soundfile==0.12.1",
        "openai-whisper==20231117",
        "beartype==0.18.5",
        "kaldiio==2.18.0",
        "pydantic==1.10.22",
        "protobuf==3.20.3",
        "huggingface-hub==0.26.2",
        "starlette==0.41.3",
        "s2wrapper @ git+https://github.com/bfshi/scaling_on_scales",
    )
    .env({"OMNIVINCI_APP_NAME": APP_NAME})
    .add_local_python_source("modal_backend", ignore=lambda path: not path.name.startswith(("__init__", "omnivinci_")))
)
app = modal.App(APP_NAME, include_source=False)
weights = modal.Volume.from_name("pugmark-weights", create_if_missing=True)


@app.function(image=image, cpu=2.0, memory=4096, timeout=7200, volumes={WEIGHTS: weights})
def download() -> str:
    """Bring the model at its revision into the Volume, once."""
    from huggingface_hub import snapshot_download

    snapshot_download(REPOSITORY, revision=REVISION, local_dir=PLACE)
    weights.commit()
    return f"{REPOSITORY} {REVISION} is in the Volume."


@app.cls(
    image=image,
    gpu="A100-80GB",
    cpu=4.0,
    memory=32768,
    timeout=1800,
    startup_timeout=900,
    scaledown_window=300,
    max_containers=1,
    volumes={WEIGHTS: weights},
    secrets=[modal.Secret.from_name(SECRET, required_keys=["OMNIVINCI_API_KEY"])],
)
@modal.concurrent(max_inputs=8)
class OmniVinciHost:
    """The model in the memory of one GPU; questions wait for each other."""

    @modal.enter()
    def load(self) -> None:
        """Load model and processor from the Volume."""
        _replace_modeling_utils()
        import torch
        from transformers import AutoModel, AutoProcessor

        self.model = AutoModel.from_pretrained(
            PLACE, trust_remote_code=True, torch_dtype=torch.float16, device_map="auto"
        )
        self.processor = AutoProcessor.from_pretrained(PLACE, trust_remote_code=True)
        for config in (self.model.config, self.processor.config):
            config.load_audio_in_video = True
            config.num_video_frames = FRAMES
            config.audio_chunk_length = "max_3600"

    @modal.asgi_app()
    def serve(self) -> Any:
        """The chat-completions endpoint."""
        from modal_backend.remote.omnivinci_service import build

        return build(self.answer, os.environ["OMNIVINCI_API_KEY"])

    def answer(self, asked: Any) -> Any:
        """Run the model on one question."""
        import torch

        from modal_backend.remote.omnivinci_service import Answer

        parts = [{"type": kind, kind: str(place)} for kind, place in asked.media]
        conversation = [{"role": "user", "content": [*parts, {"type": "text", "text": asked.text}]}]
        text = self.processor.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
        inputs = self.processor([text])
        settings = self.model.default_generation_config
        settings.update(max_new_tokens=asked.most_tokens, max_length=99999999)
        with torch.inference_mode():
            ids = self.model.generate(
                input_ids=inputs.input_ids,
                media=getattr(inputs, "media", None),
                media_config=getattr(inputs, "media_config", None),
                generation_config=settings,
            )
        answer = self.processor.tokenizer.batch_decode(ids, skip_special_tokens=True)[0]
        return Answer(answer, int(inputs.input_ids.numel()), int(ids.numel()))


def _replace_modeling_utils() -> None:
    """The model wants its own modeling_utils.py inside transformers 4.46.0; it comes with the weights' repository."""
    own = Path(PLACE) / "transformers" / "modeling_utils.py"
    if not Path(PLACE).is_dir():
        raise RuntimeError(
            "The weights are not in the Volume: modal run -m modal_backend.remote.omnivinci_app::download"
        )
    if not own.is_file():
        raise RuntimeError(f"{own} is missing: take modeling_utils.py from the project's repository and put it there.")
    shutil.copy(own, Path(site.getsitepackages()[0]) / "transformers" / "modeling_utils.py")
