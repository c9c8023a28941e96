// The public API of `quorate`. `quorate/broker` and `quorate/otel` stand alone.

export type { ConnectOptions } from './client/connect.ts';
export { defineAgent, defineConfig, defineMachine } from './config/define.ts';
export type { ActorAddress } from './contract/address.ts';
export { formatAddress, parseAddress } from './contract/address.ts';
export type {
  AnswerOptions,
  AnswerSchema,
  Ask,
  AskEnd,
  AskPage,
  AsksCall,
  AsksReport,
  ClosedAsk,
  ClosedQuestion,
  OfContext,
  OpenAsk,
  Question,
} from './contract/asks.ts';
export type { RunBounds } from './contract/bounds.ts';
export type {
  ActorPage,
  Actors,
  BudgetOptions,
  CallOptions,
  QuorateClient,
  SendOptions,
  StartOptions,
  TopUpOptions,
  Transition,
  WatchCallOptions,
} from './contract/client.ts';
export type {
  AdmissionConfig,
  AgentConfig,
  AgentContext,
  AsksConfig,
  CpuAgent,
  IoAgent,
  LimitConfig,
  MachineConfig,
  Migration,
  ModuleAgentContext,
  QuorateConfig,
  RetryBudget,
  RetryPolicy,
  TenantBudget,
  TopicConfig,
} from './contract/config.ts';
export type { OnBehalf, Priority } from './contract/control.ts';
export type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterSelection,
  DeadLetters,
  LetterChange,
  LetterEdited,
  LetterRedriven,
  Remedied,
  RemedyOptions,
} from './contract/dead-letters.ts';
export type { ErrorCode } from './contract/errors.ts';
export { ERROR_HINTS, QuorateError } from './contract/errors.ts';
export type {
  AgentFailure,
  Failure,
  FailureFacts,
  FailureKind,
  FailureOptions,
} from './contract/failure.ts';
export { classifyFailure, failure, permanent, throttled } from './contract/failure.ts';
export type { ForeseenEffect, Foresight, MayCost } from './contract/foresight.ts';
export type { EventJson, Json, JsonObject } from './contract/json.ts';
export type { LimitCall, LimitChange, LimitStatus, SharedLimits } from './contract/limits.ts';
export type { AgentPause, PriceChange, RevisedPrice, SharedAgents, SharedPrices } from './contract/orders.ts';
export type { ErrorJson, Outcome } from './contract/outcome.ts';
export type { PayloadCodec, PayloadRef, PayloadStore } from './contract/payload.ts';
export { isPayloadRef } from './contract/payload.ts';
export type { InspectionSink, Logger } from './contract/ports.ts';
export type { RunContext, RunTerminal } from './contract/run-context.ts';
export type { Health, Runtime, RuntimeInfo, RuntimeOptions } from './contract/runtime.ts';
export type {
  BranchError,
  BranchReference,
  BranchValue,
  GatherOutput,
  GatherPolicy,
  NamedPolicy,
  PolicyRecord,
  ScatterPlan,
} from './contract/scatter.ts';
export type { StreamItem, StreamOptions } from './contract/stream.ts';
export type { DayBudget, DayBudgetStatus, DayBudgets } from './contract/tenants.ts';
export type {
  Amount,
  CostRow,
  Costs,
  Estimate,
  Price,
  Reservation,
  Usage,
} from './contract/usage.ts';
export type { BudgetReport, ChildActor, GatherProgress, QueryAnswer } from './contract/wire.ts';
export { agent } from './machines/agent.ts';
export { ask } from './machines/ask.ts';
export { all, deadline, first, quorum } from './machines/policies.ts';
export type {
  CriticAnswer,
  CriticTask,
  ProposalAsk,
  ProposalContext,
  ProposalMachine,
  ProposalOptions,
  ProposalOutput,
  ProposerTask,
} from './machines/proposal.ts';
export { proposal } from './machines/proposal.ts';
export type {
  CompensationTask,
  SagaContext,
  SagaMachine,
  SagaOptions,
  SagaOutput,
  SagaStep,
  SagaTask,
} from './machines/saga.ts';
export { saga } from './machines/saga.ts';
export type {
  Gathered,
  LocalAgents,
  LocalChecks,
  PlanOf,
  ScatterInput,
  ScatterTask,
} from './machines/scatter.ts';
export { SCATTER, scatter } from './machines/scatter.ts';
export type {
  ScatterGatherMachine,
  ScatterGatherOptions,
  ScatterGatherOutput,
} from './machines/scatter-gather.ts';
export { scatterGather } from './machines/scatter-gather.ts';
export type { LocalRuntime, RuntimeCounters } from './runtime/counters.ts';
export { connect, createRuntime, loadConfig, resolveConfig } from './runtime/on-demand.ts';
