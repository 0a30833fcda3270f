// A Step Functions client that is told what to do: one JSON array a line, its answer a JSON object a line.
//   ["call", "StartExecution", {...}]      -> {"answer": {...}} or {"error": {"name", "message", "status", "class"}}
//   ["pages", "ListExecutions", {...}, 2]  -> {"answer": [page, ...]}
import * as sfn from "@aws-sdk/client-sfn";
import { createInterface } from "node:readline";

const [endpoint, region] = process.argv.slice(2);
const client = new sfn.SFNClient({
  endpoint,
  region,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  disableHostPrefix: true,
  maxAttempts: 1,
});

async function call(operation, told) {
  const { $metadata, ...answer } = await client.send(new sfn[`${operation}Command`](told));
  return answer;
}

async function pages(operation, told, pageSize) {
  const found = [];
  for await (const { $metadata, ...page } of sfn[`paginate${operation}`]({ client, pageSize }, told)) found.push(page);
  return found;
}

const verbs = { call, pages };

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...rest] = JSON.parse(line);
  let told;
  try {
    told = { answer: await verbs[verb](...rest) };
  } catch (error) {
    const known = sfn[error.name] !== undefined && error instanceof sfn[error.name];
    told = { error: { name: error.name, message: error.message, status: error.$metadata?.httpStatusCode, known } };
  }
  process.stdout.write(JSON.stringify(told) + "\n");
}
