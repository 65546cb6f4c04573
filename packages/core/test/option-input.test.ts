import { optionInput } from "@evenkeel/core";
import { expect, test } from "vitest";

const checks = {
  mode: optionInput.MODE_OPTION,
  name: optionInput.NAME_OPTION,
} as const;

function refused(options: unknown): unknown {
  try {
    optionInput.assertOptionTable(options, checks, (option, came, allowed) => {
      throw Object.assign(new Error("refused"), optionInput.refusal("mine", option, came, allowed));
    });
  } catch (error) {
    return (error as { readonly message: string }).message;
  }
  return undefined;
}

test("options that are in the table and hold pass, undefined ones too", () => {
  expect(refused({})).toBeUndefined();
  expect(refused({ mode: "observe", name: undefined })).toBeUndefined();
});

test("an option nobody knows is refused with the ones there are, inherited names too", () => {
  expect(refused({ modus: "off" })).toBe(
    'mine: option "modus": "off" came; allowed is one of mode, name.',
  );
  expect(refused({ toString: 1 })).toContain("allowed is one of mode, name");
});

test("what is no object is refused as such", () => {
  expect(refused(undefined)).toContain('option "options": nothing came');
  expect(refused([])).toContain("a list came; allowed is an object");
});

test("what came is told by its kind, never with what may be a secret", () => {
  const message = String(refused({ mode: { apiKey: "sk-secret" } }));
  expect(message).toContain("an object with apiKey");
  expect(message).not.toContain("sk-secret");
});
