#!/usr/bin/env python3
"""Takes the figures that provost's tables are held against out of ST's CMSIS headers: offsets, bit positions, addresses and sizes.

    git clone --branch v1.6.0 https://github.com/STMicroelectronics/cmsis-device-h5
    ./from_headers.py cmsis-device-h5/Include > cmsis_device_h5.csv

Only figures are written; the headers themselves are not part of this repository. The offsets are counted along the structure,
not read from its comments.
"""

import re
import sys
from pathlib import Path

# DEV_ID stands in no CMSIS header: AN2606, device-dependent bootloader parameters (Product ID).
DEV_IDS = {
    "STM32H503": 0x474, "STM32H523": 0x478, "STM32H533": 0x478, "STM32H562": 0x484, "STM32H563": 0x484,
    "STM32H573": 0x484, "STM32H5E4": 0x47A, "STM32H5E5": 0x47A, "STM32H5F4": 0x47A, "STM32H5F5": 0x47A,
}
ADDRESSES = ["UID_BASE", "FLASHSIZE_BASE", "FLASH_OTP_BASE", "FLASH_OBK_BASE_NS", "FLASH_OBK_BASE_S", "DBGMCU_BASE", "RSSLIB_PFUNC_BASE"]
MEMORIES = ["SRAM1", "SRAM2", "SRAM3", "SRAM4", "SRAM5", "BKPSRAM"]
CRYPTO = "SAES_BASE_NS"


def defines(text):
    found = {}
    for name, value in re.findall(r"^#define\s+(\w+)\s+(.*?)\s*(?:/\*.*)?$", text, re.M):
        found.setdefault(name, value)
    return found


def number(expression, found, depth=0):
    """A literal, a name, a sum, a shift or a mask of them."""
    if depth > 8:
        raise ValueError(expression)
    names = set(re.findall(r"\b[A-Za-z_]\w*\b", expression))
    plain = re.sub(r"\b(0[xX][0-9a-fA-F]+|\d+)[UuLl]+\b", r"\1", expression.replace("uint32_t", ""))
    names.discard("uint32_t")
    plain = plain.replace("()", "")
    for name in names:
        plain = re.sub(rf"\b{name}\b", str(number(found[name], found, depth + 1)), plain)
    if not re.fullmatch(r"[0-9a-fA-FxX\s()+<>|&-]+", plain):
        raise ValueError(expression)
    return eval(plain, {"__builtins__": {}})  # digits and operators only, checked above


def members(text, name):
    """Offset of every member of a structure of 32-bit registers."""
    body = re.search(r"typedef struct\s*\{((?:(?!typedef).)*?)\}\s*" + name + ";", text, re.S).group(1)
    offset, found = 0, {}
    for kind, member, count in re.findall(r"^\s*(?:__IO|__I|__O)?\s*(uint\w+)\s+(\w+)(?:\[(\w+)\])?;", body, re.M):
        if kind != "uint32_t":
            raise ValueError(f"{name}.{member}: {kind}")
        found[member] = offset
        offset += 4 * int((count or "1").rstrip("Uu"), 0)
    return found


def fields(register, found):
    """Bit fields of an option register, by the definition that serves it: WRP1R and WRP11R share those of WRPR."""
    bare = re.sub(r"^(NS|SEC)(?=BOOT|EPOCH)", "", register)
    for prefix in dict.fromkeys([register, bare, re.sub(r"\d+(?=R$)", "", bare)]):
        names = [n[: -len("_Pos")] for n in found if re.fullmatch(rf"FLASH_{prefix}_\w+_Pos", n)]
        if names:
            for name in names:
                mask = number(found[name + "_Msk"], found)
                yield name.removeprefix(f"FLASH_{prefix}_"), mask
            return
    # OTPBLR has no bit definitions: one bit a block, all 32.
    yield "LOCKBL", 0xFFFFFFFF


def main(folder):
    system = (folder / "stm32h5xx.h").read_text(encoding="latin-1")
    version = [re.search(rf"STM32H5_CMSIS_VERSION_{part}\s+\((0x\w+)U\)", system).group(1) for part in ("MAIN", "SUB1", "SUB2")]
    version = ".".join(str(int(v, 16)) for v in version)
    print(f"# Made by from_headers.py from cmsis-device-h5 v{version}: stm32h5xx.h and one header a part. DEV_ID: AN2606.")
    print("part,kind,name,first,second,third,fourth")
    for part, dev_id in DEV_IDS.items():
        text = (folder / f"{part.lower()}xx.h").read_text(encoding="latin-1")
        found = defines(text)
        row = lambda *cells: print(",".join([part, *cells]))
        row("dev_id", "DEV_ID", f"{dev_id:#x}", "", "", "")
        row("crypto", "SAES", "1" if CRYPTO in found else "0", "", "", "")
        row("flash", "FLASH_SIZE_DEFAULT", f"{number(found['FLASH_SIZE_DEFAULT'], found):#x}", found["FLASH_SECTOR_NB"].strip("()U"), "", "")
        for memory in MEMORIES:
            # Newer headers call the base of the non-secure alias _NS; a part without TrustZone has one alias.
            base = found.get(f"{memory}_BASE_NS") or found.get(f"{memory}_BASE")
            if base and f"{memory}_SIZE" in found:
                row("memory", memory, f"{number(base, found):#x}", f"{number(found[memory + '_SIZE'], found):#x}", "", "")
        for name in ADDRESSES:
            if name in found:
                row("address", name, f"{number(found[name], found):#x}", "", "", "")
        flash = members(text, "FLASH_TypeDef")
        for register in [m[: -len("_CUR")] for m in flash if m.endswith("_CUR")]:
            current, program = flash[f"{register}_CUR"], flash[f"{register}_PRG"]
            for name, mask in fields(register, found):
                low = (mask & -mask).bit_length() - 1
                high = mask.bit_length() - 1
                if mask != (1 << high + 1) - (1 << low):
                    raise ValueError(f"{part} {name}: {mask:#x} has a hole")
                row("field", f"{register}.{name}", f"{current:#x}", f"{program:#x}", str(high), str(low))


main(Path(sys.argv[1]))
