// A parent and its children: whatever they are given, use, ask for and give back, and in whatever order, all of them together never
// pass the limit of the parent by more than attempts used beyond their reservations.
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { newBudget } from '../../../../../src/actors/host/budget/budget.ts';
import {
  allot,
  askParent,
  hearChild,
  serveAsks,
  takeGrant,
} from '../../../../../src/actors/host/budget/family.ts';
import {
  plus,
  reserve,
  reservedOf,
  roomFor,
  settle,
  spendOf,
} from '../../../../../src/actors/host/budget/ledger.ts';
import type { BudgetState, OutboxEntry } from '../../../../../src/actors/host/state/session-state.ts';
import { readBudget, readGrant } from '../../../../../src/actors/protocol/budgets.ts';
import type { Told } from '../../../../../src/actors/protocol/usage.ts';
import { type GrantedBody, PROPERTY, type WireMessage } from '../../../../../src/contract/wire.ts';

const CHILDREN = ['1.0', '1.1', '2.0'];
const ACTOR = { type: 'm', id: 'p' };
const tokens = (count: number) => ({ microUsd: 0, tokens: count });

const starting = (execution: string): OutboxEntry => ({
  kind: 'message',
  message: {
    entity: 'actor.c',
    subject: 'start',
    messageId: execution,
    body: { kind: 'start', parent: { reply: { correlationId: `${execution}~life` } } },
  },
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant('reserve' as const),
    child: fc.nat({ max: 2 }),
    each: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('settle' as const), child: fc.nat({ max: 2 }), part: fc.nat({ max: 100 }) }),
  fc.record({
    kind: fc.constant('ask' as const),
    child: fc.nat({ max: 2 }),
    each: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ kind: fc.constant('end' as const), child: fc.nat({ max: 2 }) }),
);

it('never reserve together what there is not', () => {
  fc.assert(
    fc.property(fc.nat({ max: 600 }), fc.array(step, { maxLength: 50 }), (limit, steps) => {
      let parent: BudgetState = newBudget({ tokens: limit, onExhausted: 'wait' });
      const given = allot(parent, CHILDREN.map(starting));
      parent = given.budget;
      const children: BudgetState[] = given.outbox.map((entry) => {
        const { message } = entry as { message: WireMessage };
        const read = readBudget(message.properties?.[PROPERTY.budget]);
        if (read.kind === 'invalid') throw new Error(read.why);
        return newBudget(read.budget);
      });
      const over = new Set<string>();
      let attempts = 0;
      const hear = (at: number, used: number, more: Partial<Told> = {}): void => {
        const execution = CHILDREN[at] as string;
        parent = { ...parent, ledger: spendOf(parent.ledger, execution, tokens(used)) };
        const held = reservedOf((children[at] as BudgetState).ledger);
        const isOver = over.has(execution) ? { isOver: true as const } : {};
        parent = hearChild(parent, { execution, of: 'sum', rows: [], until: 0, held, ...isOver, ...more });
      };
      for (const one of steps) {
        const execution = CHILDREN[one.child] as string;
        let child = children[one.child] as BudgetState;
        if (one.kind === 'reserve') {
          if (!over.has(execution) && roomFor(child.ledger, tokens(one.each)) >= 1)
            child = { ...child, ledger: reserve(child.ledger, `t${attempts++}`, tokens(one.each)) };
          children[one.child] = child;
        } else if (one.kind === 'settle') {
          const [task, reserved] = Object.entries(child.ledger.reserved)[0] ?? [];
          if (task === undefined || reserved === undefined) continue;
          const used = Math.floor((reserved.each.tokens * one.part) / 100);
          children[one.child] = { ...child, ledger: settle(child.ledger, { execution: task }, tokens(used)) };
          hear(one.child, used);
        } else if (one.kind === 'ask') {
          if (over.has(execution)) continue;
          const needs = { least: tokens(one.each), wish: tokens(one.each * 3) };
          const to = { actor: { type: 'c', id: execution }, incarnation: 'life', until: 0 };
          const asked = askParent(child, needs, {
            ...to,
            parent: { entity: 'actor.m', sessionId: 'p', correlationId: execution },
          });
          children[one.child] = asked.budget;
          for (const entry of asked.entries) {
            const { body } = (entry as { message: WireMessage }).message;
            hear(one.child, 0, (body as unknown as { outcome: { output: Told } }).outcome.output);
          }
        } else if (!over.has(execution)) {
          over.add(execution);
          hear(one.child, 0);
        }
        const served = serveAsks(parent, ACTOR, (id) => !over.has(id));
        parent = served.budget;
        for (const entry of served.entries) {
          const { body, sessionId } = (entry as { message: WireMessage }).message;
          const grant = readGrant({ ...(body as unknown as GrantedBody), execution: 'budget' });
          if (grant === undefined) throw new Error('no grant');
          const at = CHILDREN.indexOf(sessionId as (typeof CHILDREN)[number]);
          // It comes twice, and counts once.
          const before = children[at] as BudgetState;
          children[at] = takeGrant(takeGrant(before, grant), grant);
        }
        expect(plus(parent.ledger.spent, reservedOf(parent.ledger)).tokens).toBeLessThanOrEqual(limit);
        for (const [at, { ledger }] of children.entries()) {
          const own = plus(ledger.spent, reservedOf(ledger)).tokens;
          expect(own, CHILDREN[at]).toBeLessThanOrEqual(ledger.limit.tokens ?? 0);
        }
        const used = children.reduce((sum, { ledger }) => sum + ledger.spent.tokens, 0);
        expect(parent.ledger.spent.tokens).toBe(used);
      }
    }),
    { numRuns: 100 },
  );
});
