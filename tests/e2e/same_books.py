#!/usr/bin/python3
"""Are the books of a recording those of the market that was served?

    same_books.py REFERENCE RECORDED        two files of `tapedeck tape cat --json --levels 1000000`

Both are rebuilt with dictionaries. After every recorded book message the reference is brought to the same update (its id; where a
venue has none, its stamp): every level recorded must be the venue's, and every EVERY messages the best DEPTH levels of both sides must
be the same, so that none is missing; unless a GAP says that the recorded book is not to be trusted. A diff that does not follow the one before it, without a GAP between, is a hole that was not told.
Prints one line: "equal at N of M book messages, G gaps, T trades" or what is wrong; the exit code says which.
"""
import json
import sys

DEPTH = 100
EVERY = 25


def plain(text):
    """61800.20 and 61800.2 are one price: instruments may keep different decimals."""
    return text.rstrip("0").rstrip(".") if "." in text else text


class Book:
    def __init__(self):
        self.sides = [{}, {}]
        self.known = False

    def apply(self, message):
        if message["kind"] == "snapshot":
            self.sides = [{}, {}]
            self.known = True
        for side, name in enumerate(("bids", "asks")):
            for price, qty in message[name]:
                if float(qty) == 0:
                    self.sides[side].pop(plain(price), None)
                else:
                    self.sides[side][plain(price)] = plain(qty)

    def within(self, other):
        return all(side.items() <= of.items() for side, of in zip(self.sides, other.sides))

    def top(self):
        return [sorted(self.sides[side].items(), key=lambda level: float(level[0]), reverse=side == 0)[:DEPTH] for side in (0, 1)]


def messages(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def main():
    reference = [m for m in messages(sys.argv[1])]
    has_ids = any(m["kind"] == "delta" for m in reference)
    books_of = [m for m in reference if m["kind"] in ("snapshot", "delta")]
    trades_of = {m["seq"] for m in reference if m["kind"] == "trade"}
    by_stamp = {}
    for m in books_of:
        by_stamp.setdefault(m["exch_ts_ns"], []).append(m)
    truth, at = Book(), 0
    mine, stale, last, compared, seen, gaps, trades = Book(), True, None, 0, 0, 0, set()
    for m in messages(sys.argv[2]):
        if m["kind"] == "gap":
            stale, gaps = True, gaps + 1
        elif m["kind"] == "trade":
            if m["seq"] in trades:
                sys.exit(f"trade {m['seq']} is there twice")
            if m["seq"] not in trades_of:
                sys.exit(f"trade {m['seq']} never happened")
            trades.add(m["seq"])
        elif m["kind"] in ("snapshot", "delta"):
            seen += 1
            if m["kind"] == "snapshot":
                stale = False
            elif not stale and last is not None and m["seq_prev"] not in (0, last) and not (m["seq_first"] <= last + 1 <= m["seq"] + 1):
                sys.exit(f"message {m['message']}: {last} is not followed by {m['seq_prev']}, and no gap says so")
            mine.apply(m)
            last = m["seq"]
            if stale:
                continue
            if has_ids:
                while at < len(books_of) and (books_of[at]["seq"] <= m["seq"]):
                    truth.apply(books_of[at])
                    at += 1
                wanted = [truth]
            else:
                wanted = []
                early = [books_of[0]] if m["exch_ts_ns"] < books_of[0]["exch_ts_ns"] else []  # the venue opens with the first book
                for candidate in by_stamp.get(m["exch_ts_ns"], early):
                    book = Book()
                    book.apply(candidate)
                    wanted.append(book)
            thorough = compared % EVERY == 0
            if not any(mine.within(book) and (not thorough or mine.top() == book.top()) for book in wanted):
                sys.exit(f"message {m['message']}, update {m['seq']}: another book than the venue's")
            compared += 1
    if compared == 0:
        sys.exit(f"nothing could be compared: {seen} book messages, {gaps} gaps")
    print(f"equal at {compared} of {seen} book messages, {gaps} gaps, {len(trades)} trades")


main()
