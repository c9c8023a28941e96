// `quorate/ai`: agents that are models, over the `ai` package, which is loaded with the first call (docs/models.md).
export type { ActorToolClient, ActorToolOptions } from '../ai/actor-tool.ts';
export { actorTool } from '../ai/actor-tool.ts';
export type {
  ModelAgent,
  ModelAgentOptions,
  ModelObject,
  ModelPrompt,
  ModelSettings,
} from '../ai/model-agent.ts';
export { modelAgent } from '../ai/model-agent.ts';
export type { OutputSchema } from '../ai/output.ts';
