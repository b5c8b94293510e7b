#!/usr/bin/python3
"""A stranger that follows the mock exchange, with a WebSocket library of its own and the rules of the venues' pages.

    mock_follow.py READY.json TAPE.json KIND     KIND: book, trades
    mock_follow.py READY.json - follow N         N market messages of every stream that the venue has
    mock_follow.py READY.json - many N           N connections hear one stream, and the same of it
    mock_follow.py READY.json - idle SECONDS     a connection that asks for much and reads nothing
    mock_follow.py READY.json - wait SECONDS     a connection without subscriptions lives so long, and answers

book: one market is followed from its snapshot, and after every message the book is compared with that of the tape at the
same message (TAPE.json: `tapedeck tape cat --json` of one instrument). Prints one line: what was seen, or what is wrong.
"""
import asyncio
import json
import os
import ssl
import sys
import urllib.request
from decimal import Decimal

import websockets


def number(text):
    return Decimal(text).normalize()


def apply(book, side, levels):
    for price, qty in levels:
        if number(qty) == 0:
            book[side].pop(number(price), None)
        else:
            book[side][number(price)] = number(qty)


def fresh(bids, asks):
    book = {"b": {}, "a": {}}
    apply(book, "b", bids)
    apply(book, "a", asks)
    return book


class Follower:
    def __init__(self, ready):
        self.ready = json.load(open(ready))
        self.context = ssl.create_default_context(cafile=self.ready["ca"])
        self.venue = self.ready["venue"]

    def get(self, path):
        with urllib.request.urlopen(self.ready["rest"] + path, context=self.context, timeout=20) as answer:
            return json.loads(answer.read())

    def connect(self, name, path):
        return websockets.connect(self.ready[name] + path, ssl=self.context, max_size=None, max_queue=None,
                                  ping_interval=None)


def tape_lines(path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)


async def book_binance(follower, tape, symbol):
    spot = follower.venue == "binance-spot"
    prefix = "/api/v3" if spot else "/dapi/v1" if follower.venue == "binance-coinm" else "/fapi/v1"
    name, path = ("public", "/ws") if follower.venue == "binance-usdm" else ("stream", "/ws")
    snapshot = follower.get(f"{prefix}/depth?symbol={symbol}&limit={5000 if spot else 1000}")
    last = snapshot["lastUpdateId"]
    book = fresh(snapshot["bids"], snapshot["asks"])
    changes = (line for line in tape_lines(tape) if line["kind"] in ("snapshot", "delta"))
    first = next(changes)
    wanted = fresh(first["bids"], first["asks"])
    # A request shows as many levels as were asked for; the tape may know more.
    for side, best in (("b", True), ("a", False)):
        top = dict(sorted(wanted[side].items(), reverse=best)[:len(book[side])])
        if top != book[side]:
            return "the first book is not that of the tape"
    book = {"b": dict(wanted["b"]), "a": dict(wanted["a"])}
    count, previous = 0, None
    expected = [line for line in changes]
    async with follower.connect(name, path) as socket:
        await socket.send(json.dumps({"method": "SUBSCRIBE", "params": [f"{symbol.lower()}@depth@100ms"], "id": 1}))
        while count < len(expected):
            message = json.loads(await asyncio.wait_for(socket.recv(), 30))
            if "e" not in message:
                continue
            if spot:
                if previous is None and not message["U"] <= last + 1 <= message["u"] + 1:
                    return f"the first diff {message['U']}..{message['u']} does not meet the snapshot {last}"
                if previous is not None and message["U"] != previous + 1:
                    return f"U {message['U']} after u {previous}"
            else:
                # The page's rule, or the diff right behind the snapshot: what a market that stood still says first.
                if previous is None and not message["U"] <= last <= message["u"] and message["pu"] != last:
                    return f"the first diff {message['U']}..{message['u']} does not meet the snapshot {last}"
                if previous is not None and message["pu"] != previous:
                    return f"pu {message['pu']} after u {previous}"
            previous = message["u"]
            apply(book, "b", message["b"])
            apply(book, "a", message["a"])
            line = expected[count]
            if line["kind"] == "snapshot":
                wanted = fresh(line["bids"], line["asks"])
            else:
                apply(wanted, "b", line["bids"])
                apply(wanted, "a", line["asks"])
            if line["seq"] != message["u"]:
                return f"message {count}: u {message['u']}, on the tape {line['seq']}"
            if book != wanted:
                return f"message {count}: the book is not that of the tape"
            count += 1
    return f"equal at {count} messages"


async def book_upbit(follower, tape, symbol):
    expected = [line for line in tape_lines(tape) if line["kind"] == "snapshot"]
    count = 0
    async with follower.connect("stream", "") as socket:
        await socket.send(json.dumps([{"ticket": "t"}, {"type": "orderbook", "codes": [symbol]}]))
        while count < len(expected):
            message = json.loads(await asyncio.wait_for(socket.recv(), 30), parse_float=str, parse_int=str)
            if "error" in message:
                return str(message)
            book = {"b": {}, "a": {}}
            for unit in message["orderbook_units"]:
                for side, word in (("b", "bid"), ("a", "ask")):
                    if number(unit[word + "_size"]) != 0:
                        apply(book, side, [(unit[word + "_price"], unit[word + "_size"])])
            line = expected[count]
            if book != fresh(line["bids"], line["asks"]):
                return f"message {count}: the book is not that of the tape"
            count += 1
    return f"equal at {count} messages"


