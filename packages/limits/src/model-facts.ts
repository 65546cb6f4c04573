/** Which model a call goes to. */
export interface ModelFacts {
  /** Such as `gpt-5.2`; null where the model does not say. */
  readonly model: string | null;
  /** Such as `openai`; null where the model does not say. */
  readonly provider: string | null;
}

interface ModelLike {
  readonly model?: unknown;
  readonly modelName?: unknown;
  getLsParams?(options: object): { ls_provider?: unknown; ls_model_name?: unknown };
  _llmType?(): unknown;
}

/** Reads a chat model's own name and provider, as tracing shows them. */
export function modelFacts(candidate: unknown): ModelFacts {
  const model = (candidate ?? {}) as ModelLike;
  const traced = attempt(() => model.getLsParams?.({}));
  return {
    model: text(traced?.ls_model_name) ?? text(model.model) ?? text(model.modelName),
    provider: text(traced?.ls_provider) ?? text(attempt(() => model._llmType?.())),
  };
}

/** A model of someone else may throw at anything it is asked outside a call. */
function attempt<Value>(ask: () => Value): Value | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
