import { isSecretKey } from "./secret-keys.ts";

/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

/*
 * Own tables, not langsmith's `createSecretAnonymizer`: core must run without langsmith; that one
 * clones through JSON (it throws on cycles and bigints and loses Errors and Maps), looks at values
 * only and never at the key of an object, and leaves what lies deeper than 24 levels as it is. A
 * test holds this table to masking all that its rules mask.
 *
 * Every pattern is linear in the text: a run that may fail late is bounded or starts only where
 * the run itself starts.
 */

/** Secrets known by how they begin, at the start of a word. */
const WORD_FORMS = [
  // OpenAI, Anthropic, OpenRouter and others; a digit is asked for, so that CSS classes pass.
  "sk-(?=[\\w-]{0,64}\\d)[\\w-]{20,}",
  "(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}", // Stripe
  "whsec_[A-Za-z0-9+/=]{16,}",
  "gh[pousr]_[A-Za-z0-9]{20,}", // GitHub
  "github_pat_\\w{20,}",
  "glpat-[\\w-]{20,}", // GitLab
  "xox[a-z](?:\\.xox[a-z])?-[A-Za-z0-9-]{10,}", // Slack
  "xapp-\\d-[A-Za-z0-9-]{10,}",
  "(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])", // AWS
  "AIza[\\w-]{35}", // Google
  "ya29\\.[\\w.-]{10,}",
  "GOCSPX-[\\w-]{20,}",
  "lsv2_(?:pt|sk)_[A-Za-z0-9]{16,}(?:_[A-Za-z0-9]+)?", // LangSmith
  "ls__[A-Za-z0-9]{16,}",
  "npm_[A-Za-z0-9]{30,}",
  "pypi-[\\w-]{50,}",
  "hf_[A-Za-z0-9]{30,}", // Hugging Face
  "(?:gsk_|xai-|pplx-|r8_|sbp_|dop_v1_|shpat_|ntn_|lin_api_)[\\w-]{20,}",
  "SG\\.[\\w-]{16,}\\.[\\w-]{16,}", // SendGrid
  "dapi[0-9a-f]{32}", // Databricks
  "hvs\\.[\\w-]{20,}", // HashiCorp Vault
];

// One look back for all of them: with one in each, the engine tries every form at every character.
const KNOWN_FORMS = new RegExp(
  [
    `(?<![A-Za-z0-9])(?:${WORD_FORMS.join("|")})`,
    "(?<![\\w-])eyJ[\\w-]{8,}\\.[\\w-]{8,}\\.[\\w-]*(?:\\.[\\w-]+){0,2}", // JWT and JWE
  ].join("|"),
  "g",
);

/** The secret part of a webhook's address; looked for only where there is one, as it looks back everywhere. */
const WEBHOOK_PATHS =
  /(?<=hooks\.slack\.com\/(?:services|workflows|triggers)\/)[\w/]{10,}|(?<=discord(?:app)?\.com\/api\/webhooks\/)[\w/-]{10,}/g;
const WEBHOOK_HOSTS = /hooks\.slack\.com|discord(?:app)?\.com/;

/** A block that never ends is masked to the end of the text: a log that was cut still holds the key. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g;

/** The password of `scheme://user:password@host`, or a long user part that is a token itself. */
const URL_CREDENTIALS = /(:\/\/[^\s/:@?#"'<>]{0,256}:)[^\s/"'<>]{1,1024}(?=@)/g;
const URL_TOKEN = /(:\/\/)[^\s/:@?#"'<>]{16,1024}(?=@)/g;

/** An HTTP scheme word and its credential; prose such as "Bearer authentication" holds no digit. */
const SCHEME =
  /(?<![A-Za-z0-9])((?:[Bb]earer|BEARER|[Bb]asic|BASIC|[Dd]igest)\s{1,4})(?=[\w.~+/-]{1,200}[0-9A-Z=])[\w.~+/-]{8,}={0,2}/g;

/** A cookie header runs to the end of its line. */
const COOKIE_HEADER = /((?<![A-Za-z0-9])(?:set-)?cookie["']?\s{0,3}:\s{0,3})[^\r\n]{4,}/gi;

/** Signatures in the query of a pre-signed URL. */
const SIGNED_QUERY = /([?&](?:sig|signature|x-amz-signature|x-goog-signature)=)[^&\s"'<>]+/gi;

/** What assigns: `name = value`, `"name": "value"`, `\\"name\\": \\"value\\"`, `--name value`. */
const ASSIGNED_NAME =
  /(?<![\w.-])(-{0,2})([A-Za-z_][\w.-]{0,127})(\\*["'`]?\s{0,3}[:=]\s{0,3}|(?<=--[\w.-]{1,128})\s{1,3})/g;

/** What is assigned: a quoted text to its closing quote, else a bare word of six characters or more. */
const ASSIGNED_VALUE =
  /\\+"(?:(?!\\*")[^\n])*|"(?:\\.|[^"\\\n])*|'[^'\n]*|`[^`\n]*|(?:(?:bearer|basic|digest|token)\s{1,3})?[^\s"'`&;,<>(){}[\]]{6,}/iy;

function maskAssignments(text: string): string {
  let masked = "";
  let done = 0;
  ASSIGNED_NAME.lastIndex = 0;
  for (let found = ASSIGNED_NAME.exec(text); found; found = ASSIGNED_NAME.exec(text)) {
    if (!isSecretKey(found[2] ?? "")) continue;
    ASSIGNED_VALUE.lastIndex = ASSIGNED_NAME.lastIndex;
    const value = ASSIGNED_VALUE.exec(text)?.[0] ?? "";
    const quote = /^\\*["'`]/.exec(value)?.[0] ?? "";
    if (value.length === quote.length) continue;
    masked += text.slice(done, ASSIGNED_NAME.lastIndex) + quote + REDACTED;
    done = ASSIGNED_NAME.lastIndex += value.length;
  }
  return masked + text.slice(done);
}

/**
 * A text with what can only be a secret masked: known key forms, tokens, private keys, credentials
 * in URLs. Prose that talks about secrets stays as it is.
 */
export function maskKnownSecrets(text: string): string {
  const rest = WEBHOOK_HOSTS.test(text) ? text.replace(WEBHOOK_PATHS, REDACTED) : text;
  return rest
    .replace(PRIVATE_KEY, REDACTED)
    .replace(KNOWN_FORMS, REDACTED)
    .replace(URL_CREDENTIALS, `$1${REDACTED}`)
    .replace(URL_TOKEN, `$1${REDACTED}`);
}

/**
 * A text with the secrets in it masked: known key forms, tokens, private keys, credentials in
 * URLs, and whatever is assigned to a name that says it is a secret. Masking twice changes nothing.
 */
export function redactText(text: string): string {
  const known = maskKnownSecrets(text)
    .replace(COOKIE_HEADER, `$1${REDACTED}`)
    .replace(SIGNED_QUERY, `$1${REDACTED}`);
  return maskAssignments(known).replace(SCHEME, `$1${REDACTED}`);
}
