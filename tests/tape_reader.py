#!/usr/bin/python3
"""Reads a tape, from the description in data/TAPE.md and nothing else.

    tape_reader.py FILE                    every message as a line of JSON: numbers as stored, no rounding
    tape_reader.py FILE --against JSONL    compare with the output of `tapedeck tape cat FILE --json`

It shares no code with the program, so each checks the other. It is written to be read next to the page, section by
section, and not for speed. It needs python3-zstandard and python3-msgpack; the hashes are checked when the xxHash
library is there (libxxhash.so.0, from libxxhash0), and that is said when it is not.
"""
import argparse
import ctypes
import json
import struct
import sys

import msgpack
import zstandard

ZEROS = bytes(16)
INPUTS = ["up", "down", "text", "binary", "pong", "answer", "failed", "tick", "clock", "dropped", "command"]
OUTPUTS = ["order", "cancel", "amend", "log", "plot", "write", "request"]
KINDS = {1: "snapshot", 2: "delta", 3: "trade", 4: "bbo", 5: "l3_add", 6: "l3_modify", 7: "l3_cancel", 8: "l3_execute",
         9: "mark", 10: "candle", 11: "ticker", 12: "gap", 13: "connection_up", 14: "connection_down", 15: "execution",
         16: "balance", 17: "position", 18: "tick", 19: "parameter", 20: "signal", 21: "operator", 22: "output", 23: "checkpoint", 24: "wire"}
BOOK, TRADE, BBO, LEVEL3 = 0, 1, 2, 3
CLASS_OF = {1: BOOK, 2: BOOK, 3: TRADE, 4: BBO, 5: LEVEL3, 6: LEVEL3, 7: LEVEL3, 8: LEVEL3}
NO_INSTRUMENT = 65535


class Damaged(Exception):
    """The tape breaks a rule of the page."""


def expect(condition, words):
    if not condition:
        raise Damaged(words)


# ---- hashes: 16 bytes, canonical (big-endian) ----

class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def load_hash():
    try:
        function = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
    except (OSError, AttributeError):
        return None
    function.restype, function.argtypes = Hash128, [ctypes.c_char_p, ctypes.c_size_t]

    def xxh3_128(data):
        value = function(data, len(data))
        return struct.pack(">QQ", value.high, value.low)
    return xxh3_128


xxh3_128 = load_hash()


def expect_hash(data, wanted, words):
    if xxh3_128 is not None:
        expect(xxh3_128(data) == wanted, words)


# ---- section 2 and 3: seals, frames, trailer ----

class Seal:
    SIZE = 128

    def __init__(self, data, offset):
        expect(data[0:4] == struct.pack("<I", 0x184D2A5D) and data[8:16] == b"TAPEDECK", f"no seal at {offset}")
        (size, self.type, self.version, zero, self.stored, self.content, self.messages, self.levels, zero2, self.number,
         self.first_message, self.first_ts, self.last_ts) = struct.unpack("<I8xBBHIIIIIQQqq", data[4:72])
        self.before, self.frame_hash, self.hash = data[72:88], data[88:104], data[112:128]
        expect_hash(data[0:112], self.hash, f"seal at {offset}: wrong hash")
        expect(size == 120 and zero == 0 and zero2 == 0 and data[104:112] == bytes(8), f"seal at {offset}: odd fields")
        expect(self.version == 1, f"seal at {offset}: version {self.version}")
        expect(self.stored <= 1 << 28 and self.content <= 1 << 28, f"seal at {offset}: absurd size")


def frames(file):
    """(seal, content) of every whole frame. A tape that was not closed ends anywhere: what is whole is given."""
    offset, before, blocks, messages, levels, last_ts, first_ts = 0, ZEROS, 0, 0, 0, None, 0
    last_block_hash = None
    while True:
        head = file.read(Seal.SIZE)
        if head[0:4] == struct.pack("<I", 0x184D2A5E):
            break
        if len(head) < Seal.SIZE:
            return
        seal = Seal(head, offset)
        stored = file.read(seal.stored)
        if len(stored) < seal.stored:
            return
        expect_hash(stored, seal.frame_hash, f"frame at {offset}: wrong hash")
        expect(seal.before == before, f"frame at {offset}: the chain is broken")
        content = zstandard.ZstdDecompressor().decompress(stored, max_output_size=seal.content)
        expect(len(content) == seal.content, f"frame at {offset}: wrong size")
        expect((seal.type == 1) == (offset == 0), f"frame at {offset}: the header comes first, and once")
        if seal.type == 2:
            expect(seal.number == blocks and seal.first_message == messages, f"frame at {offset}: numbers have a hole")
            expect(last_ts is None or seal.first_ts >= last_ts, f"frame at {offset}: time falls")
            first_ts = seal.first_ts if last_ts is None else first_ts
            blocks, messages, levels, last_ts = blocks + 1, messages + seal.messages, levels + seal.levels, seal.last_ts
        if seal.type != 3:
            last_block_hash = seal.hash
        else:
            index_offset = offset
        yield seal, content
        before, offset = seal.hash, offset + Seal.SIZE + seal.stored

    trailer = head[:104]
    if len(trailer) < 104:
        return
    expect(trailer[4:16] == struct.pack("<I", 96) + b"TAPE-END" and seal.type == 3, "no trailer after the index")
    expect(len(head) == 104 and file.read(1) == b"", "something follows the trailer")
    expect_hash(trailer[0:88], trailer[88:104], "trailer: wrong hash")
    wanted = struct.pack("<QQQQqq", index_offset, blocks, messages, levels, first_ts, last_ts or 0)
    expect(trailer[16:64] == wanted, "trailer: its counts are not those of the blocks")
    expect(trailer[64:80] == last_block_hash, "trailer: its hash is not that of the last block")


