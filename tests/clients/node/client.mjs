// A Step Functions client that is told what to do: one JSON array a line, its answer a JSON object a line.
//   ["us-east-1", "call", "StartExecution", {...}]      -> {"answer": {...}} or {"error": {"name", "message", "status", "class"}}
//   ["us-east-1", "pages", "ListExecutions", {...}, 2]  -> {"answer": [page, ...]}
import * as sfn from "@aws-sdk/client-sfn";
import { createInterface } from "node:readline";

const [endpoint] = process.argv.slice(2);

const at = (region) =>
  new sfn.SFNClient({
    endpoint,
    region,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    disableHostPrefix: true,
    maxAttempts: 1,
  });

async function call(client, operation, told) {
  const { $metadata, ...answer } = await client.send(new sfn[`${operation}Command`](told));
  return answer;
}

async function pages(client, operation, told, pageSize) {
  const found = [];
  for await (const { $metadata, ...page } of sfn[`paginate${operation}`]({ client, pageSize }, told)) found.push(page);
  return found;
}

const verbs = { call, pages };
const clients = {};

for await (const line of createInterface({ input: process.stdin })) {
  const [region, verb, ...rest] = JSON.parse(line);
  let told;
  try {
    told = { answer: await verbs[verb]((clients[region] ??= at(region)), ...rest) };
  } catch (error) {
    const known = sfn[error.name] !== undefined && error instanceof sfn[error.name];
    told = { error: { name: error.name, message: error.message, status: error.$metadata?.httpStatusCode, known } };
  }
  process.stdout.write(JSON.stringify(told) + "\n");
}
