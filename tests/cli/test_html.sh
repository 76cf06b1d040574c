# reckon count --html and --timeline: the page is one file that asks nobody for anything, has the bill's numbers, keeps hostile
# names harmless; and a browser shows it, lets marks tell what they say, and complains of nothing.
. tests/cli/check.sh

ends 0 reckon count gpt2 --html page.html; silent "$out"; warns "page.html"
ends 0 reckon count gpt2 --json; cp "$out" bill.json
ends 2 reckon count gpt2 --html page.html --json; warns "--html"
ends 4 reckon count gpt2 --html nowhere/page.html; warns "nowhere/page.html"

# a full disk keeps the page that was there, and leaves nothing else
echo old >kept.html; ln -s kept.html link.html
for page in kept link fresh; do
    (trap '' XFSZ; ulimit -f 8; reckon count gpt2 --html $page.html) >"$out" 2>"$err"; is "full disk" $? 4; warns "$page.html"
done
is "the old page" "$(cat kept.html)" old; is "what is there" "$(echo kept.html* link.html* fresh.html*)" "kept.html link.html fresh.html*"
ends 0 reckon count gpt2:n_layer=2 --html link.html; [ -L link.html ] && pass || fail "the link is gone"; holds kept.html "</html>"
ends 0 reckon count gpt2:n_layer=2 --mode decode --html decode.html
ends 0 reckon count gpt2:n_layer=2 --dtype bf16 --device a100 --html bf16.html; holds bf16.html "NVIDIA A100 SXM 80 GB"
ends 0 reckon count gpt2:n_layer=2 cs336-17m -b 2 --html two.html
ends 0 reckon count gpt2 -b 100k --html big.html
ends 0 reckon count gpt2 -b 100k --json; cp "$out" big.json

# Nothing is loaded: no address but the name of SVG.
for page in page decode bf16 two; do
    is "addresses in $page.html" "$(sed 's|http://www.w3.org/2000/svg||g' $page.html | grep -cE '(src|href)="[^d#]|url\(|@import|https?://')" 0
done

# A folder with a name made to break out of text, attributes and scripts.
hostile='a"><script>alert(1)<'; mkdir "$hostile"
printf '{"model_type": "gpt2", "n_layer": 1, "n_embd": 64, "n_head": 2, "vocab_size": 100, "n_positions": 128}' >"$hostile/config.json"
ends 0 reckon count "$hostile" cs336-17m --html hostile.html
is "scripts in hostile.html" "$(grep -o '<script' hostile.html | wc -l)" "$(grep -o '<script' two.html | wc -l)"
is "attributes broken out of" "$(grep -cF "$hostile" hostile.html)" 0
holds hostile.html 'a&quot;&gt;&lt;script&gt;alert(1)&lt;'

# Memory over time in text and JSON.
ends 0 reckon count gpt2 --timeline; prints "are alive at step"; prints "h.*.attn.qkv"; prints "kept going forward"; prints "▲"
ends 2 reckon count gpt2 --timeline --mode eval; warns "--timeline"
ends 0 reckon count gpt2:n_layer=2 --timeline --json; cp "$out" timeline.json

if command -v python3 >/dev/null; then
    python3 - <<'END_OF_CHECK' && pass || fail "numbers of the pages"
import html.parser, json, re
page, bill = open("page.html").read(), json.load(open("bill.json"))

# The JSON within is what --json says, and what does not fit a double is a string.
def within(page): return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S).group(1))["models"][0]
inside, big, big_bill = within(page), within(open("big.html").read()), json.load(open("big.json"))
def same(a, b):
    if isinstance(a, dict): return all(same(a[k], b[k]) for k in a)
    if isinstance(a, list): return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, int) and a > 2 ** 53 and b == str(a))
assert same(bill, inside) and same(big_bill, big)
assert big["flops"]["backward"] == str(big_bill["flops"]["backward"])
def integers(tree): return [n for v in (tree.values() if isinstance(tree, dict) else tree) for n in (integers(v) if isinstance(v, (dict, list)) else [v] if isinstance(v, int) else [])]
assert max(integers(big)) <= 2 ** 53

# Every number of the bill stands in its table.
table = re.search(r'<table class="bill">(.*?)</table>', page, re.S).group(1)
def numbers(tree): return [n for v in tree.values() for n in (numbers(v) if isinstance(v, dict) else [v])]
own = [bill["parameters"]] + [bill["flops"][p] for p in ("forward", "backward", "update")] + numbers(bill["flops"]["elementwise"])
own += numbers(bill["flops"]["plan"]) + numbers(bill["bytes"]["plan"]) + [bill["bytes"][p] for p in ("parameters", "gradients", "optimizer", "cache_per_token")]
for n in own: assert f"<td>{n:,}</td>" in table, n

# Well nested, and every picture has a title and a description or stands beside a table.
class Nesting(html.parser.HTMLParser):
    open_tags, pictures = [], 0
    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "link", "input", "br"): self.open_tags.append(tag)
        self.pictures += tag == "svg" and ("role", "group") in attrs
    def handle_endtag(self, tag): assert self.open_tags.pop() == tag, tag
