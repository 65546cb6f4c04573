const words =
  "pending|queued|enqueued|running|in[ _-]?progress|processing|provisioning|starting|initiali[sz]ing|deploying|uploading|downloading|transcoding|rendering|indexing|syncing|waiting|not[ _-](?:yet[ _-])?(?:ready|finished|completed?|done|available)|still \\w+ing|try again (?:later|in)|please wait|retry[ _-]?after";

const statusMember = new RegExp(
  `["']?(?:status|state|phase|stage|condition)["']?\\s*[:=]\\s*["']?(?:${words})`,
  "i",
);
const phrase = new RegExp(`\\b(?:${words})\\b`, "i");

/**
 * True for an answer that says the work is not finished yet: a status member that says so in up to
 * 2,000 characters, or the words themselves in up to 160. Asking again is then polling, not a loop,
 * and gets more patience. An answer that failed never is.
 */
export function saysWaiting(result: string, failed: boolean): boolean {
  if (failed) return false;
  if (result.length <= 160) return phrase.test(result);
  return result.length <= 2_000 && statusMember.test(result);
}
