"""Shapes of vocabularies, of every format."""

from __future__ import annotations

import base64
from collections.abc import Callable

from hostile_input.shapes.shape import CONFIG, MB, Shape, fill, number, varint


def _alone(name: str, data: bytes) -> dict[str, bytes]:
    return {"config.json": CONFIG, name: data}


def _tokenizer(name: str, make: Callable[[int], bytes], largest: int = 50 * MB) -> Shape:
    return Shape("tokenizer.json", name, lambda size: _alone("tokenizer.json", make(size)), largest)


_BPE = b'{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":['


def _entries(unit: bytes, most: int, start: bytes, end: bytes) -> Callable[[int], bytes]:
    """Fill with `most` entries at the largest, so that each is as long as the file allows."""

    def make(size: int) -> bytes:
        longest = max(1, size // most - len(unit % (b"", 0)) - 8)
        rows = min(most, size // (len(unit % (b"", 0)) + longest + 8))
        return start + b",".join(
            unit % (b"t%x" % at + b"e" * (longest - 6), at) for at in range(rows)
        ) + end  # fmt: skip

    return make


_VOCAB = b'{"model":{"type":"BPE","vocab":{'
TOKENIZERS = [
    _tokenizer("one merge", lambda size: fill(_BPE + b'["', b"a", b'","b"]]}}', size)),
    _tokenizer("one merge of escapes",
               lambda size: fill(_BPE + b'["', b"\\u0041", b'","b"]]}}', size)),
    _tokenizer("one merge of backslashes", lambda size: fill(_BPE + b'["', b"\\\\", b'","b"]]}}',
                                                             size)),
    _tokenizer("one merge line", lambda size: fill(_BPE + b'"', b"a", b' b"]}}', size)),
    _tokenizer("one merge line of escapes",
               lambda size: fill(_BPE + b'"', b"\\u0041", b' b"]}}', size)),
    _tokenizer("a merge without its end", lambda size: fill(_BPE + b'["', b"a", b"", size)),
    _tokenizer("blanks before a merge", lambda size: fill(_BPE, b" ", b'["a","b"]]}}', size)),
    _tokenizer("blanks in a merge", lambda size: fill(_BPE + b'["a"', b" ", b',"b"]]}}', size)),
    _tokenizer("escapes and plain in turn",
               lambda size: fill(_BPE + b'"a b","', b"\\u00e9" + b"a" * 400, b' b"]}}', size)),
    _tokenizer("600,000 merges",
               _entries(b'["%s","%x"]', 590_000, _BPE, b"]}}")),
    _tokenizer("600,000 merge lines", _entries(b'"%s %x"', 590_000, _BPE, b"]}}")),
    _tokenizer("600,000 merges of escapes",
               lambda size: number(_BPE, b'["\\u0041%x","b\\u00e9\\ud83d\\ude00"]', b"]}}", size,
                                   590_000)),
    _tokenizer("merges with blanks inside", lambda size: number(
        _BPE, b'["a %x","b c d e f g h i j k l m n o p q r s t u v w x y z a b c d e"]', b"]}}",
        size, 590_000)),
    _tokenizer("600,000 tokens", _entries(b'"%s":%d', 590_000, _VOCAB, b"}}}")),
    _tokenizer("600,000 tokens, wide", lambda size: number(
        _VOCAB, b'"\xf0\x9f\x98\x80%xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":%d', b"}}}",
        size, 590_000)),
    _tokenizer("600,000 tokens of escapes", lambda size: number(
        _VOCAB, b'"\\u0041\\u00e9\\ud83d\\ude00%x\\u2581\\u2581\\u2581\\u2581":%d', b"}}}", size,
        590_000)),
    _tokenizer("600,000 ids backwards", lambda size: _VOCAB + b",".join(
        b'"\\u0120%x":%d' % (at, 600_000 - at) for at in range(min(590_000, size // 24))) + b"}}}"),
    _tokenizer("one id for all", lambda size: number(_VOCAB, b'"%x":7', b"}}}", size, 590_000)),
    _tokenizer("one token", lambda size: fill(_VOCAB + b'"', b"a", b'":0}}}', size)),
    _tokenizer("one token of escapes", lambda size: fill(_VOCAB + b'"', b"\\u0041", b'":0}}}',
                                                         size)),
    _tokenizer("one wide token", lambda size: fill(_VOCAB + b'"\xf0\x9f\x98\x80', b"a", b'":0}}}',
                                                   size)),
    _tokenizer("one token again and again", lambda size: fill(
        _VOCAB, b'"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":0,', b'"a":0}}}', size)),
    _tokenizer("600,000 Unigram pieces", _entries(
        b'["%s",-%d.5]', 590_000, b'{"model":{"type":"Unigram","vocab":[', b"]}}")),
    _tokenizer("Unigram pieces by number", lambda size: number(
        b'{"model":{"type":"Unigram","vocab":[', b'["\xe2\x96\x81%x",-1.5]', b"]}}", size,
        590_000)),
    _tokenizer("Unigram pieces that are empty lists", lambda size: fill(
        b'{"model":{"type":"Unigram","vocab":[', b"[],", b"[]]}}", size)),
    _tokenizer("added tokens", lambda size: number(
        b'{"model":{"vocab":{"a":0}},"added_tokens":[', b'{"id":%d,"content":"<|%x|>"}', b"]}",
        size)),
    _tokenizer("empty added tokens", lambda size: fill(
        b'{"model":{"vocab":{"a":0}},"added_tokens":[', b'{"id":0,"content":""},',
        b'{"id":0,"content":"a"}]}', size)),
    _tokenizer("one added token of escapes", lambda size: fill(
        b'{"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":"', b"\\u0041", b'"}]}',
        size)),
    _tokenizer("added tokens, token and merges at once", lambda size: number(
        _VOCAB, b'"\xc4\xa0%x":%d', b'},"merges":[', size // 4, 590_000) + number(
        b"", b'"%x b"', b"]},", size // 4, 590_000) + number(
        b'"added_tokens":[', b'{"id":%d,"content":"<%x>"}', b"]}", size // 2)),
    _tokenizer("unknown fields", lambda size: number(b'{"model":{"vocab":{"a":0}},', b'"%x":{}',
                                                     b"}", size)),
    _tokenizer("an unknown list", lambda size: fill(
        b'{"model":{"vocab":{"a":0}},"x":[', b"[],", b"0]}", size)),
    _tokenizer("a normalizer", lambda size: fill(
        b'{"model":{"vocab":{"a":0}},"normalizer":[', b"[],", b"0]}", min(size, 4 * MB))),
    _tokenizer("three blocks", lambda size: b'{"model":{"vocab":{"a":0}},' + b",".join(
        fill(b'"%s":{"type":"Sequence","%s":[' % (key, inner), b'{"type":"a"},', b"0]}",
             min(size // 3, 4 * MB)) for key, inner in
        ((b"normalizer", b"normalizers"), (b"pre_tokenizer", b"pretokenizers"),
         (b"decoder", b"decoders"))) + b"}", 12 * MB),
    _tokenizer("nested", lambda size: b'{"model":{"vocab":{"a":0}},"x":' + b"[" * (size // 2)
               + b"]" * (size // 2) + b"}"),
    _tokenizer("blanks", lambda size: fill(b'{"model":{"vocab":{"a":0}}', b" \n", b"}", size)),
    _tokenizer("a scrap of model", lambda size: fill(
        b'{"model":{"vocab":{"a":0},"x":"', b"\\\\", b'"}}', size)),
]  # fmt: skip


def _plain(parser: str, file: str, name: str, make: Callable[[int], bytes],
           largest: int = 50 * MB, **more: bytes) -> Shape:  # fmt: skip
    extra = {key.replace("_", ".", 1): value for key, value in more.items()}
    return Shape(parser, name, lambda size: _alone(file, make(size)) | extra, largest)


def _piece(text: bytes, kind: int = 1, extra: bytes = b"") -> bytes:
    inner = b"\x0a" + varint(len(text)) + text + b"\x18" + varint(kind) + extra
    return b"\x0a" + varint(len(inner)) + inner


def _pieces(size: int, form: Callable[[int], bytes]) -> bytes:
    count = max(1, min(590_000, size // len(form(500_000))))
    return b"".join(form(at) for at in range(count))


def _spm(name: str, make: Callable[[int], bytes], largest: int = 50 * MB) -> Shape:
    return _plain("SentencePiece", "tokenizer.model", name, make, largest)


SENTENCEPIECE = [
    _spm("unknown fields", lambda size: fill(_piece(b"a"), b"x\x01", b"", size)),
    _spm("unknown fields of bytes", lambda size: fill(_piece(b"a"), b"z\x00", b"", size)),
    _spm("unknown fields of ten bytes", lambda size: fill(
        _piece(b"a"), b"\xf8\xff\xff\x7f" + b"\x80" * 8 + b"\x01", b"", size)),
    _spm("trainer fields", lambda size: _piece(b"a") + b"\x12" + varint(size // 2 * 2)
         + b"x\x01" * (size // 2)),
    _spm("a trainer again and again", lambda size: fill(_piece(b"a"), b"\x12\x02\x18\x01", b"",
                                                        size)),
    _spm("unknown fields in a piece", lambda size: b"\x0a" + varint(size // 2 * 2 + 3)
         + b"\x0a\x01a" + b"x\x01" * (size // 2)),
    _spm("scores in a piece", lambda size: b"\x0a" + varint(size // 5 * 5 + 3)
         + b"\x0a\x01a" + b"\x15\x00\x00\x00\x00" * (size // 5)),
    _spm("types in a piece", lambda size: b"\x0a" + varint(size // 2 * 2 + 3)
         + b"\x0a\x01a" + b"\x18\x01" * (size // 2)),
    _spm("texts in a piece", lambda size: b"\x0a" + varint(size // 3 * 3)
         + b"\x0a\x01a" * (size // 3)),
    _spm("one piece", lambda size: _piece(b"a" * size)),
    _spm("one wide piece", lambda size: _piece("\U0001f600".encode() + b"a" * size)),
    _spm("pieces in pieces", lambda size: b"".join(
        b"\x0a" + varint(size - 6 * at) for at in range(1000)) + bytes(size)),
    _spm("600,000 pieces", lambda size: _pieces(size, lambda at: _piece(
        b"\xe2\x96\x81%x" % at + b"e" * 62))),
    _spm("600,000 wide pieces", lambda size: _pieces(size, lambda at: _piece(
        b"\xf0\x9f\x98\x80%x" % at + b"e" * 60))),
    _spm("600,000 user-defined pieces", lambda size: _pieces(size, lambda at: _piece(
        b"%x" % at + b"e" * 60, 4))),
    _spm("600,000 control pieces with a score", lambda size: _pieces(size, lambda at: _piece(
        b"<%x>" % at, 3, b"\x15\x00\x00\x00\x00"))),
    _spm("pieces of unknown fields", lambda size: _pieces(size, lambda at: _piece(
        b"%x" % at, 1, b"x\x01" * 35))),
]  # fmt: skip


def _base64(at: int, length: int) -> bytes:
    return base64.b64encode(b"%x" % at + b"e" * length)


def _lines(size: int, form: Callable[[int], bytes]) -> bytes:
    count = max(1, min(590_000, size // len(form(500_000))))
    return b"".join(form(at) for at in range(count))


def _tiktoken(name: str, make: Callable[[int], bytes], largest: int = 50 * MB) -> Shape:
    return _plain("tiktoken", "x.tiktoken", name, make, largest)


TIKTOKEN = [
    _tiktoken("600,000 ranks", lambda size: _lines(
        size, lambda at: _base64(at, 50) + b" %d\n" % at)),
    _tiktoken("short ranks", lambda size: _lines(size, lambda at: _base64(at, 0) + b" %d\n" % at)),
    _tiktoken("one line", lambda size: b"YQ== 0\n" + b"YWFh" * (size // 4) + b" 1\n"),
    _tiktoken("one line that never ends", lambda size: b"YQ== 0\n" + b"YWFh" * (size // 4)),
    _tiktoken("blanks", lambda size: fill(b"YQ== 0\n", b" ", b"YQ== 1\n", size)),
    _tiktoken("empty lines", lambda size: fill(b"YQ== 0\n", b"\n", b"YQ== 1\n", size)),
    _tiktoken("words", lambda size: fill(b"YQ== 0\n", b"a ", b"0\n", size)),
    _tiktoken("empty tokens", lambda size: fill(b"YQ== 0\n", b"= 1\n", b"", size)),
    _tiktoken("one token again and again", lambda size: fill(b"", b"YQ== 0\n", b"", size)),
    _tiktoken("a rank's digits", lambda size: fill(b"YQ== 0\nYQ== ", b"7", b"\n", size)),
]  # fmt: skip


def _tekken(name: str, make: Callable[[int], bytes], largest: int = 50 * MB) -> Shape:
    return _plain("tekken", "tekken.json", name, make, largest)


_TEKKEN = b'{"config":{"default_vocab_size":590000,"default_num_special_tokens":10},"vocab":['
TEKKEN = [
    _tekken("600,000 ranks", lambda size: _TEKKEN + b",".join(
        b'{"rank":%d,"token_bytes":"%s"}' % (at, _base64(at, 25))
        for at in range(min(589_990, size // 78))) + b"]}"),
    _tekken("600,000 ranks with texts", lambda size: _TEKKEN + b",".join(
        b'{"rank":%d,"token_bytes":"%s","token_str":"%x"}' % (at, _base64(at, 3), at)
        for at in range(min(589_990, size // 70))) + b"]}"),
    _tekken("ranks not in use", lambda size: fill(
        _TEKKEN, b'{"rank":9999999,"token_bytes":"YQ=="},', b'{"rank":0,"token_bytes":"YQ=="}]}',
        size)),
    _tekken("one rank again and again", lambda size: fill(
        _TEKKEN, b'{"rank":1,"token_bytes":""},', b'{"rank":0,"token_bytes":"YQ=="}]}', size)),
    _tekken("one token", lambda size: fill(_TEKKEN + b'{"rank":0,"token_bytes":"', b"YWFh", b'"}]}',
                                           size)),
    _tekken("one token of escapes", lambda size: fill(
        _TEKKEN + b'{"rank":0,"token_bytes":"', b"\\u0041", b'"}]}', size)),
    _tekken("special tokens", lambda size: number(
        _TEKKEN + b'{"rank":0,"token_bytes":"YQ=="}],"special_tokens":[',
        b'{"rank":%d,"token_str":"<%x>"}', b"]}", size)),
    _tekken("one special token again and again", lambda size: fill(
        _TEKKEN + b'{"rank":0,"token_bytes":"YQ=="}],"special_tokens":[',
        b'{"rank":1,"token_str":""},', b'{"rank":1,"token_str":"a"}]}', size)),
    _tekken("a pattern", lambda size: fill(
        b'{"config":{"default_vocab_size":59,"default_num_special_tokens":10,"pattern":"',
        b"\\\\p{L}", b'"},"vocab":[{"rank":0,"token_bytes":"YQ=="}]}', size)),
    _tekken("unknown fields", lambda size: number(
        b'{"config":{"default_vocab_size":59,"default_num_special_tokens":10},'
        b'"vocab":[{"rank":0,"token_bytes":"YQ=="}],', b'"%x":[]', b"}", size)),
]  # fmt: skip

VOCABULARIES = [
    _plain("vocab.json", "vocab.json", "600,000 tokens", _entries(b'"%s":%d', 590_000, b"{", b"}")),
    _plain("vocab.json", "vocab.json", "one token of escapes",
           lambda size: fill(b'{"', b"\\u0041", b'":0}', size)),
    _plain("vocab.json", "vocab.json", "keys", lambda size: number(b"{", b'"%x":%d', b"}", size)),
    _plain("merges.txt", "merges.txt", "600,000 merges", lambda size: _lines(
        size, lambda at: b"%x " % at + b"e" * 70 + b"\n"), vocab_json=b'{"a":0,"b":1}'),
    _plain("merges.txt", "merges.txt", "empty lines", lambda size: fill(b"a b\n", b"\n", b"a b",
           size), vocab_json=b'{"a":0,"b":1}'),
    _plain("merges.txt", "merges.txt", "one line", lambda size: fill(b"a b\n", b"a", b" b\n",
           size), vocab_json=b'{"a":0,"b":1}'),
    _plain("merges.txt", "merges.txt", "wide", lambda size: fill("\U0001f600 b\n".encode(), b"a",
           b" b\n", size), vocab_json=b'{"a":0,"b":1}'),
    _plain("vocab.txt", "vocab.txt", "600,000 words", lambda size: _lines(
        size, lambda at: b"%x" % at + b"e" * 75 + b"\n")),
    _plain("vocab.txt", "vocab.txt", "letters", lambda size: fill(b"b\n", b"a\n", b"c", size)),
    _plain("vocab.txt", "vocab.txt", "empty lines", lambda size: fill(b"b\n", b"\n", b"c", size)),
    _plain("vocab.txt", "vocab.txt", "one wide line", lambda size: fill(
        "\U0001f600".encode(), b"a", b"\nb", size)),
    _plain("RWKV", "rwkv_vocab_v1.txt", "600,000 words", lambda size: _lines(
        size, lambda at: b"%d 'e%06x%s' 68\n" % (at, at, b"e" * 61))),
    _plain("RWKV", "rwkv_vocab_v1.txt", "600,000 literals", lambda size: _lines(
        size, lambda at: b"%d b'\\x65%06x' 7\n" % (at, at))),
    _plain("RWKV", "rwkv_vocab_v1.txt", "sums", lambda size: fill(b"0 'a' 1\n", b"1 " + b"-1+" * 900
           + b"'a' 1\n", b"2 'b' 1\n", size)),
    _plain("RWKV", "rwkv_vocab_v1.txt", "strings", lambda size: fill(b"0 'a' 1\n", b"1 "
           + b"'a'" * 900 + b" 900\n", b"2 'b' 1\n", size)),
    _plain("RWKV", "rwkv_vocab_v1.txt", "one line", lambda size: fill(b"0 'a' 1\n1 '", b"a",
           b"' 1\n", size)),
    _plain("RWKV", "rwkv_vocab_v1.txt", "empty lines", lambda size: fill(b"0 'a' 1\n", b"\n",
           b"1 'b' 1\n", size)),
]  # fmt: skip
