/** Names whose value is a secret wherever they end a key: `api_key`, `openaiApiKey`, `X-Api-Key` are one. */
const SECRET_ENDINGS = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "secret",
  "authorization",
  "credential",
  "cookie",
  "jwt",
  "apikey",
  "accesskey",
  "privatekey",
  "secretkey",
  "signingkey",
  "encryptionkey",
  "masterkey",
  "sessionkey",
  "sharedkey",
  "accountkey",
  "servicekey",
  "subscriptionkey",
  "functionskey",
  "webhookkey",
  "deploykey",
  "sshkey",
  "connectionstring",
  "(?:access|auth|refresh|api|bearer|session|id|csrf|xsrf|personal|secret)token",
].join("|");

/** What may stand behind such a name without making it harmless: `passwordHash`, `secret_value`, `cookie2`. */
const QUALIFIERS = "(?:value|hash|salt|text|plain|plaintext|header|string|old|new|current|base64)?";

const SECRET_KEY = new RegExp(`(?:${SECRET_ENDINGS})s?${QUALIFIERS}\\d{0,3}$`);

/** Names that are secrets only as the whole key, being too short or too common to end one. */
const SECRET_EXACT = /^(?:auth|basicauth|bearer|pwd|dbpwd|dbpass|userpass|sas|sig|otp|cvv|cvc)$/;

/** A single `token` is a secret; the tokens of a tokenizer and the cursors of a page are not. */
const TOKEN = /tokenvalue$|token\d{0,3}$/;
const HARMLESS_TOKEN =
  /(?:page|continuation|cursor|next|sync|eos|bos|stop|start|end|pad|unk|sep|cls|mask|special|per|by|max|first|last|each|input|output|prompt|cancellation)token\d{0,3}$/;

/** True where a key's name says that its value is a secret. */
export function isSecretKey(key: string): boolean {
  const compact = key
    .slice(0, 256)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "");
  if (SECRET_EXACT.test(compact) || SECRET_KEY.test(compact)) return true;
  return TOKEN.test(compact) && !HARMLESS_TOKEN.test(compact);
}
