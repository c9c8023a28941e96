// What the machine, its agents and the report say to each other. Types and constants only: the machine imports it too.
import type { GatherOutput, PayloadRef } from 'quorate';

export const SEVERITIES = ['high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const REVIEWERS = ['complexity', 'secrets', 'docs', 'facts'] as const;
export type Reviewer = (typeof REVIEWERS)[number];

export const PLANNERS = ['planByRisk', 'planByEffort'] as const;

export const DELIVERY_STEPS = ['stage', 'write', 'verify', 'publish'] as const;
type DeliveryStep = (typeof DELIVERY_STEPS)[number];

/** What a caller starts a review with. */
export interface ReviewInput {
  /** Names the run's folder; a second start of the same id continues the same run. */
  readonly runId: string;
  /** Folder to review. */
  readonly folder: string;
  /** Folder that gets report.md, report.json and plan.json. */
  readonly out: string;
  /** 'all' waits for every answer; a number waits so many milliseconds and continues with what has arrived. Default 'all'. */
  readonly policy?: 'all' | number;
  /** Makes this delivery step fail after it has done its work: shows that the folder is put back as it was. */
  readonly failAt?: DeliveryStep;
  /** A person is asked before the report is published. */
  readonly asks?: boolean;
  /** Holds the folder of each run. Default `$QUORATE_DATA/runs`, else `.quorate/runs`. */
  readonly runs?: string;
}

/** One file to review: an item of the scatter. */
export interface ReviewFile {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
}

/** Where a run works: given to every agent as `shared`. All paths are absolute. */
export interface Workplace {
  readonly root: string;
  readonly runFolder: string;
  /** The day of the review, YYYY-MM-DD: what "overdue" is measured against. */
  readonly today: string;
}

export interface Scan extends Workplace {
  /** Stored JSON array of `ReviewFile`, sorted by path. */
  readonly files: PayloadRef;
  readonly fileCount: number;
  readonly bytes: number;
  readonly skippedCount: number;
  /** Epoch ms. */
  readonly startedAt: number;
}

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly agent: Reviewer;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  /** The line it is about, shortened, every secret in it redacted. */
  readonly excerpt?: string;
}

/** A reviewer's reply: sums for the gather and where the findings lie. */
export interface ReviewReply {
  readonly counts: Readonly<Record<'findings' | Severity | 'repeated', number>>;
  readonly ref: string;
}

/** The findings of a run once and for all: what planners, critic and report share. */
export interface Collected {
  readonly findings: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  /** The same finding from more than one task. */
  readonly merged: number;
}

export type Effort = 'S' | 'M' | 'L';

export interface WorkItem {
  readonly rank: number;
  readonly title: string;
  /** The findings it covers: those of these rules in these files. */
  readonly rules: readonly string[];
  readonly files: readonly string[];
  readonly findings: number;
  readonly severity: Severity;
  readonly effort: Effort;
  readonly why: string;
}

export interface Plan {
  readonly planner: string;
  readonly items: readonly WorkItem[];
}

/** One thing the critic wants changed; planners act on the code, people read the text. */
export interface Objection {
  readonly code: 'UNCOVERED_HIGH' | 'SCATTERED' | 'TOO_MANY_ITEMS' | 'ITEM_TOO_BIG' | 'OTHER';
  readonly text: string;
}

export interface Critique {
  /** 0 to 1. */
  readonly score: number;
  readonly feedback: readonly Objection[];
}

/** What a planner hands in. A plan that is large travels by reference. */
export interface Offer {
  readonly plan: Plan | PayloadRef;
  readonly items: number;
  readonly heeded: readonly Objection['code'][];
}

/** What the critic gives all planners for the next round. `heeded` grows: no planner forgets what was objected to before. */
export interface Feedback {
  readonly objections: readonly Objection[];
  readonly heeded: readonly Objection['code'][];
}

export interface PlanRequest {
  readonly runFolder: string;
}

/** A proposer's task. */
export interface PlanTask {
  readonly item: {
    readonly request: PlanRequest;
    readonly round: number;
    readonly previous?: Offer;
    readonly feedback?: Feedback;
  };
}

/** The critic's task and its answer. */
export interface CriticTask {
  readonly request: PlanRequest;
  readonly round: number;
  readonly offers: readonly { readonly proposer: string; readonly offer: Offer }[];
}

export interface CriticAnswer {
  readonly choice: number;
  readonly score: number;
  readonly feedback: Feedback;
}

/** What the delivery's steps work with. */
export interface Delivery {
  readonly runFolder: string;
  readonly out: string;
  readonly failAt: DeliveryStep | null;
  readonly counted: Counted;
  readonly offer: Offer;
}

/** What only the machine knows: counters as the gather and the proposal kept them. */
export interface Counted {
  readonly runId: string;
  readonly policy: 'all' | number;
  readonly replies: Replies;
  readonly plan: {
    readonly accepted: boolean;
    readonly score: number;
    readonly rounds: number;
    readonly refused: readonly {
      readonly round: number;
      readonly proposer: string;
      readonly score: number;
    }[];
    /** Offers that never reached the critic. */
    readonly lost: number;
  };
}

/** The gather of the reviewers: replies are counted when they are accepted, before any merge. */
export interface Replies {
  readonly outcome: GatherOutput['outcome'];
  readonly total: number;
  readonly ok: number;
  readonly failed: number;
  readonly missing: number;
  readonly duplicates: number;
  /** Attempts after the first among the accepted ones. */
  readonly repeated: number;
  /** Findings that they counted. */
  readonly findings: number;
  /** The first ones only. */
  readonly errors: GatherOutput['errors'];
}

export type ReviewOutput =
  | {
      readonly status: 'delivered';
      /** Absolute paths. */
      readonly files: readonly string[];
      readonly findings: Collected;
      readonly replies: Replies;
      readonly plan: Counted['plan'] & { readonly items: number };
    }
  | {
      readonly status: 'failed';
      /** The state that failed; of a delivery also its step: `delivering.publish`. */
      readonly at: string;
      readonly error: Reason;
      /** False when the output folder could not be put back as it was; then a person has to look. */
      readonly restored: boolean;
    };

export interface Reason {
  readonly code: string;
  readonly message: string;
}
