"""JSONata's own errors in the reference implementation's words, and AWS's sentence around them.

The catalogue is that of JSONata 2.0.6. Inserts stand in quotes because the reference writes them as JSON. AWS's
sentence and the two kinds of tail (``. CODE: message`` and ``: message`` for bounds) were measured on AWS in 2026
(floci issues 2736 and 2737).
"""

import json
from typing import Any, Final

_UNSAID: Final = {"D3137": ("$error() function evaluated",), "D3141": ("$assert() statement failed",)}
"""The messages of ``$error`` and ``$assert`` if theirs is empty."""

RAW: Final = {"D3137": 1, "D3141": 1, "T1005": 1, "T1007": 1, "D3140": 1}
"""The number of inserts of a code that are not quoted."""

STACK_OVERFLOW: Final = (
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive."
)
EVALUATION_TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"
MEMORY_LIMIT: Final = "Expression evaluation memory limit exceeded: Check for excessive memory usage"

NOT_EVALUATED: Final = "threw an internal error during evaluation."
"""The message for an internal error of a function whose arguments the reference does not check; an id follows
(measured).
"""

CATALOGUE: Final = {
    "S0101": "String literal must be terminated by a matching quote",
    "S0102": "Number out of range: {0}",
    "S0103": "Unsupported escape sequence: \\{0}",
    "S0104": "The escape sequence \\u must be followed by 4 hex digits",
    "S0105": "Quoted property name must be terminated with a backquote (`)",
    "S0106": "Comment has no closing tag",
    "S0201": "Syntax error: {0}",
    "S0202": "Expected {0}, got {1}",
    "S0203": "Expected {0} before end of expression",
    "S0204": "Unknown operator: {0}",
    "S0205": "Unexpected token: {0}",
    "S0206": "Unknown expression type: {0}",
    "S0207": "Unexpected end of expression",
    "S0208": "Parameter {0} of function definition must be a variable name (start with $)",
    "S0209": "A predicate cannot follow a grouping expression in a step",
    "S0210": "Each step can only have one grouping expression",
    "S0211": "The symbol {0} cannot be used as a unary operator",
    "S0212": "The left side of := must be a variable name (start with $)",
    "S0213": "The literal value {0} cannot be used as a step within a path expression",
    "S0214": "The right side of {0} must be a variable name (start with $)",
    "S0215": "A context variable binding must precede any predicates on a step",
    "S0216": "A context variable binding must precede the 'order-by' clause on a step",
    "S0217": "The object representing the 'parent' cannot be derived from this expression",
    "S0301": "Empty regular expressions are not allowed",
    "S0302": "No terminating / in regular expression",
    "S0303": "Invalid regular expression: {0}",
    "S0401": "Type parameters can only be applied to functions and arrays",
    "S0402": "Choice groups containing parameterized types are not supported",
    "T0410": "Argument {0} of function {1} does not match function signature",
    "T0411": "Context value is not a compatible type with argument {0} of function {1}",
    "T0412": "Argument {0} of function {1} must be an array of {2}",
    "D1001": "Number out of range: {0}",
    "D1002": "Cannot negate a non-numeric value: {1}",
    "T1003": "Key in object structure must evaluate to a string; got: {0}",
    "D1004": "Regular expression matches zero length string",
    "T1005": "Attempted to invoke a non-function. Did you mean ${0}?",
    "T1006": "Attempted to invoke a non-function",
    "T1007": "Attempted to partially apply a non-function. Did you mean ${0}?",
    "T1008": "Attempted to partially apply a non-function",
    "D1009": "Multiple key definitions evaluate to same key: {0}",
    "T1010": "The matcher function argument passed to function {0} does not return the correct object structure",
    "T2001": "The left side of the {0} operator must evaluate to a number",
    "T2002": "The right side of the {0} operator must evaluate to a number",
    "T2003": "The left side of the range operator (..) must evaluate to an integer",
    "T2004": "The right side of the range operator (..) must evaluate to an integer",
    "D2005": "The left side of := must be a variable name (start with $)",
    "T2006": "The right side of the function application operator ~> must be a function",
    "T2007": "Type mismatch when comparing values {0} and {1} in order-by clause",
    "T2008": "The expressions within an order-by clause must evaluate to numeric or string values",
    "T2009": "The values {0} and {1} either side of operator {2} must be of the same data type",
    "T2010": "The expressions either side of operator {0} must evaluate to numeric or string values",
    "T2011": "The insert/update clause of the transform expression must evaluate to an object: {0}",
    "T2012": "The delete clause of the transform expression must evaluate to a string or array of strings: {0}",
    "D2014": (
        "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  Attempted to allocate {0}."
    ),
    "D3001": "Attempting to invoke string function on Infinity or NaN",
    "D3010": "Second argument of replace function cannot be an empty string",
    "D3011": "Fourth argument of replace function must evaluate to a positive number",
    "D3012": "Attempted to replace a matched string with a non-string value",
    "D3020": "Third argument of split function must evaluate to a positive number",
    "D3030": "Unable to cast value to a number: {0}",
    "D3040": "Third argument of match function must evaluate to a positive number",
    "D3050": "The second argument of reduce function must be a function with at least two arguments",
    "D3060": "The sqrt function cannot be applied to a negative number: {0}",
    "D3061": (
        "The power function has resulted in a value that cannot be represented as a JSON number: base={0}, exponent={1}"
    ),
    "D3070": (
        "The single argument form of the sort function can only be applied to an array of strings or an array of "
        "numbers.  Use the second argument to specify a comparison function"
    ),
    "D3080": "The picture string must only contain a maximum of two sub-pictures",
    "D3081": "The sub-picture must not contain more than one instance of the 'decimal-separator' character",
    "D3082": "The sub-picture must not contain more than one instance of the 'percent' character",
    "D3083": "The sub-picture must not contain more than one instance of the 'per-mille' character",
    "D3084": "The sub-picture must not contain both a 'percent' and a 'per-mille' character",
    "D3085": (
        "The mantissa part of a sub-picture must contain at least one character that is either an 'optional digit "
        "character' or a member of the 'decimal digit family'"
    ),
    "D3086": (
        "The sub-picture must not contain a passive character that is preceded by an active character and that is "
        "followed by another active character"
    ),
    "D3087": (
        "The sub-picture must not contain a 'grouping-separator' character that appears adjacent to a "
        "'decimal-separator' character"
    ),
    "D3088": "The sub-picture must not contain a 'grouping-separator' at the end of the integer part",
    "D3089": "The sub-picture must not contain two adjacent instances of the 'grouping-separator' character",
    "D3090": (
        "The integer part of the sub-picture must not contain a member of the 'decimal digit family' that is "
        "followed by an instance of the 'optional digit character'"
    ),
    "D3091": (
        "The fractional part of the sub-picture must not contain an instance of the 'optional digit character' "
        "that is followed by a member of the 'decimal digit family'"
    ),
    "D3092": (
        "A sub-picture that contains a 'percent' or 'per-mille' character must not contain a character treated "
        "as an 'exponent-separator'"
    ),
    "D3093": (
        "The exponent part of the sub-picture must comprise only of one or more characters that are members of "
        "the 'decimal digit family'"
    ),
    "D3100": "The radix of the formatBase function must be between 2 and 36.  It was given {0}",
    "D3110": "The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given {0}",
    "D3120": "Syntax error in expression passed to function eval: {0}",
    "D3121": "Dynamic error evaluating the expression passed to function eval: {0}",
    "D3130": (
        "Formatting or parsing an integer as a sequence starting with {0} is not supported by this implementation"
    ),
    "D3131": "In a decimal digit pattern, all digits must be from the same decimal group",
    "D3132": "Unknown component specifier {0} in date/time picture string",
    "D3133": ("The 'name' modifier can only be applied to months and days in the date/time picture string, not {0}"),
    "D3134": "The timezone integer format specifier cannot have more than four digits",
    "D3135": "No matching closing bracket ']' in date/time picture string",
    "D3136": "The date/time picture string is missing specifiers required to parse the timestamp",
    "D3137": "{0}",
    "D3138": "The $single() function expected exactly 1 matching result.  Instead it matched more.",
    "D3139": "The $single() function expected exactly 1 matching result.  Instead it matched 0.",
    "D3140": "Malformed URL passed to ${0}(): {1}",
    "D3141": "{0}",
}


class JsonataError(Exception):
    """An error of the language itself; ``code`` is JSONata's, ``message`` its sentence with the inserts filled in."""

    def __init__(self, code: str, *inserts: Any) -> None:
        self.code = code
        self.message = filled(code, inserts)
        super().__init__(f"{code}: {self.message}")


class BoundError(Exception):
    """Evaluation went past a bound; ``message`` is AWS's sentence for it (or its time box's), without a code."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class UnsupportedResultError(Exception):
    """A result JSON has no form for: a function."""


def filled(code: str, inserts: tuple[Any, ...]) -> str:
    """The catalogue's sentence for the code; unknown codes are sentences themselves (the library raises a few)."""
    sentence = CATALOGUE.get(code)
    if sentence is None:
        return code
    if inserts[:1] == ("",):
        inserts = _UNSAID.get(code, inserts)
    texts = [str(insert) if at < RAW.get(code, 0) else _insert(insert) for at, insert in enumerate(inserts)]
    return sentence.format(*texts, *([""] * (3 - len(texts))))


def _insert(value: Any) -> str:
    """An insert as JSON; what JSON has no form for (infinities, functions) is null, as in JavaScript."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return "null"
