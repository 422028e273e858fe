"""The storage classes of the ThingsBoard gateway, unchanged, between a producer and a sender.

usage: thingsboard.py CHECKOUT TYPE FOLDER PORT TOPIC REST

The sender has the shape of the gateway's `__read_data_from_storage`: while connected it takes a pack, publishes it,
waits for every acknowledgement, and only then says that the pack is done. It speaks MQTT itself, so that nothing but
Python and the checkout is needed: times of reconnecting are ours, not theirs. One message per punch; the gateway
itself would put the pack of a device into one message.
"""
import json
import logging
import os
import socket
import struct
import sys
import threading
import time
import types

CHECKOUT, KIND, FOLDER, PORT, TOPIC, REST = sys.argv[1:7]
RECONNECT_S = 1.0
EMPTY_S = 0.05
PUT_TRIES = 5
ACKNOWLEDGED_S = 10.0

sys.path.insert(0, CHECKOUT)
# The file storage asks for two packages for what Python can do itself.
for name, stand_in in (("pybase64", "base64"), ("simplejson", "json")):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = __import__(stand_in)


def shipped():
    """The storage section of the configuration that the gateway is delivered with."""
    with open(os.path.join(CHECKOUT, "thingsboard_gateway/config/tb_gateway.json"), encoding="utf-8") as file:
        section = json.load(file)["storage"]
    return {**section, "type": KIND, "data_file_path": FOLDER, "data_folder_path": FOLDER}


def open_storage():
    if KIND == "memory":
        from thingsboard_gateway.storage.memory.memory_event_storage import MemoryEventStorage as Storage
    elif KIND == "sqlite":
        from thingsboard_gateway.storage.sqlite.sqlite_event_storage import SQLiteEventStorage as Storage
    else:
        from thingsboard_gateway.storage.file.file_event_storage import FileEventStorage as Storage
    log = logging.getLogger("storage")
    log.addHandler(logging.StreamHandler(sys.stderr))
    log.setLevel(logging.ERROR)
    log.trace = types.MethodType(lambda *_args, **_more: None, log)
    return Storage(shipped(), log, threading.Event())


def packet(kind, body):
    length, size = b"", len(body)
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | 0x80 if size else digit])
        if not size:
            return bytes([kind]) + length + body


def text(value):
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded


class Sender:
    """MQTT 3.1.1, QoS 1, one pack at a time."""

    def __init__(self):
        self.socket = None
        self.buffer = b""
        self.number = 0

    def connect(self):
        try:
            self.socket = socket.create_connection(("127.0.0.1", int(PORT)), 5)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.settimeout(ACKNOWLEDGED_S)
            self.buffer = b""
            # Session kept, no keep-alive.
            self.socket.sendall(packet(0x10, text("MQTT") + bytes([4, 0, 0, 0]) + text("peers-thingsboard")))
            return self.take(4)[0] == 0x20
        except OSError:
            self.socket = None
            return False

    def take(self, count):
        while len(self.buffer) < count:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def alive(self):
        """An idle connection that was closed is seen before a pack is read."""
        if self.socket is None:
            return False
        try:
            self.socket.setblocking(False)
            closed = self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            closed = False
        except OSError:
            closed = True
        if closed:
            self.socket = None
            return False
        self.socket.settimeout(ACKNOWLEDGED_S)
        return True

    def send(self, pack):
        """True when every message of the pack was acknowledged."""
        try:
            waiting = set()
            for body in pack:
                self.number = self.number % 65535 + 1
                waiting.add(self.number)
                self.socket.sendall(packet(0x32, text(TOPIC) + struct.pack(">H", self.number) + body.encode()))
            while waiting:
                # PUBACK has four bytes in MQTT 3.1.1, and nothing else comes to who has not subscribed.
                waiting.discard(struct.unpack(">H", self.take(4)[2:])[0])
            return True
        except OSError:
            self.socket = None
            return False


def send_for_ever(storage):
    sender = Sender()
    while True:
        if not sender.alive() and not sender.connect():
            time.sleep(RECONNECT_S)
            continue
        pack = storage.get_event_pack()
        if not pack:
            time.sleep(EMPTY_S)
        elif sender.send(pack):
            storage.event_pack_processing_done()


def put(storage, body):
    """As the gateway does it: it tries again for a while, then the punch is gone."""
    for attempt in range(PUT_TRIES):
        if attempt:
            time.sleep(0.1)
        if storage.put(body):
            return True
    return False


def main():
    os.makedirs(FOLDER, exist_ok=True)
    storage = open_storage()
    threading.Thread(target=send_for_ever, args=(storage,), daemon=True).start()
    print("ready", flush=True)
    for line in sys.stdin:
        _, start, count = line.split()
        for number in range(int(start), int(start) + int(count)):
            if put(storage, '{"n":%d%s' % (number, REST)):
                sys.stdout.write("%d\n" % number)
        print("done", start, flush=True)


main()
