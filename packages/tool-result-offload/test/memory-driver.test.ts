import { memoryResults } from "../src/memory-driver.ts";
import { testResultStore } from "./result-store-suite.ts";

testResultStore("memory", async () => {
  const driver = memoryResults();
  return {
    driver,
    reopen: () => driver,
    leavesOrphans: false,
    mostCopies: 1,
    close: async () => undefined,
  };
});
