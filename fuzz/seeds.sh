#!/usr/bin/env bash
# Fills fuzz/corpus with what the tests of the crates have for vectors. Needs python3, and openssl for the encrypted keys; may be run
# again at any time and takes nothing away.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly crates=../crates
mkdir -p corpus/{adac_packet,adac_tlv,adac_certificate,adac_token,adac_key,obk_file,obk_xml,obk_config,image,case_file,log,reading,option_file,flash_image,bootloader_serial,bootloader_usb,bootloader_usbip,thumb,trace}

cp "$crates"/provost-obk/tests/vectors/*.obk corpus/obk_file/
cp "$crates"/provost-obk/tests/vectors/*.bin corpus/adac_tlv/
cp "$crates"/provost-adac/tests/vectors/*.b64 corpus/adac_certificate/
cp "$crates"/provost-adac/tests/vectors/keys/*.{pem,der} corpus/adac_key/
cp "$crates"/provost-thumb/tests/programs/*.bin corpus/thumb/
for trace in ../traces/*.trace; do head -c 3000 "$trace" | sed '$d' >"corpus/trace/$(basename "$trace")"; done
cp "$crates"/provost-image/tests/vectors/*.bin corpus/image/
cp "$crates"/provost-diagnosis/tests/cases/*.toml corpus/case_file/
cp "$crates"/provost-diagnosis/tests/{logs,cases/raw}/*.log corpus/log/
cp "$crates"/provost-diagnosis/tests/{logs/*.log,cases/raw/*.log,posts/*.txt} corpus/reading/

# Encrypted keys that are opened in no time.
key=$crates/provost-adac/tests/vectors/keys/pkcs8.pem
openssl pkcs8 -topk8 -in "$key" -outform DER -passout pass:passphrase -iter 2 -v2 aes-256-cbc -out corpus/adac_key/quick_pbkdf2.der
openssl pkcs8 -topk8 -in "$key" -outform DER -passout pass:passphrase -iter 2 -v2 des3 -out corpus/adac_key/quick_des.der
openssl pkcs8 -topk8 -in "$key" -outform DER -passout pass:passphrase -scrypt -scrypt_N 16 -scrypt_r 1 -scrypt_p 1 \
    -out corpus/adac_key/quick_scrypt.der

python3 - "$crates" <<'PYTHON'
import base64, json, re, struct, sys
from pathlib import Path

crates, corpus = Path(sys.argv[1]), Path("corpus")


def put(target, name, data):
    (corpus / target / re.sub(r"\W+", "_", name)).write_bytes(data)


def tlv(kind, value):
    return struct.pack("<HHI", 0, kind, len(value)) + value


# A serial session: wake, Get, Get ID, a read, a special command. A USB session: set the pointer, ask twice, abort.
put("bootloader_serial", "session", bytes.fromhex("03 7F 00FF 02FD 11EE 2000400060 0FF0 50AF 000202 00040000000004"))
status, pointer = bytes.fromhex("A103000000000600"), bytes.fromhex("2101000000000500 2100400020")
put("bootloader_usb", "session", b"".join(p.ljust(24, b"\0") for p in (pointer, status, status, bytes.fromhex("2106000000000000"))))
submit = bytes.fromhex("00000001 00000001 00000000 00000001 00000000 00000000 00000006 00000000 00000000 00000000 A103000000000600")
put("bootloader_usbip", "session", b"\x07" + submit + submit)
put("bootloader_usbip", "list", bytes.fromhex("47 01118005 00000000"))
put("bootloader_usb", "descriptors", bytes.fromhex("09021b00010100c032 09040000 00fe010204 09210bff0000041a01"))
put("bootloader_usb", "map", b"@Internal Flash   /0x08000000/256*08Kg")

vectors = json.loads((crates / "provost-adac/tests/vectors/vectors.json").read_text())
words = lambda packet: b"".join(struct.pack("<I", int(word, 16)) for word in packet)
packets = []


def walk(name, value):
    if isinstance(value, list) and value and isinstance(value[0], str) and value[0].startswith("0x"):
        put("adac_packet", name, words(value))
        packets.append((name, words(value)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            walk(f"{name}_{index}", inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            walk(f"{name}_{key}", inner)


walk("packet", vectors["packets"])
requests = [data for _, data in packets if data[2:4] in (b"\x02\x00", b"\x03\x00")]
put("adac_packet", "requests", b"".join(requests))
certificates = {name: bytes.fromhex(data) for name, data in vectors["certificates"].items()}
fragments = [struct.pack("<HHI", 0, 2, 0)]
for role in ("root", "intermediate", "leaf"):
    fragment = tlv(0x201, certificates[role])
    fragments.append(struct.pack("<HHI", 0, 3, len(fragment) // 4) + fragment)
for name, data in vectors["tokens"].items():
    data = bytes.fromhex(data)
    put("adac_token", name, data)
    put("adac_token", f"tlv {name}", tlv(0x200, data))
    put("adac_token", f"signature {name}", data[-64:])
    put("adac_token", f"message {name}", data[:56] + bytes.fromhex(vectors["challenge"]) + data[-64:])
    fragment = tlv(0x200, data)
    token = struct.pack("<HHI", 0, 3, len(fragment) // 4) + fragment
    put("adac_packet", f"session {name}", b"".join(fragments) + token)
# To the host: a challenge, NEED_MORE_DATA, SUCCESS.
challenge = struct.pack("<HHII", 0, 0, 9, 1) + bytes.fromhex(vectors["challenge"])
more, success = struct.pack("<HHI", 0, 2, 0), struct.pack("<HHI", 0, 0, 0)
put("adac_packet", "answers", challenge + more + success + success)
put("adac_packet", "password answers", challenge + success)
for name, data in certificates.items():
    put("adac_certificate", name, data)
    put("adac_certificate", f"tlv {name}", tlv(0x201, data))
    put("adac_token", f"message {name}", data[:148] + data[148:])
chain = base64.b64decode(vectors["chain_b64"])
put("adac_certificate", "chain", chain)
label = "ADAC CERTIFICATE CHAIN"
put("adac_certificate", "pem", f"-----BEGIN {label}-----\n{vectors['chain_b64']}\n-----END {label}-----\n".encode())
put("adac_tlv", "chain", chain)
xy = bytes.fromhex(vectors["public_xy"]["da-test root"])
tbs = certificates["root"][:148]
import hashlib
put("adac_token", "record", json.dumps({
    "format": "provost-signing-request-1", "kind": "certificate", "algorithm": "ECDSA P-256 SHA-256", "signer": xy.hex(),
    "to_be_signed": tbs.hex(), "sha256": hashlib.sha256(tbs).hexdigest(), "description": ["text"]}).encode())
r = certificates["root"][148:180].lstrip(b"\0")
s = certificates["root"][180:212].lstrip(b"\0")
integer = lambda n: (lambda n: b"\x02" + bytes([len(n)]) + n)(b"\0" + n if n[0] & 0x80 else n)
put("adac_token", "der", b"\x30" + bytes([len(integer(r) + integer(s))]) + integer(r) + integer(s))

# Discoveries, padded and not.
fields = [(1, b"\1\0"), (2, b"\x20\0"), (3, struct.pack("<I", 0x484)), (4, bytes(range(16))), (7, struct.pack("<QQ", 0x5077, 0)),
          (8, b"\x71\x20"), (10, b"\1\0\0\0"), (0x100, b"\0\2"), (0x101, b"\1\2"), (0x102, b"\1"),
          (0x8000, b"\xEA" * 4), (0x8001, b"\xFF" * 4), (0x8002, b"\xFF" * 4), (0x8003, b"\xFF" * 4)]
for padded in (False, True):
    data = b"".join(tlv(kind, value + bytes(-len(value) % 4 if padded else 0))[:8] .replace(
        struct.pack("<I", len(value) + (-len(value) % 4 if padded else 0)), struct.pack("<I", len(value)))
        + value + bytes(-len(value) % 4 if padded else 0) for kind, value in fields)
    put("adac_tlv", f"discovery {'padded' if padded else 'unpadded'}", data)
    full = data + bytes(-len(data) % 4)
    put("adac_packet", f"discovery {padded}", struct.pack("<HHI", 0, 0, len(full) // 4) + full)

# Objects of every kind as files.
kinds = json.loads((crates / "provost-obk/tests/vectors/kinds.json").read_text())
for name, data in kinds.items():
    if isinstance(data, str):
        put("obk_file", name, bytes.fromhex(data))
manifest = json.loads((crates / "provost-obk/tests/vectors/manifest.json").read_text())
for name, file in manifest["files"].items():
    if "hex" in file and name.endswith(".obk"):
        put("obk_file", name, bytes.fromhex(file["hex"]))

# XML of the form that the tests of provost-obk have, every element in it.
def document(info, body):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Root>\n<Obdata>\n<Info><Title>T &amp; U</Title>{info}</Info>\n{body}\n'
            "<Output><Name>Output File</Name><Value>.\\out.obk</Value></Output>\n</Obdata>\n</Root>\n").encode()


def info(address, encrypt, align=16):
    return f"<ObDestAddress>{address:#x}</ObDestAddress><DoEncryption>{encrypt}</DoEncryption><GlobalAlign>{align}</GlobalAlign>"


def data(element, value, width):
    return f"<{element}><Name>n</Name><Value>{value:#x}</Value><Width>{width}</Width><Default>0x0</Default></{element}>\n"


def file(path, kind, align=4, more=""):
    return f"<File><Name>f</Name><Value>{path}</Value><Align>{align}</Align><KeyType>ecdsa-p256</KeyType>{kind}{more}</File>\n"


public, private, raw = "<Type>Public</Type>", "<Type></Type>", "<Type>Private_Raw</Type>"
permission = "<Permission><Name>P</Name><Value>0x5077</Value><Width>4</Width></Permission>"
text = "<Text><Name>P</Name><Value>password</Value><MinWidth>4</MinWidth><Width>16</Width></Text>"
xml = {
    "certificate": (info(0x0FFD0100, 1), "<Hash/><DA/>" + file("..\\Keys\\pub.pem", public) + permission),
    "password": (info(0x0FFD0100, 0), "<Hash/><DA></DA>" + text + data("Data", 0, 4)),
    "oemirot": (info(0x0FFD0160, 1), "<Hash/>" + file("pub.pem", public) * 2 + file("key.pem", private)),
    "stirot": (info(0x0FFD0200, 1), "<Hash/>" + data("List", 1, 1) * 2 + data("Bool", 0, 1) * 2 + data("Data", 0x7200, 4) * 11
               + file("key.pem", private) + file("pub.pem", public) + data("Bool", 0, 1)),
    "raw": (info(0x0FFD0C00, 0), file("key.pem", raw) + file("pub.pem", public, 4, "<Hash/>") + file("data.bin", "", 1)),
    "bare": ("<GlobalAlign>1</GlobalAlign>", file("data.bin", "<Type/>", 16) + data("Data", 7, 16)),
    "full": (info(0x0FFD1800, 0, 64), file("full.bin", "")),
}
for name, (head, body) in xml.items():
    put("obk_xml", name, document(head, body))

# Descriptions of every kind.
toml = {
    "da-certificate": "root_key = 'pub.pem'\npermissions = ['full-regression', 'level-1-intrusive-debug']\n",
    "da-certificate 2": f"root_key_hash = '{'ab' * 32}'\npermissions = 0x5077\n",
    "da-password": "password = 'open sesame'\n",
    "da-password 2": "password_file = 'password.bin'\n",
    "oemirot-config": "secure_key = 'pub.pem'\nnon_secure_key = 'pub.bin'\nencryption_key = 'key.pem'\n",
    "hashed-data": "destination = 0x0FFD0C00\ndata = '00112233'\n",
    "data": "destination = '0x0FFD1800'\ndata_file = 'data.bin'\n",
}
for name, body in toml.items():
    put("obk_config", name, f"schema = 1\nkind = '{name.split()[0]}'\npart = 'STM32H573'\n{body}".encode())

# Option bytes as a tool prints them and as we write them; firmware in three forms.
printed = ("OPTION BYTES BANK: 0\n\n   Product state:\n\n     PRODUCT_STATE: 0xED (Open)\n\n   User Configuration:\n\n"
           "     BOOT_UBE     : 0xB4 (OEM-iRoT)\n     SWAP_BANK    : 0x0 (no swap)\nOPTION BYTES BANK: 1\n\n     TZEN         : 0xC3\n"
           "     SECWM1_STRT  : 0x0  (0x8000000)\n     NSBOOTADD    : 0x80000  (0x8000000)\n")
put("option_file", "printed", printed.encode())
put("option_file", "colours", printed.replace("     ", "\x1b[39m     ").encode())
put("option_file", "toml", b'format = "provost.options/1"\npart = "STM32H573"\nproduct-state = "open"\n[options]\nTZEN = "0xC3"\n'
    b'SWAP_BANK = 0\nSECWM1_STRT = 0x7F\nNSBOOTADD = "0x080000"\n')


def elf(segments):
    head = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0x08000000, 52, 0, 0x05000000, 52, 32, len(segments), 40, 0, 0)
    at, table, body = 52 + 32 * len(segments), b"", b""
    for address, data in segments:
        table += struct.pack("<8I", 1, at, address, address, len(data), len(data), 5, 4)
        at, body = at + len(data), body + data
    return head + table + body


def record(kind, address, data):
    line = bytes([len(data), address >> 8, address & 255, kind]) + data
    return ":" + (line + bytes([-sum(line) & 255])).hex().upper() + "\n"


put("flash_image", "elf", elf([(0x08000000, b"code" * 9), (0x08002000, b"data" * 5)]))
put("flash_image", "elf secure", elf([(0x0C000000, b"code" * 9)]))
# Twenty headers that load the same two thousand bytes: far more than the file has.
shared = elf([(0x08000000 + 0x2000 * n, b"") for n in range(20)])
for n in range(20):
    at = 52 + 32 * n
    shared = shared[:at + 4] + struct.pack("<I", 52 + 32 * 20) + shared[at + 8:at + 16] + struct.pack("<I", 2000) + shared[at + 20:]
put("flash_image", "elf shared", shared + bytes(2000))
put("flash_image", "hex", (record(4, 0, b"\x08\0") + record(0, 0x10, bytes(range(16))) + record(2, 0, b"\x10\0") + record(0, 0, b"xy")
    + record(5, 0, b"\x08\0\1\1") + record(1, 0, b"")).encode())
put("flash_image", "plain", bytes(range(64)))
PYTHON
