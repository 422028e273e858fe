#!/usr/bin/env python3
"""Checks exports of punchd journals without any code of punchd: Python 3 and the openssl program, nothing else.
  verify.py FILE... --key KEY [--anchor FILE]     KEY: base64 of 32 bytes (publicKey in P/info), or a file with it
Prints a line for each file and exits with 0 (sound), 1 (`seq N: KIND`) or 65 (no export). README.md beside it has the rules."""
import argparse, base64, datetime, decimal, hashlib, itertools, json, os, pathlib, re, subprocess, sys, tempfile

MOST_BYTES, MOST_LEVELS, LEEWAY_MS, MOST_WAITING, ZEROS = 1 << 20, 64, 1000, 50_000, '0' * 64
HASH, SALT, SIG = (re.compile(p) for p in ('[0-9a-f]{64}', '[A-Za-z0-9+/]{21}[AQgw]==', '[A-Za-z0-9+/]{85}[AQgw]=='))
TIME = re.compile(r'([1-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])'
                  r'\.([0-9]{3})(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))')
OPENSSL = 'openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in message -sigfile sig'
ESCAPES = {'"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t'}
is_text = lambda pattern, value: isinstance(value, str) and pattern.fullmatch(value) is not None
is_number = lambda value: type(value) is float
without = lambda content, *keys: {key: value for key, value in content.items() if key not in keys}
class Bad(Exception): pass          # (number, kind)
class Line: seq = schema = hash = prev = None; type = 'unreadable'
# JSON as ECMAScript writes it (RFC 8785). All numbers are floats here, as they are there.
def number(x):
    if abs(x) == float('inf'): refuse('no number')
    if x <= 0: return '-' + number(-x) if x < 0 else '0'
    digits, exp = decimal.Decimal(repr(x)).as_tuple()[1:]
    n, text = len(digits) + exp, ''.join(map(str, digits)).rstrip('0')
    if 0 < n <= 21: return text.ljust(n, '0') if len(text) <= n else text[:n] + '.' + text[n:]
    if -6 < n <= 0: return '0.' + '0' * -n + text
    return text[0] + ('.' + text[1:] if len(text) > 1 else '') + 'e%+d' % (n - 1)
def quoted(text): return '"' + re.sub('["\\\\\x00-\x1f\ud800-\udfff]', lambda m: ESCAPES.get(m[0]) or '\\u%04x' % ord(m[0]), text) + '"'
def jcs(value):
    if value is None or isinstance(value, bool): return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (float, str)): return number(value) if isinstance(value, float) else quoted(value)
    if isinstance(value, list): return '[' + ','.join(map(jcs, value)) + ']'
    keys = sorted(value, key=lambda key: key.encode('utf-16-be', 'surrogatepass'))
    return '{' + ','.join(quoted(key) + ':' + jcs(value[key]) for key in keys) + '}'
def once_each(pairs): return dict(pairs) if len({key for key, _ in pairs}) == len(pairs) else refuse('a key twice')
def refuse(what): raise ValueError(what)
def is_shallow(value, levels):
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return members is None or levels > 0 and all(is_shallow(member, levels - 1) for member in members)
def parsed(raw):
    line = Line()
    if len(raw) > MOST_BYTES: return line
    try: content = json.loads(raw.decode('utf-8'), object_pairs_hook=once_each, parse_int=float, parse_constant=refuse)
    except (ValueError, RecursionError): return line
    if not isinstance(content, dict) or not is_shallow(content, MOST_LEVELS): return line
    line.content, line.schema, line.proof, seq = content, content.get('schema'), content.get('proof'), content.get('seq')
    is_record = isinstance(line.schema, str) and isinstance(line.proof, dict) and is_number(seq) and seq.is_integer() and 1 <= seq < 2**53
    line.type = 'summary' if line.schema == 'export/1' else 'record' if is_record else 'unreadable'
    if line.type != 'record': return line
    line.hash, line.prev = (v if is_text(HASH, v) else '' for v in (line.proof.get('hash'), line.proof.get('prevHash')))
    line.seq = int(seq); return line
def lines(file):
    with open(file, 'rb') as stream:
        while raw := stream.readline(MOST_BYTES + 2):
            rest = raw                              # of a line that is too long no more is kept than tells that it is
            while not rest.endswith(b'\n') and (rest := stream.readline(1 << 16)): pass
            raw = raw.removesuffix(b'\n')
            if raw.strip(b' \t\r') or len(raw) > MOST_BYTES: yield parsed(raw)
