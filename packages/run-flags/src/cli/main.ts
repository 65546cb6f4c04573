#!/usr/bin/env node
import { runCli } from "./run-cli.ts";

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  now: Date.now,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
});
