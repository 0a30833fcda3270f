"""Generated JSONata: every function and operator of the language, with data that fits and data that does not."""

from hypothesis import strategies as st

from tests.query.jsonata.test_jsonata_fast import DATA, EXPRESSIONS, NAMES, STARTS

Texts = st.SearchStrategy[str]

NUMBERS = st.sampled_from(["0", "1", "-1", "2", "3", "1.5", "-2.5", "0.5", "10", "1e21", "123.456", "-0.25"])
STRINGS = st.sampled_from(
    [
        "''",
        "'a'",
        "'abc'",
        "'a,b,,c'",
        "'Hello World'",
        "' x  y '",
        "'10'",
        "'0x1F'",
        "'1e3'",
        "'é😀'",
        "'aGk='",
        "'%zz'",
        "'a b&c=d/é'",
        "'%2F%41%C3%A9'",
    ]
)
REGEXES = st.sampled_from(["/a/", "/[a-c]+/", "/(l)(o)?/", "/L/i", "/ +/", "/,/", "/^./", "/\\\\d+/"])
ARRAYS = st.sampled_from(
    [
        "[]",
        "[1]",
        "[3,1,2]",
        "['b','a']",
        "[1,'a',null]",
        "[[1,2],[3]]",
        "[true,false]",
        "[{'a':1},{'a':2,'b':3}]",
        "[1..4]",
        "[1,1,2]",
    ]
)
OBJECTS = st.sampled_from(["{}", "{'a':1}", "{'a':1,'b':[1,2]}", "{'a':{'b':2},'c':null}"])
MISSING = st.just("$states.input.gone")
ANY = st.one_of(NUMBERS, STRINGS, ARRAYS, OBJECTS, MISSING, STARTS, st.sampled_from(["true", "false", "null"]))
LAMBDAS = st.sampled_from(
    [
        "function($v){$v}", "function($v,$i){$i}", "function($v){$v > 1}", "function($v,$k){$k}",
        "function($a,$b){$a + $b}", "function($v,$i,$a){$count($a)}", "λ($v){$string($v)}", "$string", "$sum",
        "function($l,$r){$l > $r}",
    ]
)  # fmt: skip
PICTURES = st.sampled_from(
    ["'#,##0.00'", "'0'", "'#0.###'", "'0.0%'", "'00.0e0'", "'#;(#)'", "''", "'0‰'", "'##,##,##0'", "'0.0.0'"]
)
INTEGER_PICTURES = st.sampled_from(
    ["'w'", "'W'", "'Ww'", "'I'", "'i'", "'A'", "'a'", "'001'", "'1,000'", "'1;o'", "'w;o'", "'#'"]
)
TIMES = st.sampled_from(
    [
        "'2024-02'", "'2024'", "'2024-02-29'", "'2024-02-29T12:34:56Z'", "'2024-02-29T12:34:56.789Z'", "'2024-02-30'",
        "'2024-02-29T12:34:56+01:00'", "'2024-02-29T12:34:56+0100'", "'2024-02-29T12:34'", "'nothing'", "'2024-1-1'",
    ]
)  # fmt: skip
TIME_PICTURES = st.sampled_from(
    [
        "'[Y0001]-[M01]-[D01]'", "'[D1o] [MNn] [Y]'", "'[H01]:[m01]:[s01].[f001]'", "'[h]:[m] [P]'", "'[FNn], [D]'",
        "'[Y] week [W]'", "'[d]'", "'[Z]'", "'[z]'", "'[MNn,3-3]'", "'[YI]'", "'[X]'", "'[Q]'", "'[Y'",
    ]
)  # fmt: skip