def is_content(r):
    if not r.hash or not r.prev: return False
    if r.schema == 'erased/1':
        commit = bytes.fromhex(r.proof['commit']) if is_text(HASH, r.proof.get('commit')) else b''
    else:
        if not is_text(SALT, r.proof.get('salt')): return False
        try: evidence = jcs(without(r.content, 'delivery', 'proof', *(['time'] if r.schema == 'punch/1' else [])))
        except ValueError: return False
        commit = hashlib.sha256(b'\0' + base64.b64decode(r.proof['salt']) + evidence.encode('utf-8')).digest()
    return commit != b'' and hashlib.sha256(b'\1' + bytes.fromhex(r.prev) + commit).hexdigest() == r.hash

class Key:
    def __init__(self, raw):
        self.folder, self.known = tempfile.TemporaryDirectory(), {}
        self.put('key', bytes.fromhex('302a300506032b6570032100') + raw)
    def put(self, name, data): pathlib.Path(self.folder.name, name).write_bytes(data)
    def signed(self, message, sig):
        if not is_text(SIG, sig): return False
        if len(self.known) > 100_000: self.known.clear()
        if (message, sig) not in self.known:
            self.put('message', message); self.put('sig', base64.b64decode(sig))
            self.known[message, sig] = subprocess.run(OPENSSL.split(), cwd=self.folder.name, capture_output=True).returncode == 0
        return self.known[message, sig]
    def record(self, r): return r.hash != '' and self.signed(b'punchd/record/1\n' + bytes.fromhex(r.hash), r.proof.get('sig'))
    def summary(self, x):
        try: return self.signed(b'punchd/export/1\n' + jcs(without(x.content, 'sig')).encode('utf-8'), x.content.get('sig'))
        except ValueError: return False

def instant(time):
    match = TIME.fullmatch(time) if isinstance(time, str) else None
    if not match: return None
    year, month, day, hour, minute, second, ms = map(int, match.groups()[:7])
    east = (int(match[9] or 0) * 60 + int(match[10] or 0)) * (-1 if match[8] == '-' else 1)
    days = datetime.date(year, month, 1).toordinal() - datetime.date(1970, 1, 1).toordinal() + day - 1
    return (((days * 24 + hour) * 60 + minute - east) * 60 + second) * 1000 + ms

