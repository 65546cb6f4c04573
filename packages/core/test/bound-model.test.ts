import { expect, test } from "vitest";

import { boundModel } from "../src/model/bound-model.ts";

type Bindable = Parameters<typeof boundModel>[0];

function countingModel(): { model: Bindable; bound: () => number } {
  let calls = 0;
  const model = {
    bindTools: (tools: unknown[], settings: unknown) => ({ tools, settings, call: (calls += 1) }),
  } as unknown as Bindable;
  return { model, bound: () => calls };
}

const search = { name: "search" };
const refund = { name: "refund" };

test("a model is bound once to a set of tools and settings, whatever lists they come in", () => {
  const { model, bound } = countingModel();
  const schema = { type: "object" };
  const first = boundModel(model, [search, refund], { response_format: schema });
  expect(boundModel(model, [search, refund], { response_format: schema })).toBe(first);
  expect(bound()).toBe(1);
});

test("other tools, another order, another setting and another model are bound on their own", () => {
  const { model, bound } = countingModel();
  const made = [
    boundModel(model, [search], {}),
    boundModel(model, [search, refund], {}),
    boundModel(model, [refund, search], {}),
    boundModel(model, [{ ...search }], {}),
    boundModel(model, [search], { strict: true }),
    boundModel(model, [search], { strict: false }),
    boundModel(countingModel().model, [search], {}),
  ];
  expect(new Set(made).size).toBe(7);
  expect(bound()).toBe(6);
});

test("a list that is changed after it was bound is another one", () => {
  const { model, bound } = countingModel();
  const tools = [search];
  boundModel(model, tools, {});
  tools.push(refund);
  boundModel(model, tools, {});
  expect(bound()).toBe(2);
});

test("what was bound long ago is let go", () => {
  const { model, bound } = countingModel();
  for (let index = 0; index < 20; index += 1) boundModel(model, [search], { index });
  boundModel(model, [search], { index: 19 });
  expect(bound()).toBe(20);
  boundModel(model, [search], { index: 0 });
  expect(bound()).toBe(21);
});
