import { EvenkeelError } from "@evenkeel/core";

/** The codes config-freeze throws. */
export type ConfigFreezeErrorCode =
  | "invalid-options"
  | "config-invalid"
  | "config-unavailable"
  | "config-drifted"
  | "manifest-tampered"
  | "manifest-invalid"
  | "manifest-missing"
  | "manifest-version-unsupported"
  | "model-not-rebuildable"
  | "model-revoked"
  | "revocation-unavailable"
  | "node-missing";

/** A failure of config-freeze: see {@link ConfigFreezeErrorCode} for what can happen. */
export class ConfigFreezeError extends EvenkeelError<ConfigFreezeErrorCode> {}
