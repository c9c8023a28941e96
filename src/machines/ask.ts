// `ask()` gives the `meta` of a state that waits for a person its types: XState itself takes anything there.
import type { Ask } from '../contract/asks.ts';

/**
 * The `meta` of a state that asks a person (docs/questions.md). Entering the state opens the question, leaving it closes it; the answer
 * comes as an event.
 *
 * @param question What is asked. `question`, `choices` and `default` may be pure functions of the context.
 * @returns `{ ask: question }`, for `meta`; beside other entries write `{ ...ask(...), other: 1 }`.
 * @example
 * ```ts
 * approving: {
 *   meta: ask<Context>({
 *     question: ({ context }) => `Publish ${context.findings} findings?`,
 *     choices: ['publish', 'keep'],
 *     deadlineMs: 86_400_000,
 *     default: 'keep',
 *   }),
 *   on: { answer: [{ guard: ({ event }) => event.answer === 'publish', target: 'publishing' }, { target: 'kept' }] },
 * },
 * ```
 */
export function ask<Context = unknown>(question: Ask<Context>): { readonly ask: Ask<Context> } {
  return { ask: question };
}
