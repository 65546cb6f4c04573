import { defineConfig } from "vitest/config";

const conditions = process.env["TEST_BUILT"]
  ? ["module", "node"]
  : ["@evenkeel/source", "module", "node"];

export default defineConfig({
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts"],
    typecheck: { enabled: true, include: ["packages/*/test/**/*.test-d.ts"] },
    restoreMocks: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
