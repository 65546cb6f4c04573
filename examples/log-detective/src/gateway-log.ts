import { clockTime, orders, outage } from "./orders.ts";
import { randomNumbers } from "./random-numbers.ts";

const NOISE_LINES = 47_500;
const SECONDS_APART = 0.909;
const ROUTES = ["/cart", "/checkout", "/products", "/search", "/health"];

/** The log of the payment gateway for the same night: requests, slow queries, and what went wrong. */
export function gatewayLog(): string {
  const lines = [...noise(), ...story()].toSorted(([one], [other]) => one - other);
  return `${lines.map(([second, line]) => `${clockTime(second)} ${line}`).join("\n")}\n`;
}

type Line = readonly [second: number, text: string];

function noise(): Line[] {
  const random = randomNumbers(14);
  return Array.from({ length: NOISE_LINES }, (_, index): Line => {
    const request = Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
    const route = ROUTES[Math.floor(random() * ROUTES.length)] ?? "/";
    const took = Math.floor(random() * 400);
    return [
      index * SECONDS_APART,
      took > 390
        ? `WARN  [pool] slow query of ${took} ms for request=${request} route=${route} pool=orders active=9 idle=1`
        : `INFO  [http] GET ${route} 200 in ${took} ms request=${request} client=web-${1 + (took % 8)} bytes=${took * 37}`,
    ];
  });
}

/** What the detective has to find: a rollout, its victims, the rollback. */
function story(): Line[] {
  const failed = orders.filter(({ status }) => status === "failed");
  return [
    [outage.from - 11, "INFO  [rollout] payment-gateway 4.2.0 -> 4.3.0 by release-bot, node gw-3"],
    ...failed.map(({ id, placedAt }): Line => [
      (Date.parse(placedAt) - Date.parse(clockTime(0))) / 1_000,
      `ERROR [payments] order=${id} refused: certificate of gw-3 is not yet valid (notBefore=2026-03-14T02:27:52Z)`,
    ]),
    [outage.until, "INFO  [rollout] payment-gateway 4.3.0 -> 4.2.0 by on-call, node gw-3"],
  ];
}
