import { createSecretAnonymizer } from "langsmith/anonymizer";
import { describe, expect, it } from "vitest";

import { isSecretKey } from "../src/redact/secret-keys.ts";
import { redactText } from "../src/redact/secret-text.ts";

const ALPHABET = "aZ3bY5cX7dW9eV2fU4gT6hS8";

/** Made up here piece by piece, so that no scanner takes this file for a leak. */
function made(prefix: string, length: number, alphabet = ALPHABET): string {
  return prefix + alphabet.repeat(Math.ceil(length / alphabet.length)).slice(0, length);
}

const jwt = [made("eyJ", 30), made("eyJ", 60), made("", 43)].join(".");
const pem = (kind: string): string =>
  `-----BEGIN ${kind}-----\n${made("", 64)}\n${made("", 64)}\n-----END ${kind}-----`;

const langsmith: (text: string) => string = createSecretAnonymizer();

const knownForms: [string, string][] = [
  ["OpenAI project key", made("sk-proj-", 48)],
  ["OpenAI legacy key", made("sk-", 48)],
  ["Anthropic key", made("sk-ant-api03-", 80)],
  ["Stripe live key", made("sk_live_", 24)],
  ["Stripe restricted key", made("rk_test_", 24)],
  ["Stripe webhook secret", made("whsec_", 32)],
  ["GitHub token", made("ghp_", 36)],
  ["GitHub fine-grained token", made("github_pat_", 82)],
  ["GitLab token", made("glpat-", 20)],
  ["Slack bot token", made("xoxb-", 40)],
  ["Slack app token", made("xapp-1-", 40)],
  ["AWS key id", made("AKIA", 16, "Z3Y5X7W9")],
  ["Google API key", made("AIza", 35)],
  ["Google OAuth token", made("ya29.", 60)],
  ["Google client secret", made("GOCSPX-", 28)],
  ["LangSmith key", `${made("lsv2_pt_", 32)}_${made("", 10)}`],
  ["npm token", made("npm_", 36)],
  ["PyPI token", made("pypi-AgEIcHlwaS", 60)],
  ["Hugging Face token", made("hf_", 34)],
  ["SendGrid key", `${made("SG.", 22)}.${made("", 43)}`],
  ["JWT", jwt],
  ["RSA private key", pem("RSA PRIVATE KEY")],
  ["PKCS#8 private key", pem("PRIVATE KEY")],
  ["PGP private key", pem("PGP PRIVATE KEY BLOCK")],
];

