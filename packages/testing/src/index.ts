/** What tests and demonstrations of agents need: local endpoints, databases, crashes, laws. */
export { conformance } from "./conformance/conformance.ts";
export type { ConformanceTest } from "./conformance/conformance.ts";
export { expectConformance } from "./conformance/expect-conformance.ts";
export { ConformanceError } from "./conformance/error.ts";
export type { ConformanceErrorCode } from "./conformance/error.ts";
export type {
  ActingCapability,
  ConformanceCapabilities,
  ConformanceOptions,
  ConformanceRunner,
  StateCapability,
} from "./conformance/options.ts";
export type { GraphKind, GraphParts } from "./conformance/graph-kind.ts";
export type { Situation } from "./conformance/situation.ts";
export { reportResult } from "./crash/child-report.ts";
export { crash, run } from "./crash/crash.ts";
export type { CrashOptions, CrashResult, RunResult } from "./crash/crash.ts";
export { CrashError } from "./crash/crash-error.ts";
export { crashMatrix } from "./crash/crash-matrix.ts";
export type {
  CaseResult,
  CrashMatrixOptions,
  CrashMatrixResult,
  MatrixCase,
} from "./crash/crash-matrix.ts";
export { crashPoint } from "./crash/crash-point.ts";
export { TestDatabaseError } from "./postgres/database-error.ts";
export { endPool, openPool } from "./postgres/database-pool.ts";
export { EndpointError } from "./endpoint/endpoint-error.ts";
export { freshDatabase } from "./postgres/fresh-database.ts";
export type { FreshDatabase, FreshDatabaseOptions } from "./postgres/fresh-database.ts";
export { startLangSmithEndpoint } from "./langsmith/endpoint.ts";
export type { LangSmithEndpoint, LangSmithEndpointOptions } from "./langsmith/endpoint.ts";
export { startOpenAIEndpoint } from "./openai/endpoint.ts";
export type { OpenAIEndpoint, OpenAIEndpointOptions } from "./openai/endpoint.ts";
export type { ChatContentPart, ChatRequest, ChatTool } from "./openai/request.ts";
export { replyByTurn } from "./openai/script.ts";
export type {
  ChatFault,
  ChatReply,
  ChatScript,
  ChatScriptFunction,
  ChatTurn,
  ScriptContext,
} from "./openai/script.ts";
export { pgliteDatabase } from "./postgres/pglite-database.ts";
export type { PgliteDatabase, PgliteDatabaseOptions } from "./postgres/pglite-database.ts";
export { startPostgres } from "./postgres/server.ts";
export type { PostgresOptions, PostgresServer, RestartMode } from "./postgres/server.ts";
export type { ScriptOptions } from "./crash/script-child.ts";
export { ScriptedModel, scriptedModel } from "./model/scripted-model.ts";
export type { ScriptedModelOptions } from "./model/scripted-model.ts";
export type { ScriptedTurn } from "./model/scripted-turn.ts";
export { testResultStore, testStore } from "./store/test-store.ts";
export { buildTraceTrees, renderTrace } from "./langsmith/trace-tree.ts";
export type { RenderTraceOptions, TraceNode, TraceRun } from "./langsmith/trace-tree.ts";
export { expectSurvives } from "./survival/expect-survives.ts";
export type { Survival } from "./survival/expect-survives.ts";
export type { SurvivalParts } from "./survival/graph-of-module.ts";
export { SurvivalError } from "./survival/survival-error.ts";
export type { SurvivalErrorCode } from "./survival/survival-error.ts";
export type { EffectCounts, SurvivalOptions } from "./survival/survival-options.ts";
