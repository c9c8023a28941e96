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

const COMMIT = 'const committed = await held.tryCommit(next.state, bytes);';
const PUBLISH =
  'const published = next.state === undefined ? held.publish(next.entries) : publishCommitted(held);';

export const PLANTED: readonly PlantedFault[] = [
  {
    name: 'publish before commit',
    file: 'src/actors/host/apply.ts',
    edits: [
      {
        find: COMMIT,
        replace: `if ((await held.publish(next.entries)) === 'lost') return 'lost';\n    ${COMMIT}`,
      },
    ],
  },
  {
    name: 'complete before publish',
    file: 'src/actors/host/apply.ts',
    edits: [
      { find: PUBLISH, replace: `await held.settleNow([...next.dispositions].reverse());\n  ${PUBLISH}` },
      { find: 'settlements.push(...next.dispositions);', replace: 'void settlements;' },
    ],
  },
  {
    name: 'inbox off',
    file: 'src/actors/host/inbox.ts',
    edits: [
      {
        find: '  // One whose deferral is confirmed comes back to be applied.\n',
        replace: "  if (message.sequenceNumber > 0) return { kind: 'new' };\n",
      },
    ],
  },
];