class Verifier:
    def __init__(self, file, key, anchor):
        self.file, self.key, self.anchor = file, key, anchor
        self.waiting = {}                           # id of a punch whose time is another: (number, time, contradicts its clock)
        self.first = self.before = self.gap = self.summary = None; self.count = self.erased = self.last = 0
    def run(self):
        line = None
        try:
            for following in itertools.chain(lines(self.file), [None]):
                if line: self.take(line, following)
                line = following
            if not self.summary and not self.count: raise Bad(0, 'none')
            if not self.summary or (self.anchor and self.anchor['seq'] > self.last): raise Bad(self.last + 1, 'tail-missing')
            raise Bad(self.last, None)
        except Bad as bad:
            wrong = [(seq, 're-timed') for seq, _, contradicts in self.waiting.values() if contradicts]
            return wrong[0] if wrong and bad.args[1] != 'none' else bad.args
    def sound(self):
        first, head = (self.first.seq, self.before.hash) if self.first else (0, 'none')
        return f"ok: {self.count} record{'s' * (self.count != 1)} ({self.erased} erased), seq {first}-{self.last}, head {head}"
    def take(self, r, n):
        if r.type == 'unreadable' and not self.count and not self.summary: raise Bad(0, 'none')
        if self.summary: raise Bad(r.seq if r.type == 'record' else self.last + 1, 'inserted')
        if r.type == 'unreadable': raise Bad(self.last + 1, 'edited' if n else 'tail-missing')
        if r.type == 'summary': self.summary = r; return self.summarised(r)
        self.placed(r, n); self.genuine(r, n)
        before, self.first, self.before, self.last = self.last, self.first or r, r, r.seq
        self.count += 1; self.erased += r.schema == 'erased/1'
        if r.schema == 'punch/1': self.punch(r)
        if r.schema == 'correction/1': self.correction(r.content)
        if self.anchor and self.anchor['seq'] == r.seq and self.anchor['hash'] != r.hash: raise Bad(r.seq, 're-signed')
        if self.anchor and self.count > 1 and before < self.anchor['seq'] < r.seq: raise Bad(self.anchor['seq'], 'tail-missing')
    def punch(self, r):
        at, clock, name = instant(r.content.get('time')), r.content.get('clock'), r.content.get('id')
        if at is None: raise Bad(r.seq, 're-timed')
        if not isinstance(clock, dict) or not isinstance(name, str) or not is_number(clock.get('wall')): return
        bound = clock.get('errorMs')
        if abs(at - clock['wall']) > (bound if is_number(bound) else 0) + LEEWAY_MS: self.waiting[name] = (r.seq, at, is_number(bound))
        if len(self.waiting) > MOST_WAITING:
            seq, _, contradicts = self.waiting.pop(next(iter(self.waiting)))
            if contradicts: raise Bad(seq, 're-timed')
    def correction(self, c):
        seq, at, _ = self.waiting.get(c.get('of') if isinstance(c.get('of'), str) else None, (0, 0, 0))
        if not seq or not c.keys() & {'time', 'earliest', 'latest'}: return
        time, first, last = (instant(c.get(key)) for key in ('time', 'earliest', 'latest'))
        if time is not None: fits = abs(at - time) <= (2 * c['errorMs'] if is_number(c.get('errorMs')) else 0) + LEEWAY_MS
        else: fits = None not in (first, last) and first - LEEWAY_MS <= at <= last + LEEWAY_MS
        if not fits: raise Bad(seq, 're-timed')
        del self.waiting[c['of']]
    def ours(self, r): return is_content(r) and self.key.record(r)
    def find(self, wanted): return any(wanted(line) for line in lines(self.file))
    def begins_after(self, r):
        later = lambda start: is_number(start) and start > r.seq
        return self.find(lambda x: x.type == 'summary' and later(x.content.get('from')) and self.key.summary(x))
    def placed(self, r, n):
        b = self.before
        rivals = lambda: not (r.hash and n.prev == r.hash) if n.seq == r.seq else n.prev == r.prev and r.prev not in (ZEROS, '')
        is_extra = n and n.type == 'summary' and b and n.content.get('head') == b.hash
        if is_extra or n and n.type == 'record' and rivals(): raise Bad(r.seq, 'inserted')
        if not b or r.seq == b.seq + 1: return
        expected, fits = b.seq + 1, lambda x: x.prev == b.hash
        if fits(r) and (r.schema == 'erased/1' or not is_content(r)): raise Bad(expected, 'edited')
        if r.seq < expected:
            raise Bad(r.seq, 'reordered' if r.seq < self.first.seq and self.ours(r) and not self.begins_after(r) else 'inserted')
        begins_between = lambda x: x.type == 'record' and x.prev == ZEROS and b.seq < x.seq < r.seq and self.ours(x)
        if self.find(lambda x: x.seq == expected and fits(x) or begins_between(x)):
            is_moved = self.ours(r) and sum(x.hash == r.hash for x in lines(self.file)) == 1
            raise Bad(*(expected, 'reordered') if is_moved else (r.seq, 'inserted'))
        if r.prev == ZEROS and not self.ours(r): return
        last = d.get('lastSeq') if isinstance(d := r.content.get('detail'), dict) else None
        if r.prev != ZEROS or is_number(last) and last > b.seq: raise Bad(expected, 'deleted')
        self.gap = self.gap or expected
    def genuine(self, r, n):
        foreign = lambda: not self.before and self.begins_after(r)
        if not is_content(r): raise Bad(r.seq, 'inserted' if foreign() else 'edited')
        if self.before and r.prev not in (self.before.hash, ZEROS): raise Bad(r.seq, 'inserted')
        if self.key.record(r): return
        if foreign(): raise Bad(r.seq, 'inserted')
        leads = not n or n.type == 'unreadable' or (n.content.get('head') if n.type == 'summary' else n.prev) in (r.hash, ZEROS)
        raise Bad(r.seq, 're-signed' if leads else 'edited')
    def summarised(self, x):
        wrong = self.contradiction(*map(x.content.get, ('from', 'to', 'count', 'head')))
        if wrong or not self.key.summary(x): raise Bad(*wrong if self.key.summary(x) else (self.last, 'edited' if wrong else 're-signed'))
    def contradiction(self, start, to, count, head):
        first, last = (self.first.seq, self.last) if self.first else (None, None)
        if is_number(to) and to > self.last: return self.last + 1, 'tail-missing'
        if is_number(start) and first and start < first: return int(start), 'deleted'
        if is_number(to) and last and to < last: return int(to) + 1, 'inserted'
        if is_number(start) and first and start > first: return first, 'inserted'
        if is_number(count) and count > self.count: return self.gap or first or 0, 'deleted'
        same = is_number(count) and (start, to, count, head) == (first, last, self.count, self.first and self.before.hash)
        return None if same and start is not True is not to else (self.last, 'edited')

def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('files', nargs='+', metavar='FILE'); args.add_argument('--key', required=True); args.add_argument('--anchor')
    options, worst = args.parse_args(), 0
    key = Key(base64.b64decode(open(options.key).read() if os.path.exists(options.key) else options.key))
    anchor = json.load(open(options.anchor)) if options.anchor else None
    for file in options.files:
        seq, kind = (v := Verifier(file, key, anchor)).run()
        if kind == 'none': print(f'punchd: {file}:1 is no record of an export', file=sys.stderr, flush=True)
        else: print(f'seq {seq}: {kind}' if kind else v.sound(), flush=True)
        worst = max(worst, {None: 0, 'none': 65}.get(kind, 1))
    sys.exit(worst)
main()
