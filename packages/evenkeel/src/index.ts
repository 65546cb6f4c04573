/** Every middleware of Evenkeel in one list, in the order that keeps all their promises. */
export { recommendedStack } from "./recommended-stack.ts";
export type { RecommendedStackOptions } from "./recommended-stack.ts";
