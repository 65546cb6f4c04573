import { createHash } from "node:crypto";

import type { ResultOwner, Subject } from "@evenkeel/core";

/** An owner as hashes: safe as file names and namespaces, whatever the ids look like. */
export interface OwnerKey {
  /** 32 hexadecimal digits. */
  readonly scope: string;
  /** 32 hexadecimal digits. */
  readonly thread: string;
}

export function ownerKey({ scope, threadId }: ResultOwner): OwnerKey {
  return { scope: hash(["scope", scope]), thread: hash(["thread", scope, threadId]) };
}

/** The keys of a subject: none for everything, no thread for a scope. */
export function subjectKey(subject: Subject | undefined): Partial<OwnerKey> {
  if (subject === undefined) return {};
  const { scope, threadId } = subject;
  return threadId === undefined ? { scope: hash(["scope", scope]) } : ownerKey({ scope, threadId });
}

// JSON keeps the parts apart, so that no two different lists hash alike, and escapes lone surrogates.
function hash(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
