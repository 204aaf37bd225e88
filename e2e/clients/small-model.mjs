// A small model behind OpenAI's protocol: what a server of one's own looks like to the gateway, with real tokens.
//
//   node small-model.mjs FOLDER      FOLDER holds model.gguf and n/node_modules/node-llama-cpp
//
// One request at a time, on one thread. Says `http://127.0.0.1:PORT/v1` on a line of its own when it is ready.
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const NAME = "smollm2-135m";
const CONTEXT = 1024;
const folder = resolve(process.argv[2]);
const { getLlama, LlamaChat } = await import(pathToFileURL(join(folder, "n/node_modules/node-llama-cpp/dist/index.js")));
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: join(folder, "model.gguf"), gpuLayers: 0 });
const context = await model.createContext({ contextSize: CONTEXT, sequences: 1, threads: 1 });
const sequence = context.getSequence();
const embedder = await model.createEmbeddingContext({ contextSize: CONTEXT, threads: 1 });

class Wrong extends Error {
  constructor(status, code, message, param = null) {
    super(message);
    Object.assign(this, { status, code, param });
  }
}

const wrong = (message, param) => new Wrong(400, "invalid_value", message, param);

// A request waits for the one before it.
let turn = Promise.resolve();
const alone = (work) => {
  const mine = turn.then(work);
  turn = mine.catch(() => {});
  return mine;
};

const words = (content) => {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  if (content.some((part) => part.type !== "text")) throw wrong("This model reads text alone.", "messages");
  return content.map((part) => part.text).join("");
};

const heard = (messages) => {
  if (!Array.isArray(messages) || messages.length === 0) throw wrong("`messages` is empty.", "messages");
  const history = messages.map(({ role, content }) => {
    if (role === "system" || role === "developer") return { type: "system", text: words(content) };
    if (role === "user") return { type: "user", text: words(content) };
    if (role === "assistant") return { type: "model", response: [words(content)] };
    throw wrong(`This model knows no role '${role}'.`, "messages");
  });
  return [...history, { type: "model", response: [] }];
};

const known = (body) => {
  if (body.model !== NAME) throw new Wrong(404, "model_not_found", `The model '${body.model}' does not exist.`, "model");
};

const REASONS = { maxTokens: "length" };

async function chat(body, gone, tell) {
  known(body);
  if (body.tools?.length) throw wrong("This model calls no tools.", "tools");
  const { temperature = 0, top_p: topP } = body;
  if (typeof temperature !== "number" || temperature < 0 || temperature > 2) throw wrong("'temperature' is from 0 to 2.", "temperature");
  const history = heard(body.messages);
  const most = body.max_completion_tokens ?? body.max_tokens ?? 64;
  // Nothing of the request before is left for this one.
  await sequence.clearHistory();
  const before = sequence.tokenMeter.getState();
  const talk = new LlamaChat({ contextSequence: sequence });
  try {
    const stops = [body.stop ?? []].flat();
    const said = await talk.generateResponse(history, {
      maxTokens: most, temperature, topP, seed: body.seed ?? undefined, customStopTriggers: stops,
      signal: gone, stopOnAbortSignal: true, onTextChunk: tell,
    });
    const used = sequence.tokenMeter.diff(before);
    return {
      text: said.response,
      reason: REASONS[said.metadata.stopReason] ?? "stop",
      usage: {
        prompt_tokens: used.usedInputTokens,
        completion_tokens: used.usedOutputTokens,
        total_tokens: used.usedInputTokens + used.usedOutputTokens,
      },
    };
  } finally {
    talk.dispose();
  }
}

let made = 0;

async function completions(body, response, gone) {
  const id = `chatcmpl-${++made}`;
  const common = { id, created: Math.floor(Date.now() / 1000), model: NAME };
  if (!body.stream) {
    const { text, reason, usage } = await chat(body, gone);
    const choice = { index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason: reason };
    return whole(response, 200, { ...common, object: "chat.completion", choices: [choice], usage });
  }
  const withUsage = body.stream_options?.include_usage === true;
  const event = (choices, usage) => {
    // A request that is wrong is told with its status: the head waits for the first piece.
    if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    const chunk = { ...common, object: "chat.completion.chunk", choices, ...(withUsage ? { usage: usage ?? null } : {}) };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  const delta = (delta, reason = null) => event([{ index: 0, delta, finish_reason: reason }]);
  let begun = false;
  const begin = () => {
    if (!begun) delta({ role: "assistant", content: "" });
    begun = true;
  };
  const { reason, usage } = await chat(body, gone, (text) => {
    begin();
    delta({ content: text });
  });
  begin();
  delta({}, reason);
  if (withUsage) event([], usage);
  response.end("data: [DONE]\n\n");
}

async function embeddings(body, response) {
  known(body);
  const inputs = typeof body.input === "string" ? [body.input] : body.input;
  if (!Array.isArray(inputs) || !inputs.length || inputs.some((one) => typeof one !== "string")) {
    throw wrong("`input` is a text or a list of texts.", "input");
  }
  let tokens = 0;
  const data = [];
  for (const [index, text] of inputs.entries()) {
    tokens += model.tokenize(text).length;
    const { vector } = await embedder.getEmbeddingFor(text);
    const embedding =
      body.encoding_format === "base64" ? Buffer.from(new Float32Array(vector).buffer).toString("base64") : [...vector];
    data.push({ object: "embedding", index, embedding });
  }
  whole(response, 200, { object: "list", data, model: NAME, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

function whole(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

async function read(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    throw wrong("The body is not JSON.");
  }
}

const ROUTES = { "/v1/chat/completions": completions, "/v1/embeddings": embeddings };

const server = createServer(async (request, response) => {
  const left = new AbortController();
  response.on("close", () => left.abort());
  try {
    const route = ROUTES[request.url];
    if (request.method !== "POST" || !route) throw new Wrong(404, "not_found", "There is nothing here.");
    const body = await read(request);
    await alone(() => (left.signal.aborted ? undefined : route(body, response, left.signal)));
  } catch (error) {
    if (response.headersSent) return response.destroy();
    const { status = 500, code = "internal", param = null, message } = error;
    whole(response, status, { error: { message, type: "invalid_request_error", param, code } });
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/v1`));
// Whoever started it holds its input open.
process.stdin.on("close", () => process.exit(0)).resume();
