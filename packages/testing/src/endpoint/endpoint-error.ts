import { EvenkeelError } from "@evenkeel/core";

/** Why a local endpoint, or the script or model behind it, refused what it was given. */
export type EndpointErrorCode =
  | "body-too-large"
  | "body-unreadable"
  | "conflict"
  | "endpoint-closed"
  | "endpoint-failed"
  | "filter-invalid"
  | "invalid-option"
  | "invalid-request"
  | "not-found"
  | "port-unavailable"
  | "script-exhausted"
  | "script-failed"
  | "unauthorized";

/** The error of the local endpoints: `code` names the cause, `status` is what the client is sent. */
export class EndpointError extends EvenkeelError<EndpointErrorCode> {
  readonly status: number;

  constructor(
    code: EndpointErrorCode,
    message: string,
    options: { status?: number; cause?: unknown } = {},
  ) {
    super({ code, message, cause: options.cause });
    this.status = options.status ?? 500;
  }
}

/** Makes an `EndpointError` of whatever was thrown, keeping it as the cause. */
export function toEndpointError(error: unknown): EndpointError {
  if (error instanceof EndpointError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EndpointError("endpoint-failed", message, { cause: error });
}
