#!/usr/bin/env python3
"""Objects of the kinds that make_vectors.py leaves out (own keys, own settings, own code; no ST file involved). Test keys only - never use in a product.

Writes kinds.json: name -> hex of the .obk file. Needs pyca/cryptography.
"""
import hashlib
import json
import struct

from cryptography.hazmat.primitives import serialization as S
from cryptography.hazmat.primitives.asymmetric import ec

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key(label):
    d = int.from_bytes(hashlib.sha256(f"obk-test {label}".encode()).digest(), "big") % (N - 1) + 1
    return ec.derive_private_key(d, ec.SECP256R1())


def spki(k):
    return k.public_key().public_bytes(S.Encoding.DER, S.PublicFormat.SubjectPublicKeyInfo)


def minimal(k):
    der = bytearray(k.private_bytes(S.Encoding.DER, S.PrivateFormat.PKCS8, S.NoEncryption()))
    assert len(der) == 138
    der = der[:-68]
    for offset in (2, 28, 30):
        der[offset] -= 0x44
    return bytes(der)


def sha(data):
    return hashlib.sha256(data).digest()


def mcuboot(magic, load, flags, body):
    """Header of 32 bytes, version 1.0.0, security counter 1 << 24, SHA-256; see mcuboot's docs/design.md."""
    header = struct.pack("<IIHHIIBBHII", magic, load, 0x20, 0x0C, len(body), flags, 1, 0, 0, 0, 0)
    signed = header + body + struct.pack("<HHHHI", 0x6908, 0x0C, 0x50, 4, 1 << 24)
    return signed + struct.pack("<HHHH", 0x6907, 40, 0x10, 32) + sha(signed)


def obk(address, payload, encrypt):
    return (struct.pack("<III", address, len(payload), encrypt) + payload).hex()


def hashed(body):
    return sha(body) + body


s, ns, enc = key("auth-s"), key("auth-ns"), key("enc")
scalar = enc.private_numbers().private_value.to_bytes(32, "big")
keys = mcuboot(0x96F3B83D, 0x0FFD09D0, 0x100, scalar + sha(spki(s)) + bytes(16))
other = bytearray(224)
other[1], other[3] = 0, 0
other[44:48] = struct.pack("<I", 0x7200)
general = bytes([0xCE, 1, 0, 3, 7, 0x42, 10, 0x43, 4, 4, 0x20]) + bytes(3) + struct.pack("<II", 0x30050000, 0x30070FFF)
general += bytes([1, 0, 0, 0, 0x37, 0x80, 0x10]) + bytes(21) + bytes([0x40, 0x90, 0x30, 0x70, 8, 0xC8, 2, 0xCB, 5, 0, 0]) + bytes(3)
assert len(general) == 64
vectors = {
    "oemurot_config": obk(0x0FFD0900, mcuboot(0x55F7394E, 0, 0, spki(s) + spki(ns) + minimal(enc)), 1),
    "sm_config_keys": obk(0x0FFD09D0, keys + bytes(12), 1),
    "sm_config_other": obk(0x0FFD0200, hashed(bytes(other)), 1),
    "sm_config_general": obk(0x0FFD0A80, hashed(general), 1),
    "stirot_user_data": obk(0x0FFD0900, mcuboot(0x55F7394E, 0, 0, bytes(range(92))), 1),
    "hashed_data": obk(0x0FFD0C00, hashed(bytes(range(16))), 0),
    "data": obk(0x0FFD1800, bytes(range(1, 33)), 0),
}
with open("kinds.json", "w", encoding="ascii") as file:
    json.dump(vectors, file, indent=1)
    file.write("\n")
