"""Reads QR codes from pictures with the same decoder that the gates use (zxing, in node), so a code that only we can read fails."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from tests.support.databases import ROOT

_READ = """
import { readFileSync } from "node:fs";
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
const wasm = readFileSync("node_modules/zxing-wasm/dist/reader/zxing_reader.wasm");
prepareZXingModule({ overrides: { wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) } });
const out = [];
for (const file of process.argv.slice(1)) {
  const found = await readBarcodes(new Uint8Array(readFileSync(file)), { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 20 });
  out.push(found.map((one) => one.text));
}
console.log(JSON.stringify(out));
"""


def read(folder: Path, pictures: Sequence[Image.Image]) -> list[list[str]]:
    """The texts of all codes on each picture; one start of node for all of them."""
    files = []
    for number, picture in enumerate(pictures):
        path = folder / f"{number}.png"
        picture.convert("RGB").save(path)
        files.append(str(path))
    command = [str(ROOT / "frontend" / "with-node.sh"), "node", "--input-type=module", "-e", _READ, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True, timeout=60)
    return json.loads(done.stdout)