async def trades(follower, tape, symbol):
    expected = [line for line in tape_lines(tape) if line["kind"] == "trade"]
    upbit = follower.venue == "upbit"
    name = "market" if follower.venue == "binance-usdm" else "stream"
    count = 0
    async with follower.connect(name, "" if upbit else "/ws") as socket:
        if upbit:
            await socket.send(json.dumps([{"ticket": "t"}, {"type": "trade", "codes": [symbol],
                                                            "is_only_realtime": True}, {"format": "SIMPLE"}]))
        else:
            await socket.send(json.dumps({"method": "SUBSCRIBE", "params": [f"{symbol.lower()}@trade"], "id": 1}))
        while count < len(expected):
            message = json.loads(await asyncio.wait_for(socket.recv(), 30), parse_float=str)
            if upbit:
                seen = (message["sid"], number(message["tp"]), number(message["tv"]), message["ab"] == "ASK")
            elif "e" in message:
                seen = (message["t"], number(message["p"]), number(message["q"]), message["m"])
            else:
                continue
            line = expected[count]
            wanted = (line["seq"], number(line["price"]), number(line["qty"]), line["side"] == "sell")
            if seen != wanted:
                return f"trade {count}: {seen}, on the tape {wanted}"
            count += 1
    return f"equal at {count} messages"


async def follow(follower, count):
    """As a trading program would begin: load markets, ask for a book, hear every stream of the first one."""
    symbol = follower.ready["symbols"].split(",")[0]
    lower = symbol.lower()
    seen = set()
    if follower.venue == "upbit":
        markets = [row["market"] for row in follower.get("/v1/market/all?is_details=true")]
        book = follower.get(f"/v1/orderbook?markets={symbol}")[0]["orderbook_units"]
        routes = [("stream", "", json.dumps([{"ticket": "t"}] + [
            {"type": kind, "codes": [symbol]} for kind in ("orderbook", "trade", "ticker", "candle.1s")]))]
    else:
        prefix = {"binance-spot": "/api/v3", "binance-usdm": "/fapi/v1", "binance-coinm": "/dapi/v1"}[follower.venue]
        markets = [row["symbol"] for row in follower.get(f"{prefix}/exchangeInfo")["symbols"]]
        book = follower.get(f"{prefix}/depth?symbol={symbol}&limit=5")["bids"]
        public = [f"{lower}@depth@100ms", f"{lower}@depth5@100ms", f"{lower}@bookTicker"]
        market = [f"{lower}@aggTrade", f"{lower}@kline_1m", f"{lower}@ticker"]
        if follower.venue == "binance-usdm":
            market.append(f"{lower}@markPrice@1s")
            routes = [("public", "/stream?streams=" + "/".join(public), None),
                      ("market", "/stream?streams=" + "/".join(market), None)]
        else:
            routes = [("stream", "/stream?streams=" + "/".join(public + market), None)]
    if symbol not in markets or not book:
        return "the market is not listed, or has no book"
    for name, path, request in routes:
        async with follower.connect(name, path) as socket:
            if request:
                await socket.send(request)
            for _ in range(count):
                message = json.loads(await asyncio.wait_for(socket.recv(), 30))
                seen.add(message.get("stream", message.get("type", "?")))
            await asyncio.wait_for(await socket.ping("are you there"), 10)
    return "heard " + " ".join(sorted(seen))


async def wait(follower, seconds):
    async with follower.connect("market" if follower.venue == "binance-usdm" else "stream",
                                "" if follower.venue == "upbit" else "/ws") as socket:
        try:
            await asyncio.wait_for(socket.recv(), seconds)
        except asyncio.TimeoutError:
            pass
        except websockets.ConnectionClosed as end:
            return f"closed {end.rcvd.code if end.rcvd else 'without a word'}"
        try:
            await asyncio.wait_for(await socket.ping("are you there"), 3)
        except asyncio.TimeoutError:
            print("no answer", flush=True)
            os._exit(0)  # a polite end would wait for an answer too
    return "alive"


async def many(follower, count):
    lower = follower.ready["symbols"].split(",")[0].lower()
    heard = {}

    async def one():
        async with follower.connect("public", f"/ws/{lower}@depth@100ms") as socket:
            for _ in range(20):
                text = await asyncio.wait_for(socket.recv(), 30)
                heard.setdefault(json.loads(text)["u"], []).append(text)

    await asyncio.gather(*(one() for _ in range(count)))
    if any(len(set(texts)) != 1 for texts in heard.values()):
        return "two clients heard different things"
    if max(len(texts) for texts in heard.values()) != count:
        return "nothing was heard by all"
    return f"{sum(len(texts) for texts in heard.values())} messages"


async def idle(follower, seconds):
    import socket as sockets
    lower = follower.ready["symbols"].split(",")[0].lower()
    raw = sockets.create_connection(("127.0.0.1", follower.ready["port"]))
    tls = follower.context.wrap_socket(raw, server_hostname="localhost")
    tls.sendall((f"GET /public/ws/{lower}@depth@100ms HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
    await asyncio.sleep(seconds)
    return "slept"


def main():
    follower = Follower(sys.argv[1])
    symbol = sys.argv[4] if len(sys.argv) > 4 else None
    if sys.argv[3] == "follow":
        print(asyncio.run(follow(follower, int(sys.argv[4]))))
    elif sys.argv[3] == "wait":
        print(asyncio.run(wait(follower, float(sys.argv[4]))))
    elif sys.argv[3] in ("many", "idle"):
        print(asyncio.run((many if sys.argv[3] == "many" else idle)(follower, int(sys.argv[4]))))
    elif sys.argv[3] == "trades":
        print(asyncio.run(trades(follower, sys.argv[2], symbol)))
    else:
        how = book_upbit if follower.venue == "upbit" else book_binance
        print(asyncio.run(how(follower, sys.argv[2], symbol)))


main()
