// What spans and their attributes are called. One table, because conventions are renamed: 1.45 of those of messaging does.

export type Call = 'start' | 'send' | 'run' | 'query' | 'result' | 'watch';

/** Span names by what they cover; each keeps to few values, so that they can be searched and counted by name. */
export const SPAN = {
  /** An actor's whole life, recorded when it ends. INTERNAL. */
  actor: (type: string) => `actor ${type}`,
  /** One batch of turns under one lock. CONSUMER. */
  process: (entity: string) => `process ${entity}`,
  turn: (type: string) => `turn ${type}`,
  /** One batch handed to the broker: CLIENT. PRODUCER only when nobody waits for what it starts. */
  send: (entity: string) => `send ${entity}`,
  /** From asking to the accepted answer. INTERNAL, recorded when the answer is in; PRODUCER where nobody waits for that any more. */
  task: (name: string) => `task ${name}`,
  /** A µs long, at the beginning: what is found while the span that is recorded at the end is still to come. */
  actorStarted: (type: string) => `actor ${type} started`,
  scatterStarted: (name: string) => `scatter ${name} started`,
  /** From the scatter's commit to the gather's decision. INTERNAL, recorded at the decision. */
  scatterGather: (name: string) => `scatter-gather ${name}`,
  /** The decision, linked to the replies it accepted. */
  gather: (name: string) => `gather ${name}`,
  /** A client's call: covers the wait for its answer. CLIENT. */
  call: (operation: Call, type: string) => `${operation} ${type}`,
  /** An agent's run of one attempt. */
  agent: (agent: string) => `invoke_agent ${agent}`,
  tool: (tool: string) => `execute_tool ${tool}`,
  chat: (model: string) => `chat ${model}`,
  /** A call of an MCP tool: CLIENT where it is made, SERVER where it is served. */
  mcpCall: (tool: string) => `tools/call ${tool}`,
} as const;

/** Attribute names. Messaging is semantic conventions 1.44; 1.45 renames it, so the names are here and nowhere else. */
export const ATTR = {
  /** `type/id`: the tag that finds everything of one actor. */
  actor: 'quorate.actor',
  incarnation: 'quorate.incarnation',
  /** Of a turn, the number before it; of a task and a gather, that of the turn with which it was over. */
  turn: 'quorate.turn',
  turns: 'quorate.turns',
  status: 'quorate.status',
  execution: 'quorate.execution',
  branch: 'quorate.branch',
  agent: 'quorate.agent',
  attempt: 'quorate.attempt',
  /** done, error, late, stale, duplicate … */
  outcome: 'quorate.outcome',
  total: 'quorate.gather.total',
  ok: 'quorate.gather.ok',
  failed: 'quorate.gather.failed',
  missing: 'quorate.gather.missing',
  /** Nobody is missing. */
  complete: 'quorate.gather.complete',
  duplicates: 'quorate.gather.duplicates',
  /** Accepted replies that are not linked because of MAX_LINKS. */
  unlinked: 'quorate.gather.unlinked',
  policy: 'quorate.gather.policy',
  /** The id of the invoke, as the machine names it. */
  invoke: 'quorate.invoke',
  machine: 'quorate.machine',
  machineVersion: 'quorate.machine.version',
  /** Types of the events of a batch of turns, and the machine's state before and after it. */
  event: 'quorate.event',
  stateFrom: 'quorate.state.from',
  stateTo: 'quorate.state.to',
  agents: 'quorate.agents',
  /** When its asker stops waiting, ISO. */
  deadline: 'quorate.deadline',
  /** ms that the first message of a batch, or a task, has waited in its queue. */
  queueWait: 'quorate.queue.wait_ms',
  transitions: 'quorate.transitions',
  replayOf: 'quorate.replay.of',
  replayReason: 'quorate.replay.reason',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  messagingSystem: 'messaging.system',
  messagingDestination: 'messaging.destination.name',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingMessageId: 'messaging.message.id',
  messagingConversationId: 'messaging.message.conversation_id',
  messagingBatchCount: 'messaging.batch.message_count',
  messagingDeliveryCount: 'messaging.servicebus.message.delivery_count',
  messagingEnqueuedTime: 'messaging.servicebus.message.enqueued_time',
  messagingDisposition: 'messaging.servicebus.disposition_status',
  genAiOperation: 'gen_ai.operation.name',
  genAiProvider: 'gen_ai.provider.name',
  genAiModel: 'gen_ai.request.model',
  genAiAgent: 'gen_ai.agent.name',
  genAiTool: 'gen_ai.tool.name',
  genAiToolCall: 'gen_ai.tool.call.id',
  genAiMaxTokens: 'gen_ai.request.max_tokens',
  genAiFinishReasons: 'gen_ai.response.finish_reasons',
  genAiInputTokens: 'gen_ai.usage.input_tokens',
  genAiOutputTokens: 'gen_ai.usage.output_tokens',
  genAiCachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  genAiReasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  /** Millionths of a USD that the attempt cost, as far as it is known. */
  microUsd: 'quorate.usage.micro_usd',
  mcpMethod: 'mcp.method.name',
  /** Which server a tool is of, as its configuration names it. */
  mcpServer: 'quorate.mcp.server',
} as const;

export const MESSAGING_SYSTEM = 'servicebus';
