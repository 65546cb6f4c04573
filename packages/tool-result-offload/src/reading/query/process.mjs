// Plain JavaScript, because a process is started from a file and not through the build: src and dist
// both find it here. It is given a line of JSON and then the data on its input, answers one JSON on
// its output, and may be killed at any moment.
import { runInThisContext } from "node:vm";

import { compile, parse } from "@jsonquerylang/jsonquery";

// A backtracking expression cannot be stopped from inside; the search tool has a linear one.
const off = (name) => () => {
  throw new TypeError(`the function ${name} is off here; use the search tool for that`);
};
const functions = { regex: off("regex"), match: off("match"), matchAll: off("matchAll") };

function readJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    try {
      if (lines.length > 1) return lines.map((line) => JSON.parse(line));
    } catch {
      // Neither JSON nor JSON Lines: the first complaint says more.
    }
    throw error;
  }
}

function describe(data) {
  if (Array.isArray(data)) return `an array of ${data.length}; an element is ${describe(data[0])}`;
  if (typeof data !== "object" || data === null) return data === null ? "null" : `a ${typeof data}`;
  const keys = Object.keys(data);
  return `an object with the keys ${keys.slice(0, 20).join(", ")}${keys.length > 20 ? ", …" : ""}`;
}

// One element a line, so that a page can be read and cut.
function render(value) {
  if (!Array.isArray(value)) return JSON.stringify(value) ?? "null";
  return `[${value.map((item) => `\n${JSON.stringify(item) ?? "null"}`).join(",")}\n]`;
}

function pageOf(text, offset, length) {
  const last = text.charCodeAt(offset + length - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return { text: text.slice(offset, offset + length - (splitsPair ? 1 : 0)), total: text.length };
}

function answer({ query, offset, length }, text) {
  let data;
  try {
    data = readJson(text);
  } catch (error) {
    return { code: "not-json", reason: error.message };
  }
  let value;
  try {
    value = compile(parse(query), { functions })(data);
  } catch (error) {
    return { code: "query-invalid", reason: `${error.message}. The data is ${describe(data)}.` };
  }
  try {
    return pageOf(render(value), offset, length);
  } catch (error) {
    return { code: "query-exhausted", reason: `its answer cannot be written (${error.message})` };
  }
}

const parts = [];
for await (const part of process.stdin) parts.push(part);
const input = Buffer.concat(parts.splice(0));
const head = input.indexOf(10);
const job = JSON.parse(input.toString("utf8", 0, head));
globalThis.answerJob = () => answer(job, input.toString("utf8", head + 1));
// The parent kills us in time; should it be gone itself, this ends what nobody waits for.
const result = runInThisContext("answerJob()", { timeout: job.timeoutMs });
process.stdout.write(JSON.stringify(result));
