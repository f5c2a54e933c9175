"""Storage as S3 has it, without S3: moto's server in this process, which may be stopped and started."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

BUCKET = "pugmark"
SECRET = "a-secret-of-this-test"


class Bucket:
    """One bucket; what is in it stays while the server is stopped."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.url = f"s3://{BUCKET}/survey"
        self.environment = {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "AKIDOFTHISTEST",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def start(self) -> None:
        """Answer."""
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        """Refuse connections."""
        self._server.stop()


@contextmanager
def bucket() -> Iterator[Bucket]:
    """A server with an empty bucket, until the end."""
    import boto3

    made = Bucket()
    made.start()
    client = boto3.client(
        "s3",
        endpoint_url=made.address,
        region_name="us-east-1",
        aws_access_key_id=made.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=SECRET,
    )
    client.create_bucket(Bucket=BUCKET)
    try:
        yield made
    finally:
        made.stop()
