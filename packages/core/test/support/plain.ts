// Also the hashes that are ids of interrupts, and the short ids deepagents gives its summaries.
const ID =
  /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{32}\b|(?<=session_)[0-9a-f]{8}/g;
const OWN_METADATA = new Set(["evenkeel_execution_id", "execution_attempt"]);
// LangGraph puts the live callback handlers into what the checkpoints stream shows of a subgraph.
const LIVE = new Set(["callbacks"]);
const CLOCK = new Set(["ts", "timestamp", "createdAt"]);

/**
 * A value as JSON text in which two runs of the same graph are equal: ids are numbered by their
 * order, times are left out, and so is the metadata that Evenkeel says it adds to every run.
 */
export function plain(value: unknown): unknown {
  const ids = new Map<string, string>();
  const text = JSON.stringify(value, (key, member: unknown) => {
    if (OWN_METADATA.has(key) || CLOCK.has(key) || LIVE.has(key)) return undefined;
    // LangChain tells the model where in its own code a tool's arguments were refused.
    if (typeof member === "string") return member.replaceAll(/\n +at .*/g, "");
    if (member instanceof Map) return Object.fromEntries(member);
    if (member instanceof Error) return { name: member.name, message: member.message };
    return member;
  });
  if (text === undefined) return undefined;
  return JSON.parse(
    text.replace(ID, (id) => {
      const known = ids.get(id) ?? `id-${ids.size + 1}`;
      ids.set(id, known);
      return known;
    }),
  );
}