ARGUMENTS: dict[str, tuple[Texts, ...]] = {
    **{name: (STRINGS,) for name in ("length", "uppercase", "lowercase", "trim")},
    "base64encode": (st.sampled_from(["''", "'a'", "'abc'", "'a,b'"]),),
    **{name: (STRINGS,) for name in ("encodeUrl", "encodeUrlComponent", "decodeUrl", "decodeUrlComponent")},
    **{name: (NUMBERS,) for name in ("abs", "floor", "ceil", "sqrt", "formatBase")},
    **{
        name: (ARRAYS,)
        for name in ("sum", "max", "min", "average", "count", "reverse", "sort", "distinct", "join", "merge")
    },
    **{
        name: (ANY,)
        for name in ("string", "number", "boolean", "not", "exists", "type", "keys", "spread", "single", "zip")
    },
    "substring": (STRINGS, NUMBERS, NUMBERS),
    "substringBefore": (STRINGS, STRINGS),
    "substringAfter": (STRINGS, STRINGS),
    "pad": (STRINGS, st.sampled_from(["0", "3", "-7", "8"]), STRINGS),
    "contains": (STRINGS, st.one_of(STRINGS, REGEXES)),
    "split": (STRINGS, st.one_of(STRINGS, REGEXES), NUMBERS),
    "match": (STRINGS, REGEXES, NUMBERS),
    "replace": (STRINGS, st.one_of(STRINGS, REGEXES), st.sampled_from(["'-'", "'$0!'", "'$1$$'", "''"]), NUMBERS),
    "round": (NUMBERS, st.sampled_from(["0", "1", "-1", "2"])),
    "power": (NUMBERS, NUMBERS),
    "formatNumber": (NUMBERS, PICTURES),
    "formatInteger": (NUMBERS, INTEGER_PICTURES),
    "parseInteger": (
        st.sampled_from(["'12'", "'twelve'", "'XIV'", "'1,234'", "'x'", "'first'", "'b'"]),
        INTEGER_PICTURES,
    ),
    "toMillis": (TIMES, TIME_PICTURES),
    "fromMillis": (
        st.sampled_from(["0", "1710000000000", "-1", "1.5"]),
        TIME_PICTURES,
        st.sampled_from(["'+0100'", "'-0530'"]),
    ),
    "append": (ANY, ANY),
    "lookup": (ANY, STRINGS),
    "map": (ARRAYS, LAMBDAS),
    "filter": (ARRAYS, LAMBDAS),
    "reduce": (ARRAYS, LAMBDAS, ANY),
    "each": (OBJECTS, LAMBDAS),
    "sift": (OBJECTS, LAMBDAS),
    "assert": (ANY, STRINGS),
}
"""Name → arguments that mostly fit; how many of them are given varies."""


@st.composite
def calls(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    kinds = ARGUMENTS[name]
    count = draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, len(kinds)))
    given = [draw(kind if draw(st.integers(0, 6)) else ANY) for kind in kinds[:count]]
    return f"${name}({', '.join(given)})"


SHAPES = st.sampled_from(
    [
        "{0}.*", "{0}.**", "{0}[0]", "{0}[-1]", "{0}[]", "{0}.a", "{0}.a.b", "{0}[a = 1]", "{0}^(a)",
        "{0}^(>a, b)", "{0}.{{'k': a}}", "{0}{{$string(a): b}}", "{0}.(a; b)", "({0}; {1})", "{0} ~> $string",
        "{0} in {1}", "{0} & {1}", "{0} = {1}", "{0} < {1}", "{0} + {1}", "{0} ? {1}", "{0} ?: {1}",
        "[{0}, {1}]", "[{0}..{1}]", "{0}@$v.{{'v': $v}}", "{0}#$i.{{'i': $i}}", "{0}.$", "{0}.%.a",
        "($f := function($n){{$n}}; $f({0}))", "{{'a': {0}}} ~> |$|{{'z': 1}}, 'a'|",
        "$map({0}, $string) ~> $join('-')", "($x := {0}; $x.a)", "-{0}", "{0} and {1}", "{0} or {1}",
        "{0}[{1}]", "{0}.$sum(b)", "{0}.`a`", "{0}.a[$ > 1]", "$sort({0}, function($l,$r){{$l.a > $r.a}})",
        "{{'a': {0}, 'b': {1}}}",
    ]
)  # fmt: skip

INNER: Texts = st.one_of(ANY, calls(), NAMES.map(lambda name: f"$states.input.{name}"))
SHAPED = st.tuples(SHAPES, INNER, INNER).map(lambda t: t[0].format(t[1], t[2]))
ALL = st.one_of(calls(), SHAPED, EXPRESSIONS)
__all__ = ["ALL", "DATA"]
