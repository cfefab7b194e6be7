"""URLs are read as another implementation of the URL Standard reads them: Node's, on a generated corpus."""
import collections
import json
import random
import shutil
import subprocess
from pathlib import Path

from harness import Skip, want

COUNT, SEED = 40_000, 20_260_821

SCHEMES = ["http:", "https:", "HTTP:", "hTTps:", "http", "ht\ttp:", " http:", "\x00https:", "ftp:", "ws:", "file:",
           "javascript:", "data:", "about:", "x-y.z+1:", "1http:", "http :", "h:", ""]
SLASHES = ["//"] * 6 + ["/", "", "///", "\\\\", "/\\", "\\/", "/\t/", "////"]
USERS = [""] * 12 + ["user@", "user:pass@", ":@", "@", ":p@", "a@b@", "%40@", "u%3Ap@", "@@", "a.test\\@", "a.test#@",
                     "a.test/@", "a.test?@"]
V4 = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.0x1", "0177.0.0.1", "017700000001",
      "00000177.1", "0x.0x.0x.0x", "0", "1.2.3.4.", "1.2.3.4..", "256.1.1.1", "1.256", "1.2.3.256", "4294967295",
      "4294967296", "0xffffffff", "0x100000000", "1.2.3.4.5", "1.2.3", "1..2", "08.1", "0x7g", "1e3", "-1", "+1",
      "127.0.0.1%20", "１２７.０.０.１", "①.②.③.④", "127。0。0。1", "%31%32%37.1", "0b1.1", "1_000", "0.0.0.0"]
V6 = ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::FFFF:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001::1]",
      "[fe80::1%25lo]", "[fe80::1%lo]", "[fe80::1]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::8]", "[1::8::1]",
      "[0:0:0:0:0:0:0:1]", "[1:0:0:2::]", "[::127.1]", "[::1.2.3.256]", "[::1.2.3.04]", "[::1", "::1", "[]", "[:]",
      "[12345::]", "[g::]", "[::1]x", "[v1.x]", "[::ffff:1.2.3.4.]", "[1:2:3:4:5:6:1.2.3.4]", "[0::0:0]", "[%3A%3A1]"]
NAMES = ["example.com", "EXAMPLE.com", "example.com.", "example.com..", ".example.com", "a..b", "localhost", "LocalHost.",
         "a.localhost", "xn--mnchen-3ya.de", "münchen.de", "MÜNCHEN.de", "xn--", "xn--a", "xn--zz--", "faß.de", "日本語.jp",
         "a\u3002b", "a\uff0eb", "a\uff61b", "\u00adexample.com", "exa\u00admple.com", "a\u200db.com", "\u2100.com",
         "ｅｘａｍｐｌｅ.com", "%65xample.com", "ex%61mple%2ecom", "a%00b", "a%20b", "a%2fb", "a%40b", "a%5cb", "a%25b", "a b",
         "a\tb.com", "a\nb.com", "a\x7fb", "a^b", "a|b", "a<b", "a>b", "a_b.com", "-a.com", "a-.com", "a~b", "a!b$c&d'e",
         "(a)", "*.a.com", "a,b;c=d", "a`b", "a{b}", 'a"b', "\u0301a.com", "א.com", "א1.com", "1א.com", "xn--4dbcagdahymbxekheh6e0a7fei0b.com",
         "a" * 63 + ".com", "a" * 64 + ".com", ("a" * 60 + ".") * 5 + "com", "☃.net", "💩.la", "xn--ls8h.la", "ß", "ς.gr",
         "\u212a.com", "ﬁ.com", "\ufdd0.com", "\U000e0041.com", "x.1", "x.0x1", "x.1.", "x.0xg", "x.09", "a.1a", "", ".", "..",
         "%", "%zz", "%4", "\ufffd", "%ff", "%c3%bc.de", "%C3%28.de", "a:b", "a@b", "a/b", "a?b", "a#b", "a\\b"]
PORTS = [""] * 10 + [":", ":80", ":443", ":8080", ":0", ":00080", ":65535", ":65536", ":99999", ":-1", ":+1", ":8a",
                     ":a", ": 80", ":8 0", ":8\t0", ":80:80", ":%38%30", ":８０", ":0x50", ":000000000000000000443"]
SEGMENTS = ["a", "b", "..", ".", "%2e", "%2E%2e", ".%2e", "%2e.", "...", "", "a b", "ä", "%C3%A4", "%", "%zz", "%00", "<x>",
            '"q"', "`", "{}", "|", "^", "'", ";x", "a:b", "@", "C:", "C|", "\t", "\n", "\\", "..\\", "a\\..\\b", "💩", "\ufffe",
            "%2f", "%5c", "..;", "~", "[", "]", "\x7f", "\x80", "\u2028", "+", "&", "="]
QUERIES = [""] * 8 + ["?", "?q", "?a=b&c=d", "?ä", "?'", '?"', "?#", "?<>", "? x", "?\\", "?/../", "??", "?%zz", "?💩", "?\tq", "?`{}|^"]
FRAGMENTS = [""] * 6 + ["#", "#f", "#a?b/..", "#ä", "# \t"]
BASES = ["http://example.com/a/b/c?q#f", "https://h.test:8443", "http://[::1]:90/x/", "https://e.test/a/../b/./c", "http://1.2.3.4/"]
RELATIVE = ["", "x", "/x", "//x.test/y", "///x", "../x", "../../../../x", "./x", "?x", "#x", "\\x", "\\\\x.test", "/\\x.test",
            "http:x", "http:/x", "https:x", "http:", "http:?x", "http:#x", "//", "//:80", "//@", " x ", "\tx", "x:y", "1:2",
            "C:/x", "..", ".", "..?x", "%2e%2e/x", "a/%2E./b", ";x", "mailto:a", "/..//x", "//[::1]", "//1.1", "/x:80", "@x"]
