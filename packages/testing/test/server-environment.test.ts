import { expect, test } from "vitest";

import { serverEnvironment } from "../src/postgres/server-environment.ts";

test("a server inherits neither settings of clients, nor loaders, nor the locale", () => {
  const from = {
    PATH: "/bin",
    PGDATA: "/elsewhere",
    PGPORT: "5432",
    NODE_OPTIONS: "--import tsx",
    LD_LIBRARY_PATH: "/conda/lib",
    LANG: "de_DE.UTF-8",
    LC_NUMERIC: "de_DE.UTF-8",
    TZ: "Europe/Vienna",
  };
  expect(serverEnvironment(from)).toEqual({ PATH: "/bin", LC_ALL: "C", TZ: "UTC" });
});