describe("redactText", () => {
  it.each(knownForms)("masks a %s in the middle of a text", (_title, secret) => {
    expect(redactText(`before ${secret} after`)).toBe("before [redacted] after");
    expect(redactText(`{"x":"${secret}"}`)).toBe('{"x":"[redacted]"}');
    expect(redactText(`/path=${secret}`)).not.toContain(secret);
  });

  it.each(knownForms.filter(([, secret]) => langsmith(secret) !== secret))(
    "masks what langsmith's own anonymizer masks: %s",
    (_title, secret) => {
      expect(redactText(secret)).toBe("[redacted]");
    },
  );

  it.each([
    ["password=hunter22 and more", "password=[redacted] and more"],
    ['{"password": "correct horse", "b": 1}', '{"password": "[redacted]", "b": 1}'],
    ['{"password":"a\\"b c","b":1}', '{"password":"[redacted]","b":1}'],
    ['{\\"api_key\\":\\"abc def\\",\\"x\\":1}', '{\\"api_key\\":\\"[redacted]\\",\\"x\\":1}'],
    ["client_secret: 'x y z'", "client_secret: '[redacted]'"],
    ["mysql --password hunter22 --host db", "mysql --password [redacted] --host db"],
    ["--api-key=abcdef1 -v", "--api-key=[redacted] -v"],
    ["export DB_PASSWORD=hunter22", "export DB_PASSWORD=[redacted]"],
    ["error: failed with password=hunter22", "error: failed with password=[redacted]"],
    ["message: 'token=abcdef12'", "message: 'token=[redacted]'"],
    ["Authorization: Bearer abc123def456", "Authorization: [redacted]"],
    ["curl -H 'X-Api-Key: abcdef12'", "curl -H 'X-Api-Key: [redacted]'"],
    ["sent Bearer abc123def456ghi to x", "sent Bearer [redacted] to x"],
    ["Basic dXNlcjpwYXNzd29yZA==", "Basic [redacted]"],
    ["Cookie: a=b; c=d\nHost: x", "Cookie: [redacted]\nHost: x"],
    ["set-cookie: sid=abc; HttpOnly", "set-cookie: [redacted]"],
    ["postgres://app:p@ss:word@db:5432/x", "postgres://app:[redacted]@db:5432/x"],
    ["redis://:hunter2@cache:6379", "redis://:[redacted]@cache:6379"],
    [`https://${made("", 32)}@o1.ingest.example/1`, "https://[redacted]@o1.ingest.example/1"],
    [
      "Server=db;User Id=sa;Password=p@ssw0rd;Encrypt=1",
      "Server=db;User Id=sa;Password=[redacted];Encrypt=1",
    ],
    [
      "AccountName=a;AccountKey=abc/def+gh==;Suffix=x",
      "AccountName=a;AccountKey=[redacted];Suffix=x",
    ],
    ["https://x/y?sv=1&sig=abc%3D&se=2", "https://x/y?sv=1&sig=[redacted]&se=2"],
    ["https://x/?X-Amz-Signature=0a1b2c&z=1", "https://x/?X-Amz-Signature=[redacted]&z=1"],
    [`-----BEGIN PRIVATE KEY-----\n${made("", 64)}`, "[redacted]"],
    [
      "https://hooks.slack.com/services/T00000000/B00000000/abc",
      "https://hooks.slack.com/services/[redacted]",
    ],
  ])("turns %j into %j", (text, masked) => {
    expect(redactText(text)).toBe(masked);
    expect(redactText(masked)).toBe(masked);
  });

  it.each([
    "max_tokens: 1000000",
    '{"prompt_tokens":123456,"total_tokens":1234567}',
    "time_to_first_token: 0.1234567",
    "next_page_token: abcdefgh",
    "thread_id: 0198f0a2-7c3e-7000-8000-000000000000",
    "bearer authentication is required",
    "Unexpected token < in JSON at position 0",
    "ssh://git@example.com/repository",
    "see https://example.com:8080/path?x=1",
    "class=sk-folding-cube-container-large",
    '"token": ""',
    "the password is wrong",
    "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "",
  ])("leaves %j as it is", (text) => {
    expect(redactText(text)).toBe(text);
  });

  it.each([
    "://a:",
    "eyJabcdefgh.",
    "sk-",
    "-----BEGIN PRIVATE KEY-----",
    'password="',
    '\\"',
    "--a ",
    "Bearer aaaaaaaa",
  ])("ends on a megabyte of %j", (unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
    expect(redactText(text).length).toBeLessThanOrEqual(text.length * 2);
  });
});

describe("isSecretKey", () => {
  it.each([
    "password",
    "DB_PASSWORD",
    "userPassword",
    "passwordHash",
    "password2",
    "client_secret",
    "secrets",
    "api_key",
    "apiKey",
    "x-api-key",
    "openaiApiKey",
    "OPENAI_API_KEY",
    "secretAccessKey",
    "private_key",
    "authorization",
    "Proxy-Authorization",
    "auth",
    "cookie",
    "Set-Cookie",
    "token",
    "access_token",
    "refreshTokens",
    "x-auth-token",
    "NPM_TOKEN",
    "csrfToken",
    "jwt",
    "credentials",
    "signing_key",
    "Ocp-Apim-Subscription-Key",
    "token_value",
    "connection_string",
  ])("says yes to %s", (key) => {
    expect(isSecretKey(key)).toBe(true);
  });

  it.each([
    "max_tokens",
    "maxTokens",
    "tokenCount",
    "tokens",
    "total_tokens",
    "token_type",
    "tokenizer",
    "token_usage",
    "thread_id",
    "threadId",
    "session_id",
    "author",
    "authored_by",
    "authorized",
    "secretary",
    "keyboard",
    "key",
    "primary_key",
    "public_key",
    "idempotencyKey",
    "cache_key",
    "nextPageToken",
    "page_token",
    "eos_token",
    "pass",
    "passed",
    "compass",
    "password_policy",
    "cookie_policy",
    "name",
    "content",
    "monkey",
    "",
    "time_to_first_token",
  ])("says no to %j", (key) => {
    expect(isSecretKey(key)).toBe(false);
  });
});