STRAY = list("\t\n\r \\/?#@:[]%.&") + ["\x00", "\x1f", "\u00a0", "\u3000", "\u200b", "\ufeff", "%0", "%09", "%2e", "。", "é", "xn--"]


def path(chance):
    if chance.random() < 0.2:
        return ""
    return "".join(chance.choice(["/"] * 5 + ["\\", "//"]) + chance.choice(SEGMENTS)
                   for _ in range(chance.randrange(1, 5)))


def spoiled(chance, url):
    """With a stray character somewhere, twice, dropped or doubled."""
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(url) + 1)
        cut = at + chance.randrange(2)
        url = url[:at] + chance.choice(STRAY + [""]) + url[cut:]
    return url


def corpus(count, seed):
    """[{"url", "base"?}]: each fragment once in a plain URL, then at random."""
    chance = random.Random(seed)
    plain = [f"http://{host}/" for host in V4 + V6 + NAMES]
    plain += [f"http://a.test{port}/" for port in PORTS] + [f"{scheme}//a.test/" for scheme in SCHEMES]
    plain += [f"http:{slashes}a.test/" for slashes in SLASHES] + [f"http://{user}a.test/" for user in USERS]
    plain += [f"http://a.test/x/{segment}/y" for segment in SEGMENTS]
    plain += [f"http://a.test/x{rest}" for rest in QUERIES + FRAGMENTS]
    lines = [{"url": url} for url in plain]
    lines += [{"url": reference, "base": base} for reference in RELATIVE for base in BASES]
    while len(lines) < count:
        host = chance.choice(chance.choice([V4, V6, NAMES]))
        if chance.random() < 0.15:
            host = chance.choice(NAMES) + "." + chance.choice(V4 + NAMES)
        scheme = chance.choice(["http:", "https:"]) if chance.random() < 0.8 else chance.choice(SCHEMES)
        url = (scheme + chance.choice(SLASHES) + chance.choice(USERS) + host + chance.choice(PORTS) + path(chance) +
               chance.choice(QUERIES) + chance.choice(FRAGMENTS))
        if chance.random() < 0.3:
            url = spoiled(chance, url)
        line = {"url": url}
        if chance.random() < 0.25:
            line = {"url": chance.choice(RELATIVE) + (path(chance) if chance.random() < 0.5 else ""),
                    "base": chance.choice(BASES)}
            if chance.random() < 0.3:
                line["url"] = spoiled(chance, line["url"])
        lines.append(line)
    return lines


def verdict(ours, theirs):
    """"agree", the reason why we refuse on purpose, or None where the two differ."""
    refused = ours.get("code")
    if not theirs:
        return "refused by both" if refused else None
    if theirs["scheme"] not in ("http", "https"):
        return "another scheme" if refused else None
    if theirs["credentials"]:
        return "a user name or password" if refused == "invalid_argument" else None
    if "international domain name" in ours.get("message", "") and "xn--" in theirs["host"]:
        return "an international name that is none"  # Node 20 lets bad punycode and mixed directions pass
    if "an empty part" in ours.get("message", "") and "" in theirs["host"].removesuffix(".").split("."):
        return "a name with an empty part"  # no look-up finds one
    if "a way up" in ours.get("message", ""):
        return "a way up behind a drive letter"  # src/net/url.cc says why
    if theirs["port"] == 0:
        return "port 0" if refused == "invalid_argument" else None
    same = all(ours.get(part) == theirs[part] for part in ("scheme", "host", "port", "target"))
    if same:
        return "the same"
    # Node 20's shortcut for paths overlooks some: "/a/.x/." stays as it is.
    dots = {".", ".."} & set(theirs["target"].split("?")[0].split("/"))
    same_place = all(ours.get(part) == theirs[part] for part in ("scheme", "host", "port"))
    return "dots that Node leaves in" if dots and same_place else None


def answers(command, text):
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
    want(done.returncode == 0, f"{command}: exit code {done.returncode}: {done.stderr.decode()[-500:]}")
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def as_node_reads_them(case):
    node = shutil.which("node")
    lines_program = Path(case.binary).parent / "tests/url/url_lines"
    if not node:
        raise Skip("there is no node on PATH, whose URL is the other opinion")
    if not lines_program.exists():
        raise Skip(f"{lines_program} was not built with this binary")
    lines = corpus(COUNT, SEED)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    ours = answers([str(lines_program)], text)
    theirs = answers([node, str(Path(__file__).parent / "url/node_urls.js")], text)
    want(len(ours) == len(theirs) == len(lines), f"{len(lines)} lines, {len(ours)} and {len(theirs)} answers")
    counts, different = collections.Counter(), []
    for line, one, other in zip(lines, ours, theirs):
        why = verdict(one, other)
        counts[why] += 1
        if why is None:
            different.append(f"{json.dumps(line)}\n  ours   {json.dumps(one)}\n  node's {json.dumps(other)}")
    want(not different, f"{len(different)} differ, such as\n" + "\n".join(different[:20]))
    for why in ("the same", "refused by both", "another scheme", "a user name or password", "port 0"):
        want(counts[why] > 20, f"the corpus shows too little: {dict(counts)}")
    # What we made of it is read again as itself.
    kept = [one for one in ours if "text" in one]
    again = answers([str(lines_program)], "".join(json.dumps({"url": one["text"]}) + "\n" for one in kept))
    for one, other in zip(kept, again, strict=True):
        want(one == other, f"read otherwise when it was written by us: {one}, then {other}")
    return ", ".join(f"{count} {why}" for why, count in counts.most_common())


CASES = [("URLs: as Node reads them", as_node_reads_them)]
