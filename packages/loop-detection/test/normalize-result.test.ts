import { describe, expect, test } from "vitest";

import { errorClass } from "../src/answers/error-class.ts";
import { normalizeResult, resultFingerprint } from "../src/answers/normalize-result.ts";
import { saysWaiting } from "../src/answers/waiting.ts";

describe("what varies idly reads the same", () => {
  test.each([
    ["timestamps", "at 2026-11-02T10:00:01.123Z ok", "at 2026-11-02T10:07:59.001Z ok"],
    ["timestamps with a zone", "2026-11-02T10:00:01+01:00", "2026-11-03T11:00:07+01:00"],
    ["log times", "10:00:01.250 INFO ready", "10:00:02.310 INFO ready"],
    ["mail dates", "Mon, 02 Nov 2026 10:00:01 GMT", "Tue, 03 Nov 2026 11:12:13 GMT"],
    ["epoch seconds and milliseconds", "now 1793613601", "now 1793613777"],
    ["durations", "3 passed in 0.95s", "3 passed in 1.02s"],
    ["uuids", "id 1b4e28ba-2fa1-11d2-883f-0016d3cca427", "id 6fa459ea-ee8a-3ca4-894e-db77e160355e"],
    [
      "hashes",
      "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
      "commit e83c5163316f89bfbde7d9ab23ca2e25604af290",
    ],
    ["request ids", "request req_8f3kd92jd02k failed", "request req_7d82jd82mz81 failed"],
    ["addresses", "<object at 0x7f3a2c1d>", "<object at 0x7f9b0011>"],
    ["ports of addresses", "from 10.0.0.1:53122", "from 10.0.0.1:49800"],
    ["process ids", "worker pid=4411 up", "worker pid=9 up"],
    ["attempt counters", "attempt 1: refused", "attempt 22: refused"],
    ["temporary paths", "wrote /tmp/tmpab12/x.log", "wrote /tmp/tmpzz99/x.log"],
    [
      "named members",
      '{"request_id": "a1", "elapsedMs": 5, "ok": true}',
      '{"request_id": "b2", "elapsedMs": 71, "ok": true}',
    ],
  ])("%s", (_, one, other) => {
    expect(normalizeResult(one)).toBe(normalizeResult(other));
  });
});

describe("what says that something happened stays", () => {
  test.each([
    ["progress in per cent", "37 % done", "38 % done"],
    ["progress in parts", "processed 40 of 100", "processed 60 of 100"],
    ["test results", "2 failed, 9 passed in 0.5s", "1 failed, 10 passed in 0.5s"],
    ["amounts", '{"total": 20}', '{"total": 21}'],
    ["an appointment's time", "start_time: 2024-05-26 18:00:00", "start_time: 2024-05-26 19:00:00"],
    ["a date", "due 2024-05-26", "due 2024-05-27"],
    ["line numbers", "error in line 12", "error in line 13"],
    ["a status", '{"status": "queued"}', '{"status": "done"}'],
  ])("%s", (_, one, other) => {
    expect(normalizeResult(one)).not.toBe(normalizeResult(other));
  });
});

describe("results of any size and kind", () => {
  test("20 MB are read in part, and a change of length, head or tail still shows", () => {
    const long = "x1 ".repeat(7_000_000);
    expect(normalizeResult(long).length).toBeLessThan(10_000);
    expect(resultFingerprint(long)).toBe(resultFingerprint(long));
    expect(resultFingerprint(long)).not.toBe(resultFingerprint(`${long}end`));
    expect(resultFingerprint(long)).not.toBe(resultFingerprint(`y${long.slice(1)}`));
  });

  test.each([
    ["spaces after a masked word", `attempt${" ".repeat(50_000)}x1`],
    ["one long word", `1${"a".repeat(50_000)}`],
    ["quotes and underscores", `1${'"_'.repeat(20_000)}`],
    ["digits", "9".repeat(50_000)],
    ["hyphens", `1${"a-".repeat(20_000)}`],
  ])("%s come back the same twice, without a stall", (_, text) => {
    expect(normalizeResult(text)).toBe(normalizeResult(text));
    expect(errorClass(text)).toBe(errorClass(text));
  });

  test("normalising twice changes nothing more", () => {
    const text = "at 2026-11-02T10:00:01Z took 12 ms for req_8f3kd92jd02k";
    expect(normalizeResult(normalizeResult(text))).toBe(normalizeResult(text));
  });
});

describe("an error's class", () => {
  test.each([
    [
      "other quoted values",
      "ValueError: No files found with 'a b'",
      "ValueError: No files found with 'c'",
    ],
    [
      "other paths",
      "ENOENT: no such file, open '/a/b.txt'",
      "ENOENT: no such file, open '/z/y/x.txt'",
    ],
    ["other numbers", "Error 1054: unknown column in row 7", "Error 1054: unknown column in row 8"],
    [
      "other frames of a traceback",
      "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'",
      'Traceback (most recent call last):\n  File "b.py", line 99\n  File "c.py", line 3\nKeyError: \'y\'',
    ],
  ])("%s: the same", (_, one, other) => {
    expect(errorClass(one)).toBe(errorClass(other));
  });

  test.each([
    ["another exception", "KeyError: 'x'", "ValueError: 'x'"],
    ["another reason", "connection refused", "permission denied"],
  ])("%s: another class", (_, one, other) => {
    expect(errorClass(one)).not.toBe(errorClass(other));
  });
});

describe("an answer that says the work goes on", () => {
  test.each([
    [true, '{"status": "running", "job": "j1"}'],
    [true, `{"log": "${"line ".repeat(100)}", "state": "in_progress"}`],
    [true, "still building, try again later"],
    [true, "Job is pending."],
    [false, '{"status": "done"}'],
    [false, "3 passed"],
    [false, "Our building is running a pending survey. ".repeat(20)],
    [false, ""],
  ])("%s: %s", (expected, text) => {
    expect(saysWaiting(text, false)).toBe(expected);
  });

  test("a failure is never waiting", () => {
    expect(saysWaiting('{"status": "running"}', true)).toBe(false);
  });
});
