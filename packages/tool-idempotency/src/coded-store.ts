import { CoreError, EvenkeelError } from "@evenkeel/core";
import type { EffectLedger, ExecutionLease } from "@evenkeel/core";

/**
 * A store whose every failure carries a code: without one, a tool node would take the ledger's failure
 * for the tool's and ask the model to try again.
 */
export function codedStore(
  store: EffectLedger & ExecutionLease,
  middleware: string,
): Pick<EffectLedger & ExecutionLease, "claimEffect" | "settleEffect" | "acquireLease"> {
  const coded = (cause: unknown): never => {
    if (EvenkeelError.isInstance(cause)) throw cause;
    throw new CoreError({
      code: "store-unavailable",
      middleware,
      message: `The ledger of effects failed: ${cause instanceof Error ? cause.message : typeof cause}.`,
      cause,
    });
  };
  return {
    claimEffect: (request) => store.claimEffect(request).catch(coded),
    settleEffect: (claim, settlement) => store.settleEffect(claim, settlement).catch(coded),
    acquireLease: (request) => store.acquireLease(request).catch(coded),
  };
}
