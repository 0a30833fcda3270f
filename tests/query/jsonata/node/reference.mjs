// The reference implementation of JSONata, asked line by line: {"expression", "input", "x"} → its outcome.
import { createInterface } from "node:readline";
import jsonata from "jsonata";

// $string keeps all digits of a whole number on AWS (measured 2026-08, floci 2683), as later releases of jsonata do.
const rounded = Number.prototype.toPrecision;
Number.prototype.toPrecision = function (digits) {
  return Number.isInteger(this.valueOf()) ? String(this) : rounded.call(this, digits);
};

async function outcome({ expression, input, x }) {
  try {
    const value = await jsonata(expression).evaluate(undefined, { states: { input }, x });
    if (value === undefined) return { undefined: true };
    if (typeof value === "function" || value?._jsonata_lambda || value?._jsonata_function) return { unsupported: true };
    return { value };
  } catch (error) {
    return { error: error.code ?? error.name ?? String(error) };
  }
}

// AWS writes what is no number of JSON as a text (measured)
const finite = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await outcome(JSON.parse(line)), finite) + "\n");
}
