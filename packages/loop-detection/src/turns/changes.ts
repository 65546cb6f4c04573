const changingName =
  /(?:^|[_\W])(?:write|edit|create|update|upsert|delete|remove|insert|replace|patch|apply|append|set|add|send|post|put|commit|install|move|rename|book|cancel|modify|fix|save|invite|share|reschedule|deploy|publish)(?=$|[_\W])/i;

const camelCase = /[a-z][A-Z]/;
const betweenWords = /(?<=[a-z])(?=[A-Z])/g;

const changingShell =
  /\bsed\s+-i|\b(?:rm|mv|cp|mkdir|touch|tee|chmod|truncate)\s|\bpatch\b|\bgit\s+(?:apply|checkout|stash|commit|restore|reset|revert|add|merge)\b|\b(?:pip3?|npm|pnpm|yarn|apt(?:-get)?|conda|cargo|go)\s+(?:install|i|add|get|uninstall)\b|>{1,2}\s*[\w./~"'$]|<<|\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|ALTER|DROP|CREATE|TRUNCATE)\s/;

const harmlessRedirect = /\d?>{1,2}\s*(?:&\d|\/dev\/null)/g;
const editorVerb = /^(?:create|str_replace|insert|undo_edit|edit|write|append|delete|replace)$/i;
const scanLimit = 4_000;

/**
 * Guesses whether a call changes something in the world: by the verb in the tool's name, an editor's
 * sub-command, or what a shell or SQL line does. Repeating a call after a change is how people work
 * (edit, test, edit, test), so such repeats weigh less. A wrong guess costs patience, nothing else.
 */
export function looksLikeChange(tool: string, callArguments: unknown): boolean {
  if (changingName.test(tool)) return true;
  if (camelCase.test(tool) && changingName.test(tool.replaceAll(betweenWords, "_"))) return true;
  if (typeof callArguments === "string") return changesInText(callArguments);
  if (typeof callArguments !== "object" || callArguments === null) return false;
  return valuesOf(callArguments)
    .slice(0, 12)
    .some((value) => typeof value === "string" && changesInText(value));
}

function valuesOf(callArguments: object): unknown[] {
  try {
    return Object.values(callArguments);
  } catch {
    // A getter or proxy that throws must not take the run down with it.
    return [];
  }
}

function changesInText(text: string): boolean {
  if (editorVerb.test(text)) return true;
  const seen = text.slice(0, scanLimit);
  return changingShell.test(seen.includes(">") ? seen.replaceAll(harmlessRedirect, "") : seen);
}
