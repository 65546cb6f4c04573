import { defineConfig } from "vitest/config";

const conditions = process.env["TEST_BUILT"]
  ? ["module", "node"]
  : ["@evenkeel/source", "module", "node"];
const resolve = { conditions, externalConditions: conditions };

export default defineConfig({
  ssr: { resolve },
  // The environment that global set-up runs in.
  environments: { __vitest__: { resolve } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    typecheck: { enabled: true, include: ["packages/*/test/**/*.test-d.ts"] },
    globalSetup: ["packages/testing/src/vitest-postgres.ts"],
    restoreMocks: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
