import { describe, expect, test } from "vitest";

import { conformance as conformanceList } from "../src/conformance/conformance.ts";
import type { ConformanceOptions } from "../src/conformance/options.ts";
import { conformance } from "../src/vitest.ts";
import { abortBreakers } from "./breakers/abort.ts";
import { bubbleUpBreakers } from "./breakers/bubble-up.ts";
import { companyBreakers } from "./breakers/company.ts";
import { olderNotes, repeatGuardMiddleware, repeating } from "./breakers/good-acting.ts";
import { quietMiddleware } from "./breakers/good-idle.ts";
import { patience } from "./breakers/good-retrying.ts";
import { handlerBreakers } from "./breakers/handler-calls.ts";
import { resultBreakers } from "./breakers/results.ts";
import { resumeBreakers } from "./breakers/resume.ts";
import { stateBreakers } from "./breakers/state.ts";
import { surroundingsBreakers } from "./breakers/surroundings.ts";
import { versionBreakers } from "./breakers/versions.ts";
import { visibilityBreakers } from "./breakers/visibility.ts";

const breakers = [
  ...bubbleUpBreakers,
  ...resultBreakers,
  ...handlerBreakers,
  ...abortBreakers,
  ...stateBreakers,
  ...resumeBreakers,
  ...companyBreakers,
  ...surroundingsBreakers,
  ...versionBreakers,
  ...visibilityBreakers,
];

async function check(law: number, options: ConformanceOptions): Promise<void> {
  await conformanceList(options)
    .find((candidate) => candidate.law === law)
    ?.run();
}

conformance({ create: quietMiddleware, others: [repeatGuardMiddleware] });

conformance({
  create: repeatGuardMiddleware,
  capabilities: { acts: repeating, state: olderNotes },
  others: [quietMiddleware],
});

describe("a middleware that retries as it declared keeps the laws that concern it", () => {
  for (const law of [1, 4, 6, 14]) {
    test(`law ${law}`, { timeout: 60_000 }, () =>
      expect(check(law, patience)).resolves.toBeUndefined(),
    );
  }
});

describe("a law is red on a middleware that breaks it", () => {
  for (const { law, does, says, options } of breakers) {
    test(`law ${law}: it ${does}`, { timeout: 60_000 }, async () => {
      const failure = await check(law, options).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "law-broken", details: { law } });
      const { message } = failure as Error;
      expect(message).toMatch(says);
      expect(message).toMatch(/^Law \d+ is broken: .+\n[^]+\nFix: .+/);
    });
  }

  test("every one of the nineteen has a breaker", () => {
    const broken = new Set(breakers.map(({ law }) => law));
    const laws = conformanceList({ create: quietMiddleware }).map(({ law }) => law);
    expect(laws).toEqual(Array.from({ length: 19 }, (_, index) => index + 1));
    expect(laws.filter((law) => !broken.has(law))).toEqual([]);
  });
});