for name in ("page", "two", "decode", "bf16", "hostile"):
    p = Nesting(); p.open_tags = []; p.feed(open(name + ".html").read()); assert p.open_tags == [] and p.pictures > 5, name

t = json.load(open("timeline.json"))["timeline"]
assert len(t["alive"]) == t["steps"] and max(t["alive"]) == t["peak"]["bytes"] == t["alive"][t["peak"]["step"]]
assert sum(a["bytes"] for a in t["peak"]["alive"]) == t["peak"]["bytes"]
assert sum(v["bytes"] for v in t["values"] if v["first"] <= t["peak"]["step"] <= v["last"]) == t["peak"]["bytes"]
context = inside["contexts"]
assert [c["seq"] for c in context] == [128 << i for i in range(11)]
at = next(c for c in context if c["seq"] == 1024)
assert at["flops.forward"] == bill["flops"]["forward"] and at["bytes.cache"] == 1024 * bill["bytes"]["cache_per_token"]
END_OF_CHECK
else skip "no python3: the numbers of the pages are not read"
fi

# --- in a browser ---

browser=
for name in chromium chromium-browser google-chrome; do
    if [ -z "$browser" ] && command -v $name >/dev/null; then browser=$name; fi
done
if [ -z "$browser" ]; then skip "no chromium here: the pages are not looked at"; finish; fi

# open_page ARGUMENTS...: what the browser says of itself goes to browser.log; the sandbox is off because tests run as root in containers.
open_page() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --user-data-dir="$work/browser" \
        --enable-logging=stderr --v=0 --virtual-time-budget=2000 "$@" 2>browser.log
}
printf '<!doctype html><title>nothing</title>' >empty.html
open_page --window-size=1200,2400 --screenshot="$work/empty.png" "file://$PWD/empty.html" >/dev/null
if [ ! -s "$work/empty.png" ]; then skip "$browser makes no picture of an empty page: $(tail -n 1 browser.log)"; finish; fi
nothing=$(wc -c <"$work/empty.png")

# What a person would do, in each page: point at a mark, go on by the arrow keys, choose another quantity.
cat >person.js <<'END_OF_PERSON'
(function () {
    var tip = document.querySelector(".tip"), marks = document.querySelectorAll(".bar .mark"), said = [];
    function check(what, holds) { if (!holds) said.push(what); }
    marks[0].dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 100, clientY: 100 }));
    check("pointing", !tip.hidden && tip.textContent === marks[0].getAttribute("aria-label") && tip.textContent.indexOf("= ") > 0);
    document.body.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 1, clientY: 1 }));
    check("leaving", tip.hidden);
    marks[0].focus();
    marks[0].dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key: "ArrowRight" }));
    check("arrows", document.activeElement === marks[1] && marks[1].tabIndex === 0 && marks[0].tabIndex === -1);
    check("focus", !tip.hidden && tip.textContent === marks[1].getAttribute("aria-label"));
    marks[1].dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key: "Escape" }));
    check("escape", tip.hidden);
    var other = document.querySelector(".tabs input.t1"), pane = document.querySelector(".pane1");
    check("hidden pane", getComputedStyle(pane).display === "none");
    other.click();
    check("shown pane", getComputedStyle(pane).display === "block");
    check("a page wider than the window", document.documentElement.scrollWidth <= document.documentElement.clientWidth);
    check("words cut off", Array.from(document.querySelectorAll(".mark svg text")).every(function (text) {
        var hidden = getComputedStyle(text).visibility === "hidden", room = text.parentNode.querySelector("rect").getBoundingClientRect();
        return hidden || text.getBoundingClientRect().right <= room.right || text.getBoundingClientRect().width === 0;
    }));
    check("labels", Array.from(document.querySelectorAll(".mark")).every(function (mark) { return mark.getAttribute("aria-label"); }));
    document.body.setAttribute("data-person", said.length ? "failed: " + said.join(", ") : "content");
}());
END_OF_PERSON
look() {                                    # look PAGE WIDTH
    { cat $1.html; echo '<script>'; cat person.js; echo '</script>'; } >person.html
    open_page --window-size=$2,1600 --dump-dom "file://$PWD/person.html" >dom.html
    is "a person before $1.html, $2 wide" "$(grep -o 'data-person="[^"]*"' dom.html)" 'data-person="content"'
    is "complaints about $1.html, $2 wide, of a person" "$(grep -c CONSOLE browser.log)" 0
    open_page --window-size=$2,2400 --screenshot="$work/page.png" "file://$PWD/$1.html" >/dev/null
    is "complaints about $1.html, $2 wide" "$(grep -c CONSOLE browser.log)" 0
    if [ "$(wc -c <"$work/page.png")" -gt $((nothing * 5)) ]; then pass; else fail "$1.html is blank, $2 wide"; fi
}
look page 500; look page 1280; look two 500; look decode 1280; look hostile 1280

# The browser would have complained.
printf '<!doctype html><script>nothing()</script>' >wrong.html
open_page --dump-dom "file://$PWD/wrong.html" >/dev/null
holds browser.log CONSOLE
finish
