// The sample application: one machine, its reviewers, its planners and the steps of its delivery.
import { defineAgent, defineConfig, defineMachine } from 'quorate';
import { collect } from './agents/collect.ts';
import { critic } from './agents/critic.ts';
import * as deliver from './agents/deliver.ts';
import { docs } from './agents/docs.ts';
import { facts } from './agents/facts.ts';
import { planByEffort } from './agents/plan-by-effort.ts';
import { planByRisk } from './agents/plan-by-risk.ts';
import { scan } from './agents/scan.ts';
import { secrets } from './agents/secrets.ts';
import { priceFrom } from './lib/model.ts';
import type { review } from './review.machine.ts';

/** The build rewrites imports, but not addresses that are put together at run time. */
const beside = (name: string): URL =>
  new URL(`${name}${import.meta.url.slice(-'.ts'.length)}`, import.meta.url);

/** The last file of a large repository waits for all others. */
const REVIEW_DEADLINE_MS = 3_600_000;
/** Tasks of milliseconds: so many wait beside the threads, which would idle until the next one came from the queue. */
const READY_FOR_THREADS = 8;
const MODEL_TIMEOUT_MS = 120_000;

const reviewer = { deadlineMs: REVIEW_DEADLINE_MS } as const;
const planner = { timeoutMs: MODEL_TIMEOUT_MS, retry: { attempts: 3, backoffMs: 2_000 } } as const;

export const config = defineConfig({
  machines: {
    review: defineMachine<typeof review>({
      module: beside('review.machine'),
      export: 'review',
      version: '1',
    }),
  },
  prices: priceFrom(process.env),
  agents: {
    scan: defineAgent({ run: scan, timeoutMs: 300_000 }),
    complexity: defineAgent({
      module: beside('agents/complexity'),
      export: 'complexity',
      concurrency: READY_FOR_THREADS,
      ...reviewer,
    }),
    secrets: defineAgent({ run: secrets, ...reviewer }),
    docs: defineAgent({ run: docs, ...reviewer }),
    facts: defineAgent({ ...facts, ...reviewer }),
    collect: defineAgent({ run: collect, timeoutMs: 300_000 }),
    planByRisk: defineAgent({ run: planByRisk, ...planner }),
    planByEffort: defineAgent({ run: planByEffort, ...planner }),
    critic: defineAgent({ run: critic, ...planner }),
    stage: defineAgent({ run: deliver.stage }),
    write: defineAgent({ run: deliver.write }),
    verify: defineAgent({ run: deliver.verify }),
    publish: defineAgent({ run: deliver.publish }),
    unpublish: defineAgent({ run: deliver.unpublish }),
    unwrite: defineAgent({ run: deliver.unwrite }),
    unstage: defineAgent({ run: deliver.unstage }),
  },
});
