import { describe, expect, test } from "vitest";

import { compose } from "../src/compose.ts";
import type { OnionHook, OnionLayer } from "../src/compose.ts";

type Layer = OnionLayer<string, string>;

function layer(name: string, hook: OnionHook<string, string>, retries = false): Layer {
  return { name, retries, hook };
}

/** Lets everything that waits for nothing but its turn have it. */
const turn = (): Promise<void> => new Promise(setImmediate);

describe("order", () => {
  const marking = (name: string): Layer =>
    layer(name, async (request, handler) => `${await handler(`${request}>${name}`)}<${name}`);

  test("the first layer is outermost", async () => {
    const call = compose([marking("a"), marking("b")], async (request) => `${request}|`);
    expect(await call("in")).toBe("in>a>b|<b<a");
  });

  test("without layers it is the call itself", async () => {
    const base = async (request: string): Promise<string> => request;
    expect(compose([], base)).toBe(base);
  });

  test("a layer that answers by itself keeps the rest from running", async () => {
    const reached: string[] = [];
    const call = compose(
      [layer("cache", async () => "cached"), marking("never")],
      async (request) => {
        reached.push(request);
        return request;
      },
    );
    expect(await call("in")).toBe("cached");
    expect(reached).toEqual([]);
  });

  test("two calls of one onion know nothing of each other", async () => {
    const call = compose([marking("a")], async (request) => {
      await turn();
      return request;
    });
    expect(await Promise.all([call("one"), call("two")])).toEqual(["one>a<a", "two>a<a"]);
  });
});

describe("a handler called twice", () => {
  const twice: OnionHook<string, string> = async (request, handler) => {
    await handler(request);
    return handler(request);
  };

  test("without leave is an error that names the layer, and the call is made once", async () => {
    let calls = 0;
    const call = compose([layer("doubtMiddleware", twice)], async () => {
      calls += 1;
      return "done";
    });
    await expect(call("in")).rejects.toMatchObject({
      code: "handler-called-twice",
      middleware: "doubtMiddleware",
      message: expect.stringContaining("2 times"),
    });
    expect(calls).toBe(1);
  });

  test("with leave is made again", async () => {
    let calls = 0;
    const call = compose(
      [layer("retryMiddleware", twice, true)],
      async () => `call ${(calls += 1)}`,
    );
    expect(await call("in")).toBe("call 2");
  });

  test("of an outer layer with leave does not count for the one inside", async () => {
    const pass = layer("pass", (request, handler) => handler(request));
    const call = compose([layer("retry", twice, true), pass], async (request) => request);
    expect(await call("in")).toBe("in");
  });
});

describe("a handler that is not awaited", () => {
  const hasty: OnionHook<string, string> = async (request, handler) => {
    void handler(request);
    return "early";
  };

  test("is an error that names the layer", async () => {
    const call = compose([layer("hastyMiddleware", hasty)], async (request) => {
      await turn();
      return request;
    });
    await expect(call("in")).rejects.toMatchObject({
      code: "handler-not-awaited",
      middleware: "hastyMiddleware",
    });
  });

  test("and then fails is no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", listen);
    const call = compose([layer("hasty", hasty)], async () => {
      await turn();
      throw new Error("too late");
    });
    await expect(call("in")).rejects.toMatchObject({ code: "handler-not-awaited" });
    await turn();
    await turn();
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });

  test("is no crime where one of two tries lost a race it was allowed to run", async () => {
    const racing: OnionHook<string, string> = async (request, handler) => {
      const tries = [handler(request), handler(request)];
      const first = await Promise.race(tries);
      await Promise.allSettled(tries);
      return first;
    };
    const call = compose([layer("hedge", racing, true)], async (request) => request);
    expect(await call("in")).toBe("in");
  });
});

describe("an error", () => {
  const broken = new Error("the model is gone");

  test("of the call passes every layer by identity", async () => {
    const pass = layer("pass", (request, handler) => handler(request));
    const call = compose([pass, pass], () => Promise.reject(broken));
    await expect(call("in")).rejects.toBe(broken);
  });

  test("of a layer passes the layers around it", async () => {
    const pass = layer("pass", (request, handler) => handler(request));
    const call = compose(
      [pass, layer("breaks", () => Promise.reject(broken))],
      async () => "never",
    );
    await expect(call("in")).rejects.toBe(broken);
  });

  test("thrown before the first await is a rejection", async () => {
    const throws = layer("throws", () => {
      throw broken;
    });
    await expect(compose([throws], async () => "never")("in")).rejects.toBe(broken);
  });

  test("can be answered by a layer", async () => {
    const calm = layer("calm", (request, handler) => handler(request).catch(() => "all is well"));
    expect(await compose([calm], () => Promise.reject(broken))("in")).toBe("all is well");
  });
});