# ---- section 6: streams ----

def read_part(data, at, count):
    """`count` numbers of at most 32 bits from data[at:]; and where they end."""
    controls = (count + 3) // 4
    expect(at + controls <= len(data), "stream: cut short")
    values, place = [], at + controls
    for i in range(controls * 4):
        size = (data[at + i // 4] >> (i % 4 * 2) & 3) + 1
        expect(place + size <= len(data), "stream: cut short")
        value = int.from_bytes(data[place:place + size], "little")
        place += size
        if i < count:
            values.append(value)
        else:
            expect(size == 1 and value == 0, "stream: odd filling")
    return values, place


def read_stream(data, count):
    """The numbers and the width."""
    if count == 0:
        expect(data == b"", "stream: not empty")
        return [], 0
    expect(len(data) > 0, "stream: empty")
    width = data[0]
    if width == 0:
        values, end = [0] * count, 1
    elif width == 1:
        values, end = read_part(data, 1, count)
    else:
        expect(width == 2, f"stream: width {width}")
        low, middle = read_part(data, 1, count)
        high, end = read_part(data, middle, count)
        values = [h << 32 | l for l, h in zip(low, high)]
    expect(end == len(data), "stream: bytes left over")
    return values, width


def unzigzag(x):
    return (x >> 1) ^ -(x & 1)


def signed(x, bits):
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


# ---- section 5: blocks ----

class Group:
    """The columns of one instrument and class; each message takes the next value of those that it has."""

    def __init__(self, fields, members):
        expect(len(fields) == 19, "group: not 19 fields")
        (self.cls, self.instrument, self.count, self.level_count, self.exch, self.seq, self.first, self.price_base,
         self.step, self.lot, self.plain) = fields[:11]
        has = {
            "E": sum(1 for kind, attributes in members if not attributes & 1),
            "S": sum(1 for kind, attributes in members if not attributes & 2),
            "F": sum(1 for kind, attributes in members if not attributes & 4),
            "P": sum(1 for kind, attributes in members if not attributes & (8 | 16)),
            "B": len(members) if self.cls == BOOK else 0,
            "A": len(members) if self.cls == BOOK else 0,
        }
        expect(len(members) == self.count, "group: wrong count of messages")
        self.columns = {}
        for i, name in enumerate("ESFPBA"):
            values, _ = read_stream(fields[11 + i], has[name])
            self.columns[name] = iter(values)
        self.levels = iter(self.read_levels(fields[17], fields[18]))

    def read_levels(self, prices, quantities):
        p, width = read_stream(prices, self.level_count)
        bits = 32 if width == 1 else 64
        levels, total = [], 0
        for x in p:
            total = signed(total + (x if self.plain else unzigzag(x)), bits)
            levels.append([signed(self.price_base + self.step * total, 64), 0])
        q, width = read_stream(quantities, self.level_count)
        bits = 32 if width == 1 else 64
        sums = [0, 0]
        for i, x in enumerate(q):
            if self.cls == BBO:
                sums[i % 2] = signed(sums[i % 2] + unzigzag(x), bits)
                x = sums[i % 2]
            levels[i][1] = signed(self.lot * x, 64)
        return levels

    def next(self, message, attributes, exch_unit):
        mask = (1 << 64) - 1
        column = self.columns
        if not attributes & 1:
            self.exch = signed(self.exch + unzigzag(next(column["E"])) * exch_unit, 64)
        message["exch_ts"] = 0 if attributes & 1 else self.exch
        before = self.seq
        if not attributes & 2:
            self.seq = (self.seq + unzigzag(next(column["S"])) + (1 if self.cls == TRADE else 0)) & mask
        message["seq"] = 0 if attributes & 2 else self.seq
        if attributes & 4:
            message["seq_first"] = 0
        else:
            base = before if self.cls == BOOK else self.first
            self.first = message["seq_first"] = (base + unzigzag(next(column["F"]))) & mask
        if attributes & 16:
            message["seq_prev"] = before
        elif attributes & 8:
            message["seq_prev"] = 0
        else:
            message["seq_prev"] = (before + unzigzag(next(column["P"]))) & mask
        if self.cls == BOOK:
            bids, asks = next(column["B"]), next(column["A"])
        else:
            bids, asks = 1, 1 if self.cls == BBO else 0
        message["bids"] = [next(self.levels) for _ in range(bids)]
        message["asks"] = [next(self.levels) for _ in range(asks)]

    def expect_empty(self):
        for name, column in [*self.columns.items(), ("levels", self.levels)]:
            expect(next(column, None) is None, f"group: column {name} has values left")


def read_block(seal, content):
    block = msgpack.unpackb(content, raw=False, strict_map_key=False)
    count, tags = block["messages"], block["tags"]
    expect(count == seal.messages and block["levels"] == seal.levels, "block: counts differ from the seal's")
    expect(block["ts"] == seal.first_ts, "block: first ts differs from the seal's")
    width = 1 if len(tags) <= 256 else 2
    expect(len(block["tag"]) == width * count, "block: wrong size of `tag`")
    which = [int.from_bytes(block["tag"][i * width:(i + 1) * width], "little") for i in range(count)]
    expect(all(i < len(tags) for i in which), "block: a tag that is not there")
    members = [[] for _ in block["groups"]]
    for i in which:
        kind, _, attributes, _, group = tags[i]
        if kind in CLASS_OF:
            members[group].append((kind, attributes))
    groups = [Group(fields, members[i]) for i, fields in enumerate(block["groups"])]
    expect(sum(group.level_count for group in groups) == block["levels"], "block: groups do not add up to its levels")
    deltas, _ = read_stream(block["ts_delta"], count)
    rests, _ = read_stream(block["ts_rest"], count)
    bodies = iter(block["bodies"])

    ts = block["ts"]
    for i, delta, rest in zip(which, deltas, rests):
        kind, flags, attributes, instrument, group = tags[i]
        step = signed(block["ts_unit"] * delta + unzigzag(rest), 64)
        expect(step >= 0, "block: time falls")
        ts += step
        message = {"ts": ts, "kind": KINDS[kind], "instrument": instrument, "flags": flags}
        if kind in CLASS_OF:
            expect(groups[group].cls == CLASS_OF[kind] and groups[group].instrument == instrument, "block: wrong group")
            groups[group].next(message, attributes, block["exch_unit"])
        else:
            body = next(bodies)
            message["exch_ts"], message["seq"], message["seq_first"], message["seq_prev"] = body[:4]
            message["body"] = body[4]
        yield message
    expect(ts == seal.last_ts, "block: last ts differs from the seal's")
    expect(next(bodies, None) is None, "block: bodies left over")
    for group in groups:
        group.expect_empty()


def read_tape(path):
    """Yields the header, then every message."""
    with open(path, "rb") as file:
        for seal, content in frames(file):
            if seal.type == 1:
                header = msgpack.unpackb(content, raw=False, strict_map_key=False)
                expect(header["format"] == "tapedeck tape" and header["version"] == 1, "header: another format")
                yield header
            elif seal.type == 2:
                yield from read_block(seal, content)


# ---- comparing with `tape cat --json` ----

def scaled(text, decimals):
    """Decimal text as an integer in units of 10^-decimals, exactly."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, rest = digits.partition(".")
    rest = rest.rstrip("0")
    if len(rest) > decimals:
        raise ValueError(f"{text} has more than {decimals} decimals")
    return sign * int(whole + rest.ljust(decimals, "0"))


def from_cat(line, instruments):
    """A line of the program's output in this reader's terms."""
    number = NO_INSTRUMENT
    for i, instrument in enumerate(instruments):
        if line.get("instrument") == instrument["symbol"] and line.get("venue") == instrument["venue"]:
            number = i
    message = {"ts": line["ts_ns"], "kind": line["kind"], "instrument": number, "flags": line["flags"],
               "exch_ts": line["exch_ts_ns"], "seq": line["seq"], "seq_first": line["seq_first"],
               "seq_prev": line["seq_prev"]}
    if number == NO_INSTRUMENT:
        return message
    price, qty = instruments[number]["price_decimals"], instruments[number]["qty_decimals"]
    if "side" in line:
        message["bids"], message["asks"] = [[scaled(line["price"], price), scaled(line["qty"], qty)]], []
    elif "bids" in line:
        for side in ("bids", "asks"):
            message[side] = [[scaled(p, price), scaled(q, qty)] for p, q in line[side]]
    return message


def shown(line, name):
    """A text as bytes: texts that are not UTF-8 are shown in hexadecimal."""
    return bytes.fromhex(line[name + "_hex"]) if name + "_hex" in line else line.get(name, "").encode()


def body_from_cat(kind, line, instruments, number):
    """The fields of a body as TAPE.md lists them, as far as `cat` shows them."""
    instrument = instruments[number] if number != NO_INSTRUMENT else {"price_decimals": 0, "qty_decimals": 0}
    price, qty = instrument["price_decimals"], instrument["qty_decimals"]
    if kind in ("gap", "parameter", "operator"):
        return [line["text"]] if "text" in line else []
    if kind == "mark":
        return [scaled(line["mark"], price), scaled(line.get("index", "0"), price), scaled(line["funding_rate"], 12)]
    if kind == "candle":
        return [scaled(line[name], price) for name in ("open", "high", "low", "close")] + [
            scaled(line["volume"], qty), scaled(line["quote_volume"], price + qty), line["closed"]]
    if kind == "ticker":
        return [scaled(line["last"], price), scaled(line["last_qty"], qty), scaled(line["open_24h"], price),
                scaled(line["high_24h"], price), scaled(line["low_24h"], price), scaled(line["volume_24h"], qty)]
    if kind == "execution":
        return [line["order"], line["venue_order"], line["trade"], scaled(line["price"], price),
                scaled(line["qty"], qty), scaled(line["leaves"], qty)]
    if kind in ("balance", "position"):
        return [line["currency"], scaled(line["total"], 18), scaled(line["locked"], 18)]
    if kind == "signal":
        return [line["name"], scaled(line["value"], 9)]
    if kind == "output":
        return [OUTPUTS.index(line["what"])] + (
            [line["order"], scaled(line["price"], price), scaled(line["qty"], qty)] if "order" in line else [0, line["text"]])
    if kind == "wire":
        return [INPUTS.index(line["what"]), line["link"], line["conn"], line.get("status", 0), line.get("id", 0),
                line.get("value", 0), shown(line, "head"), shown(line, "text")]
    if kind == "checkpoint":
        return [line["inputs"], line["executions"], line["orders"], line["fills"], line["market"], line["outputs"]]
    return []


def body_shown(kind, body):
    """The same fields of our own body, numbers in text as numbers."""
    if kind == "wire":
        return body
    number = [int(x) if isinstance(x, str) and x.lstrip("-").isdigit() else x for x in body]
    if kind == "mark":
        return number[0:3]
    if kind == "candle":
        return number[2:9]
    if kind == "execution":
        return number[1:4] + number[5:8]
    if kind == "output":
        return number[0:4] if number[1] else [number[0], 0, body[6]]
    if kind == "checkpoint":
        return number[0:4] + [f"{body[5]:016x}{body[4]:016x}", f"{body[7]:016x}{body[6]:016x}"]
    if kind in ("balance", "position", "signal"):
        return [body[0]] + number[1:] if body else []
    return body if kind in ("gap", "parameter", "operator") else number


def compare(path, against):
    tape = read_tape(path)
    instruments = next(tape)["instruments"]
    count = 0
    for line in against:
        theirs = json.loads(line)
        ours = next(tape, None)
        if ours is None:
            return f"message {count}: the reader has no more, the program has {line.strip()[:200]}"
        body = ours.pop("body", None)
        wanted = from_cat(theirs, instruments)
        if theirs["message"] != count or ours != wanted:
            return f"message {count}: reader {str(ours)[:400]}\n            program {str(wanted)[:400]}"
        if body:
            shown, wanted = body_shown(ours["kind"], body), body_from_cat(ours["kind"], theirs, instruments, ours["instrument"])
            if shown != wanted:
                return f"message {count}, body of a {ours['kind']}: reader {shown}, program {wanted}"
        count += 1
    if next(tape, None) is not None:
        return f"message {count}: the program has no more, the reader has"
    print(f"{count} messages agree" + ("" if xxh3_128 else "; hashes not checked: no libxxhash.so.0"))
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tape")
    parser.add_argument("--against", metavar="JSONL", help="output of `tapedeck tape cat --json`; - for stdin")
    options = parser.parse_args()
    try:
        if options.against is not None:
            with (sys.stdin if options.against == "-" else open(options.against, encoding="utf-8")) as lines:
                difference = compare(options.tape, lines)
            if difference is not None:
                print(f"{options.tape}: {difference}", file=sys.stderr)
                return 1
            return 0
        for message in read_tape(options.tape):
            print(json.dumps(message, default=lambda data: data.decode("utf-8", "backslashreplace")))
        return 0
    except (Damaged, zstandard.ZstdError, msgpack.exceptions.UnpackException, ValueError, KeyError) as fault:
        print(f"{options.tape}: {type(fault).__name__}: {fault}", file=sys.stderr)
        return 4
    except BrokenPipeError:
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
