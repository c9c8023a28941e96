// Three faults that break the commit protocol, as changes of the source: the explorer has to find each.

interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface PlantedFault {
  readonly name: string;
  readonly file: string;
  readonly edits: readonly Edit[];
}

const COMMIT =
  'const committed = await held.tryCommit(next.state, { bytes, forgets: settled, turns: result });';
const PUBLISH = 'if (next.state === undefined) await sendAnswers(held, next.entries);';

export const PLANTED: readonly PlantedFault[] = [
  {
    name: 'publish before commit',
    file: 'src/actors/host/commit/commit-turns.ts',
    edits: [
      {
        find: COMMIT,
        replace: `await sendAnswers(held, next.entries);\n    ${COMMIT}`,
      },
    ],
  },
  {
    name: 'complete before publish',
    file: 'src/actors/host/commit/commit-turns.ts',
    edits: [
      {
        find: PUBLISH,
        replace: `await held.settler.settleNow(next.settlements.toReversed());\n  ${PUBLISH}`,
      },
      { find: 'settlements: next.settlements };', replace: 'settlements: [] };' },
    ],
  },
  {
    name: 'inbox off',
    file: 'src/actors/host/sort/inbox.ts',
    edits: [
      {
        find: '  // A message whose deferral is confirmed comes back to be applied.\n',
        replace: "  if (message.sequenceNumber > 0) return { kind: 'new' };\n",
      },
    ],
  },
];
