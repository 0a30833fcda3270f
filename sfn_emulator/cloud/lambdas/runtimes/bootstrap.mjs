// Runs a Node.js function over the Lambda Runtime API: what AWS's nodejs runtimes do around a handler.
//
// One request at a time. A handler may be async, take a callback (up to nodejs22.x), or stream its answer. The process
// ends on an unhandled rejection or exception, as on Lambda, after it has told of it.

import { existsSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const API = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const ROOT = process.env.LAMBDA_TASK_ROOT;
const HANDLER = process.env._HANDLER;
const NODE_VERSION = Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? '')?.[1] ?? 0);
const STREAMED = Symbol('streamed');
const NEVER_SETTLED =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was ' +
  'never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes';
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

// -- the Runtime API

let requestId = '';

function call(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${API}${where}`, { method, agent, headers }, (reply) => {
      const parts = [];
      reply.on('data', (part) => parts.push(part));
      reply.on('end', () => resolve({ headers: reply.headers, body: Buffer.concat(parts) }));
      reply.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

const answer = (id, body, type) => call('POST', `/invocation/${id}/response`, body, { 'Content-Type': type });

function tell(where, error) {
  const told = described(error);
  const kind = told.errorType ?? 'Error';
  return call('POST', where, JSON.stringify(told), { 'Lambda-Runtime-Function-Error-Type': kind });
}

// -- errors, as Lambda tells them

class RuntimeError extends Error {
  constructor(name, message, stack) {
    super(message);
    this.name = `Runtime.${name}`;
    if (stack) this.stack = stack;
  }
}

function described(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function logged(title, error) {
  const replace = (_, value) =>
    value instanceof Error
      ? { errorType: value.name, errorMessage: value.message, code: value.code, ...value, stack: value.stack?.split('\n') }
      : value;
  console.error(title, `\t${JSON.stringify(error instanceof Error ? error : new Error(String(error)), replace)}`);
}

// -- the console, a line an entry with time, request and level

const JSON_LINES = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const LEAST = JSON_LINES ? Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL ?? 'TRACE').toUpperCase())) : 0;

function printer(level) {
  if (LEVELS.indexOf(level) < LEAST) return () => {};
  return (...values) => {
    const timestamp = new Date().toISOString();
    const line = JSON_LINES
      ? JSON.stringify({ timestamp, level, requestId, message: jsonMessage(values) })
      : `${timestamp}\t${requestId}\t${level}\t${format(...values)}`;
    process.stdout.write(`${line.replaceAll('\n', '\r')}\n`);
  };
}

function jsonMessage(values) {
  if (values.length !== 1 || typeof values[0] !== 'object') return format(...values);
  try {
    JSON.stringify(values[0]);
    return values[0];
  } catch {
    return format(...values);
  }
}

for (const level of LEVELS) console[level.toLowerCase()] = printer(level);
console.log = console.info;

// -- finding the handler

async function load() {
  if (HANDLER.includes('..')) {
    const hint = 'Use absolute paths when specifying root directories in handler names.';
    throw new RuntimeError('MalformedHandlerName', `'${HANDLER}' is not a valid handler name. ${hint}`);
  }
  const base = path.basename(HANDLER);
  const dot = base.indexOf('.');
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const directory = HANDLER.slice(0, HANDLER.length - base.length);
  const exported = await loadModule(directory, base.slice(0, dot));
  const found = within(exported, base.slice(dot + 1)) ?? within(exported.default, base.slice(dot + 1));
  if (!found) throw new RuntimeError('HandlerNotFound', `${HANDLER} is undefined or not exported`);
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${HANDLER} is not a function`);
  if (NODE_VERSION >= 24 && found.length >= 3 && !found[STREAMED]) {
    const text = 'AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.';
    throw new RuntimeError('CallbackHandlerDeprecated', text);
  }
  return found;
}

function within(module, names) {
  return names.split('.').reduce((found, name) => (found && typeof found === 'object' ? found[name] : undefined), module);
}

async function loadModule(directory, name) {
  const whole = path.resolve(ROOT, directory, name);
  try {
    for (const file of [whole, `${whole}.js`, `${whole}.mjs`, `${whole}.cjs`]) {
      if (existsSync(file)) return await import(pathToFileURL(file).href);
    }
    const require = createRequire(path.join(ROOT, 'index.js'));
    return require(require.resolve(name, { paths: [ROOT, path.join(ROOT, directory)] }));
  } catch (error) {
    throw loadingError(error);
  }
}

