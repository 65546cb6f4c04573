import { withMiddleware } from "@evenkeel/core";
import { expectConformance, scriptedModel } from "@evenkeel/testing";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent } from "langchain";
import { z } from "zod";

import { refundLimitMiddleware } from "./refund-limit.ts";

const schema = z.object({ amount: z.number() });
const refund = tool(({ amount }) => `refunded ${amount}`, { name: "refund", schema });
const input = "I want 500 back.";
const call = (amount: number) => ({ toolCalls: [{ name: "refund", args: { amount } }] });
const turns = [call(500), call(100), { content: "You got 100 back." }];

const live = process.env["OPENAI_API_KEY"] !== undefined;
const model = live ? new ChatOpenAI({ model: "gpt-5.2" }) : scriptedModel(turns);
const agent = withMiddleware(createAgent({ model, tools: [refund] }), [refundLimitMiddleware()], {
  onEvent: ({ name, detail }) => console.log(`event ${name} ${JSON.stringify(detail)}`),
});
const { messages } = await agent.invoke({ messages: [{ role: "user", content: input }] });
for (const message of messages) console.log(`${message.type}: ${message.text}`);

const capabilities = { acts: { input, turns, tools: [refund] } };
const laws = await expectConformance({ create: refundLimitMiddleware, capabilities });
console.log(`\nrefundLimitMiddleware keeps ${laws.length} laws:\n${laws.join("\n")}`);
