import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A payment that was made, as the service wrote it down. */
interface Payment {
  readonly order: string;
  readonly receipt: string;
}

/** A payment service with its own book: what was paid, whatever an agent believes. */
export interface PaymentService {
  /** Where a variant's agent pays; each has a book of its own. */
  urlOf(variant: string): string;
  paidBy(variant: string): readonly Payment[];
  close(): Promise<void>;
}

/** Starts the service: `POST` pays, and as often as it is asked; `GET ?order=` looks a payment up. */
export async function startPaymentService(): Promise<PaymentService> {
  const books = new Map<string, Payment[]>();
  const bookOf = (variant: string): Payment[] => {
    const book = books.get(variant) ?? [];
    books.set(variant, book);
    return book;
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://service");
    const book = bookOf(pathname);
    if (request.method === "GET") {
      const found = book.find(({ order }) => order === searchParams.get("order"));
      response.end(JSON.stringify({ receipt: found?.receipt ?? null }));
      return;
    }
    void textOf(request).then((text) => {
      book.push(JSON.parse(text) as Payment);
      response.end("{}");
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (variant) => `http://127.0.0.1:${port}/${variant}`,
    paidBy: (variant) => bookOf(`/${variant}`),
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