function loadingError(error) {
  if (error instanceof SyntaxError) return new RuntimeError('UserCodeSyntaxError', `SyntaxError: ${error.message}`, error.stack);
  if (!['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(error?.code)) return error;
  const missing = /'(@aws-sdk\/[^']+|aws-sdk)'/.exec(error.message);
  const hint = missing
    ? `\n${missing[1]} is part of Lambda's own Node.js runtime and not of this machine: add it to the function or to a ` +
      'layer (nodejs/node_modules), or name a node_modules folder that has it in SFN_NODE_MODULES.'
    : '';
  return new RuntimeError('ImportModuleError', `Error: ${error.message}${hint}`, error.stack);
}

// -- calling it

globalThis.awslambda = {
  streamifyResponse: (handler) => Object.assign(handler, { [STREAMED]: true }),
  HttpResponseStream: { from: (stream, prelude) => stream.begin(prelude) },
};

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const clientContext = headers['lambda-runtime-client-context'];
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function buffered(handler, event, context) {
  return new Promise((resolve, reject) => {
    const empty = [];
    const atLast = () => empty.forEach((end) => end());
    process.once('beforeExit', atLast);
    const settle = (end) => (value) => {
      process.removeListener('beforeExit', atLast);
      end(value);
    };
    const [done, failed] = [settle(resolve), settle(reject)];
    const callback = (error, result) => {
      const end = error === undefined || error === null ? () => done(result) : () => failed(error);
      if (context.callbackWaitsForEmptyEventLoop) empty.unshift(end);
      else setImmediate(end);
    };
    Object.assign(context, { done: callback, succeed: (result) => callback(null, result), fail: (error) => callback(error ?? 'handled') });
    const returned = handler(event, context, callback);
    if (typeof returned?.then === 'function') returned.then(done, failed);
    // AWS's client tells an async handler's silence as a failure, that of any other as null (its src/Runtime.js)
    if (handler.constructor?.name === 'AsyncFunction') empty.push(() => failed(new RuntimeError('NodeJsExit', NEVER_SETTLED)));
    else empty.push(() => done(null)); // nothing is left to be waited for, and nobody called back or ever will
  });
}

function settled(promise) {
  let left;
  const never = new Promise((_, reject) => {
    left = () => reject(new RuntimeError('NodeJsExit', NEVER_SETTLED));
    process.once('beforeExit', left);
  });
  return Promise.race([promise, never]).finally(() => process.removeListener('beforeExit', left));
}

async function streamed(handler, event, context) {
  const parts = [];
  let type = 'application/octet-stream';
  const stream = new Writable({
    write(part, _, next) {
      parts.push(Buffer.from(part));
      next();
    },
  });
  const write = stream.write.bind(stream);
  stream.write = (part, ...more) => write(typeof part === 'object' && !ArrayBuffer.isView(part) ? JSON.stringify(part) : part, ...more);
  stream.setContentType = (told) => {
    type = told;
  };
  stream.begin = (prelude) => {
    type = 'application/vnd.awslambda.http-integration-response';
    parts.push(Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8));
    return stream;
  };
  await settled(handler(event, stream, context));
  if (!stream.writableEnded) throw new Error('Response stream is not finished.');
  return { body: Buffer.concat(parts), type };
}

function serialised(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch {
    throw new RuntimeError('JSONStringifyError', 'Unable to stringify response body');
  }
}

async function serve(handler) {
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const context = contextOf(headers);
    requestId = context.awsRequestId;
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
    try {
      const event = JSON.parse(body.toString() || '{}');
      if (handler[STREAMED]) {
        const made = await streamed(handler, event, context);
        await answer(requestId, made.body, made.type);
      } else {
        await answer(requestId, serialised(await buffered(handler, event, context)), 'application/json');
      }
    } catch (error) {
      logged('Invoke Error', error);
      await tell(`/invocation/${requestId}/error`, error);
    }
  }
}

// -- answers of custom resources: what CDK's functions PUT by https to the host alone goes to our port

const SIGNALS = '/_aws/cloudformation/signals/';
const secure = https.request;

https.request = (...given) => {
  const asked = given.find((part) => typeof part?.path === 'string');
  if (!asked?.path.startsWith(SIGNALS) || !process.env.AWS_ENDPOINT_URL) return secure(...given);
  const { hostname, port } = new URL(process.env.AWS_ENDPOINT_URL);
  return http.request({ ...asked, protocol: 'http:', hostname, port, agent: undefined }, given.at(-1));
};
syncBuiltinESMExports();

// -- life and death

async function perish(error, status, title) {
  logged(title, error);
  await tell(requestId ? `/invocation/${requestId}/error` : '/init/error', error).catch(() => {});
  process.exit(status);
}

process.on('uncaughtException', (error) => perish(error, 129, 'Uncaught Exception'));
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('UnhandledPromiseRejection', reason instanceof Error ? `${reason}` : String(reason));
  return perish(Object.assign(error, { reason }), 128, 'Unhandled Promise Rejection');
});

try {
  await serve(await load());
} catch (error) {
  await perish(error, 1, 'Uncaught Exception');
}
