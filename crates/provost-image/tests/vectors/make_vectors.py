#!/usr/bin/env python3
"""Makes the images of this folder with two independent tools, from own throw-away keys.

  pip install imgtool==2.5.0
  git clone -b v1.7.2.39 https://github.com/STMicroelectronics/stm32-mw-mcuboot
  python3 make_vectors.py stm32-mw-mcuboot/scripts/imgtool.py

`plain_*` are made by mcuboot's imgtool, the others by ST's (Apache-2.0), with the options that the image XML of STM32CubeH5 v1.7.0
gives it, but for small slots. A private key is SHA-256 of its label; a body is made of SHA-256 blocks of its label, too, so that
manifest.json says all that is needed to make the images again. Signatures and encryption are randomised by the tools.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

HERE = os.path.dirname(os.path.abspath(__file__))
LABEL = "provost image vectors: "


def key(role):
    scalar = int.from_bytes(hashlib.sha256((LABEL + role).encode()).digest(), "big")
    return ec.derive_private_key(scalar, ec.SECP256R1())


def body(length):
    blocks = (hashlib.sha256(f"{LABEL}body {i}".encode()).digest() for i in range(length // 32 + 1))
    return b"".join(blocks)[:length]


PLAIN = ["imgtool", "sign"]
ST = [sys.executable, os.path.abspath(sys.argv[1]), "sign"]
K, E = ["-k", "KEY"], ["-E", "ENC"]
XML = ["-e", "little", "--pad-header", "-s", "auto", "--align", "16"]
CODE, DATA = ["-H", "0x400"], ["-H", "0x20"]
STI = ["-ma", "0x73ab1024", "--overwrite-only"]
STD = ["-ma", "0x55f7394e", "--overwrite-only"]

# name, tool, bytes of the body, options
VECTORS = [
    ("plain_hash", PLAIN, 77, ["-v", "1.2.3+4", "-S", "0x1000", "-H", "0x20", "--pad-header"]),
    ("plain_signed", PLAIN, 200, ["-v", "1.2.3+4", "-S", "0x1000", "-H", "0x40", "--pad-header", "-s", "auto",
                                  "-d", "(1,1.0.0)(2, 3.4.5+6)"] + K),
    ("plain_confirmed", PLAIN, 200, ["-v", "0.0.1", "-S", "0x400", "-H", "0x20", "--pad-header", "-s", "7", "--align", "8",
                                     "-M", "4", "--confirm"] + K),
    ("plain_overwrite", PLAIN, 100, ["-v", "255.255.65535+4294967295", "-S", "0x400", "-H", "0x20", "--pad-header", "--align", "32",
                                     "--overwrite-only", "--pad", "-R", "0", "--non-bootable", "-F", "0x08018000",
                                     "--public-key-format", "full", "--pad-sig"] + K),
    ("plain_encrypted", PLAIN, 333, ["-v", "1.0.0", "-S", "0x1000", "-H", "0x20", "--pad-header", "-s", "auto"] + K + E),
    ("plain_clear", PLAIN, 333, ["-v", "1.0.0", "-S", "0x400", "-H", "0x20", "--pad-header", "-s", "auto", "--align", "16", "-M", "0",
                                 "-c", "--confirm", "-L", "0x20000000"] + K + E),
    ("oemirot_install", ST, 333, ["-v", "1.0.0", "-S", "0x800", "-c", "--confirm", "-M", "0"] + CODE + XML + K + E),
    ("oemirot_update", ST, 333, ["-v", "1.0.1", "-S", "0x800", "--pad", "--overwrite-only", "-M", "0",
                                 "-d", "(0,1.0.0)", "-d", "(3,1.0.0)"] + CODE + XML + K + E),
    ("oemirot_data_update", ST, 32, ["-v", "1.0.0", "-S", "0x200", "--pad", "--overwrite-only", "-M", "0"] + DATA + XML + K + E),
    ("oemirot_h503", ST, 333, ["-v", "1.0.0", "-S", "0x800", "--pad", "--overwrite-only", "--primary-only"] + CODE + XML + K + E),
    ("oemirot_h503_clear", ST, 333, ["-v", "1.0.0", "-S", "0x800", "--pad", "--primary-only"] + CODE + XML + K),
    ("stirot_install", ST, 333, ["-v", "1.0.0", "-S", "0x800", "-c", "--confirm"] + STI + CODE + XML + K + E),
    ("stirot_update", ST, 334, ["-v", "1.2.0", "-S", "0x800", "--pad", "-d", "(1,1.0.0)"] + STI + CODE + XML + K + E),
    ("stirot_odd_slot", ST, 335, ["-v", "1.0.0", "-S", "0x7fd", "--pad"] + STI + CODE + XML + K + E),
    ("stirot_data_update", ST, 99, ["-v", "1.0.0", "-S", "0x400", "--pad"] + STD + DATA + XML + K + E),
    ("stirot_data_object", ST, 252, ["-v", "1.0.0", "-S", "0x2f0"] + STD + DATA + XML),
]


def main():
    pem = serialization.Encoding.PEM
    with tempfile.TemporaryDirectory() as folder:
        files = {"KEY": os.path.join(folder, "key.pem"), "ENC": os.path.join(folder, "enc.pem")}
        with open(files["KEY"], "wb") as file:
            file.write(key("authentication").private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        with open(files["ENC"], "wb") as file:
            file.write(key("encryption").public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
        plain = os.path.join(folder, "body.bin")
        manifest = []
        for name, tool, length, options in VECTORS:
            with open(plain, "wb") as file:
                file.write(body(length))
            target = os.path.join(HERE, name + ".bin")
            subprocess.run(tool + [files.get(option, option) for option in options] + [plain, target], check=True)
            digest = hashlib.sha256(open(target, "rb").read()).hexdigest()
            made_by = "imgtool 2.5.0" if tool is PLAIN else "stm32-mw-mcuboot v1.7.2.39 imgtool"
            manifest.append({"name": name, "tool": made_by, "body": length, "options": options, "sha256": digest})
    with open(os.path.join(HERE, "manifest.json"), "w") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")


main()
