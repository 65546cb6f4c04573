import { randomNumbers } from "./random-numbers.ts";

/** One order of the export. */
export interface Order {
  readonly id: string;
  readonly placedAt: string;
  readonly city: string;
  readonly status: "paid" | "failed";
  readonly total: number;
  readonly items: readonly { readonly sku: string; readonly price: number }[];
}

const CITIES = ["Berlin", "Lisbon", "Milan", "Oslo"] as const;
const NIGHT = Date.UTC(2026, 2, 14);
const ORDERS = 11_250;
const SECONDS_APART = 3.84;

/** When checkouts failed, in seconds after midnight. */
export const outage = { from: 8_251, until: 8_872 } as const;

/** The orders of one night: two in five that met the outage failed. */
export const orders: readonly Order[] = placeOrders();

/** The moment so many seconds after midnight. */
export function clockTime(seconds: number): string {
  return new Date(NIGHT + seconds * 1_000).toISOString();
}

function placeOrders(): Order[] {
  const random = randomNumbers(2026);
  return Array.from({ length: ORDERS }, (_, index) => {
    const second = Math.floor(index * SECONDS_APART);
    const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ({
      sku: `sku-${Math.floor(random() * 100_000)}`,
      price: Math.round(500 + random() * 9_500) / 100,
    }));
    const total = Math.round(items.reduce((sum, { price }) => sum + price, 0) * 100) / 100;
    const hit = second >= outage.from && second < outage.until && random() < 0.4;
    return {
      id: `A-${10_000 + index}`,
      placedAt: clockTime(second),
      city: CITIES[Math.floor(random() * CITIES.length)] ?? "Berlin",
      status: hit ? "failed" : "paid",
      total,
      items,
    };
  });
}
