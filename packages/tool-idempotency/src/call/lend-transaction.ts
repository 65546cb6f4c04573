import { IdempotencyError } from "../errors.ts";

/** A transaction as a tool gets it. */
export interface LentTransaction {
  readonly transaction: unknown;
  /** From here on the tool can do nothing with it. */
  readonly end: () => void;
}

/**
 * Lends a transaction to a tool for as long as its call lasts. An aborted call ends while the tool's
 * own code goes on, and what that does then would happen outside of the transaction, unrecorded.
 */
export function lendTransaction(transaction: unknown, middleware: string): LentTransaction {
  if (typeof transaction !== "object" || transaction === null) {
    return { transaction, end: () => undefined };
  }
  let over = false;
  const lent = new Proxy(transaction, {
    get(target, name) {
      if (over) throw ended(middleware);
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...parameters: unknown[]): unknown => {
        if (over) throw ended(middleware);
        return Reflect.apply(value, target, parameters);
      };
    },
  });
  return {
    transaction: lent,
    end: () => {
      over = true;
    },
  };
}

function ended(middleware: string): IdempotencyError {
  return new IdempotencyError({
    code: "no-effect-here",
    middleware,
    message:
      "effectTransaction() was used after its tool's call had ended: by an abort, or by work the tool did not wait for. Nothing was done.",
  });
}
