import { EndpointError } from "./endpoint/endpoint-error.ts";

/** The value, if it is a whole number within bounds; else an error that names the option. */
export function requireInteger(
  option: string,
  value: number,
  minimum: number,
  maximum: number = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= minimum && value <= maximum) return value;
  const allowed =
    maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum} on` : `from ${minimum} to ${maximum}`;
  throw new EndpointError(
    "invalid-option",
    `${option} is ${value}, allowed are integers ${allowed}`,
  );
}
