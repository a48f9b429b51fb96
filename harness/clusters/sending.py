"""Sends images from an engine into nodes, and leaves out the layers that a node holds.

`python -m harness.clusters.sending`, with a plan in JSON on its standard input:

    source: the argument list of the engine's `save`
    sinks:  for each node the argument list of its `import`, and as `held` what its content
            store has: {digest: size}
    layers: {name of a layer in the classic archive: digest}, as far as it is known
    names:  {tag in the archive: the full name that the node is to know the image by}

Says on its standard output, in JSON, which `layers` it knows now, and how many bytes of
layers were `sent` and `left_out`. Ends with the exit code of the first program that failed.

An engine saves whole images, in one of two layouts. In the OCI layout a layer's name is its
digest. In the classic one it is an id that only the end of the archive explains; it stays the
same as long as the layer and those below it do, so it is remembered. What goes on to a node
is an OCI layout in both cases, from which single layers may be missing.

Imports little, since it starts anew each time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
from typing import IO, Any

from harness.clusters.oci_layout import BLOBS, Described, documents

_CHUNK = 1 << 20


class Sink:
    """One node's import."""

    def __init__(self, argv: list[str], held: dict[str, int]) -> None:
        self.held = held
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._pipe = self.process.stdin

    def lacks(self, digest: str, size: int) -> bool:
        """Say whether its store has not this content, whole."""
        return self.held.get(digest) != size

    def write(self, data: bytes) -> None:
        """Hand bytes on; those that a program which has ended does not take are lost."""
        if self._pipe is not None:
            try:
                self._pipe.write(data)
            except BrokenPipeError:
                self._pipe = None  # its exit code tells why

    def end(self) -> int:
        """Close the archive and wait for the import's end."""
        self.write(b"\0" * (2 * tarfile.BLOCKSIZE))
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        return self.process.wait()


class Sending:
    """One archive, read once, and what of it goes to each sink."""

    def __init__(self, plan: dict[str, Any], sinks: list[Sink]) -> None:
        self.sinks, self.layers, self._names = sinks, dict(plan["layers"]), plan["names"]
        self.sent = self.left_out = 0
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._sizes: dict[str, int] = {}

    def read(self, source: IO[bytes]) -> None:
        """Read the archive to its end."""
        with tarfile.open(fileobj=source, mode="r|", bufsize=_CHUNK) as archive:
            for member in archive:
                if member.issym() or member.islnk():
                    folder = "" if member.islnk() else os.path.dirname(member.name)  # noqa: PTH120
                    self._links[member.name] = os.path.normpath(
                        os.path.join(folder, member.linkname)  # noqa: PTH118
                    )
                elif member.isreg():
                    content = archive.extractfile(member)
                    if content is not None:
                        self._take(member.name, member.size, content)
        if "oci-layout" not in self._documents:
            self._describe()

    def _take(self, name: str, size: int, content: IO[bytes]) -> None:
        if name.startswith(BLOBS):
            self._layer(name, size, "sha256:" + name.removeprefix(BLOBS), content)
        elif name.endswith("/layer.tar"):
            self._sizes[name] = size
            self._layer(name, size, self.layers.get(name, ""), content)
        elif "/" not in name:
            self._documents[name] = content.read()
            if name in ("oci-layout", "index.json"):
                _write(self.sinks, name, self._documents[name])

    def _layer(self, name: str, size: int, digest: str, content: IO[bytes]) -> None:
        wanting = [sink for sink in self.sinks if sink.lacks(digest, size)]
        self.sent += size if wanting else 0
        self.left_out += 0 if wanting else size
        if not wanting:
            return  # the archive is read on past it
        _begin(wanting, name, size)
        while piece := content.read(_CHUNK):
            for sink in wanting:
                sink.write(piece)
        _pad(wanting, size)

    def _describe(self) -> None:
        """Say in the OCI layout what the classic documents say."""
        images = []
        for image in json.loads(self._documents["manifest.json"]):
            config = self._documents[image["Config"]]
            names = [self._links.get(name, name) for name in image["Layers"]]
            digests = json.loads(config)["rootfs"]["diff_ids"]
            latest = dict(zip(names, digests, strict=True))
            self.layers = {n: d for n, d in self.layers.items() if n not in latest} | latest
            layers = [(latest[name], self._sizes[name]) for name in names]
            full_names = [self._names[tag] for tag in image["RepoTags"] or ()]
            images.append(Described(config, layers, full_names))
        for name, data in documents(images):
            _write(self.sinks, name, data)


def _begin(sinks: list[Sink], name: str, size: int) -> None:
    head = tarfile.TarInfo(name)
    head.size = size
    for sink in sinks:
        sink.write(head.tobuf())


def _pad(sinks: list[Sink], size: int) -> None:
    for sink in sinks:
        sink.write(b"\0" * (-size % tarfile.BLOCKSIZE))


def _write(sinks: list[Sink], name: str, data: bytes) -> None:
    _begin(sinks, name, len(data))
    for sink in sinks:
        sink.write(data)
    _pad(sinks, len(data))


def main(plan: dict[str, Any]) -> int:
    """Send and return the first exit code that is not 0."""
    source = subprocess.Popen(
        plan["source"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0
    )
    sending = Sending(plan, [Sink(sink["argv"], sink["held"]) for sink in plan["sinks"]])
    if source.stdout is None:
        return 1
    broken = False
    try:
        sending.read(io.BufferedReader(source.stdout, _CHUNK))  # type: ignore[type-var]
    except (tarfile.ReadError, KeyError):
        broken = True  # most likely the engine's own words say more
    taken = [sink.end() for sink in sending.sinks]
    source.stdout.close()
    codes = [source.wait(), *taken, int(broken)]
    counted = {"sent": sending.sent, "left_out": sending.left_out}
    json.dump({"layers": sending.layers, **counted}, sys.stdout)
    sys.stdout.flush()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    os._exit(main(json.load(sys.stdin)) & 0xFF)
