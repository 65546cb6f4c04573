import { uuidv7 } from "uuidv7";

/** A time-ordered unique id (UUID version 7). */
export function v7(): string {
  return uuidv7();
}
