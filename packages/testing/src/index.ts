/** What tests and demonstrations of agents need: local endpoints, databases, crashes, laws. */
export { conformance } from "./conformance.ts";
export type { ConformanceTest } from "./conformance.ts";
export { ConformanceError } from "./conformance-error.ts";
export type { ConformanceErrorCode } from "./conformance-error.ts";
export type {
  ActingCapability,
  ConformanceCapabilities,
  ConformanceOptions,
  ConformanceRunner,
  StateCapability,
} from "./conformance-options.ts";
export type { GraphKind, GraphParts } from "./conformance/graph-kind.ts";
export type { Situation } from "./conformance/situation.ts";
export { reportResult } from "./child-report.ts";
export { crash, run } from "./crash.ts";
export type { CrashOptions, CrashResult, RunResult } from "./crash.ts";
export { CrashError } from "./crash-error.ts";
export { crashMatrix } from "./crash-matrix.ts";
export type {
  CaseResult,
  CrashMatrixOptions,
  CrashMatrixResult,
  MatrixCase,
} from "./crash-matrix.ts";
export { crashPoint } from "./crash-point.ts";
export { TestDatabaseError } from "./database-error.ts";
export { endPool, openPool } from "./database-pool.ts";
export { EndpointError } from "./endpoint-error.ts";
export { freshDatabase } from "./fresh-database.ts";
export type { FreshDatabase, FreshDatabaseOptions } from "./fresh-database.ts";
export { startLangSmithEndpoint } from "./langsmith-endpoint.ts";
export type { LangSmithEndpoint, LangSmithEndpointOptions } from "./langsmith-endpoint.ts";
export { startOpenAIEndpoint } from "./openai-endpoint.ts";
export type { OpenAIEndpoint, OpenAIEndpointOptions } from "./openai-endpoint.ts";
export type { ChatContentPart, ChatRequest, ChatTool } from "./openai-request.ts";
export { replyByTurn } from "./openai-script.ts";
export type {
  ChatFault,
  ChatReply,
  ChatScript,
  ChatScriptFunction,
  ChatTurn,
  ScriptContext,
} from "./openai-script.ts";
export { pgliteDatabase } from "./pglite-database.ts";
export type { PgliteDatabase, PgliteDatabaseOptions } from "./pglite-database.ts";
export { startPostgres } from "./postgres-server.ts";
export type { PostgresOptions, PostgresServer, RestartMode } from "./postgres-server.ts";
export type { ScriptOptions } from "./script-child.ts";
export { ScriptedModel, scriptedModel } from "./scripted-model.ts";
export type { ScriptedModelOptions } from "./scripted-model.ts";
export type { ScriptedTurn } from "./scripted-turn.ts";
export { testStore } from "./test-store.ts";
export { buildTraceTrees, renderTrace } from "./trace-tree.ts";
export type { RenderTraceOptions, TraceNode, TraceRun } from "./trace-tree.ts";
