"""A Modal app for tests under another name: one class answers slowly, one never starts, one raises."""

# ruff: noqa: ARG002

from __future__ import annotations

import time

import modal

from modal_backend.remote.serving import Served

app = modal.App("pugmark-faulty", include_source=False)
image = modal.Image.debian_slim().add_local_python_source("modal_backend", "tests")


@app.cls(image=image, timeout=60)
class RAPID:
    @modal.enter()
    def load(self):
        self.served = Served("rapid")

    @modal.method()
    def answer(self, call):
        time.sleep(2)
        return self.served.answer([call])[0]


@app.cls(image=image)
class PocketEmbedding:
    @modal.enter()
    def load(self):
        raise RuntimeError("this container never starts")

    @modal.method()
    def answer(self, call):
        return call


@app.cls(image=image)
class TigerReID:
    @modal.method()
    def answer(self, call):
        raise ValueError("this input is of no use")


@app.cls(image=image)
class Species:
    @modal.method()
    def answer(self, call):
        return {"contract": 0, "values": []}


@app.cls(image=image)
class PocketDetector:
    @modal.enter()
    def load(self):
        raise RuntimeError("this container never starts either")

    @modal.method()
    def answer(self, call):
        return call
