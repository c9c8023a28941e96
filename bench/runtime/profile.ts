// A CPU profile by what the time was spent for. A sample belongs to the innermost frame on its stack whose file says so; what
// Node does for nobody in particular is its own part. The parts add up to the time of the profile.

export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

type Frame = CpuProfile['nodes'][number]['callFrame'];

const PARTS: readonly { readonly part: string; readonly is: (frame: Frame) => boolean }[] = [
  { part: 'idle', is: ({ functionName }) => functionName === '(idle)' },
  { part: 'garbage collection', is: ({ functionName }) => functionName === '(garbage collector)' },
  {
    part: 'socket: write and read',
    is: ({ functionName, url }) =>
      url === '' && /^(writeBuffer|writev|writeUtf8String|readStart)$/.test(functionName),
  },
  {
    part: 'to the worker thread and back',
    is: ({ functionName, url }) =>
      functionName === 'postMessage' || /\/piscina\/|internal\/worker\/|actors\/worker\//.test(url),
  },
  { part: 'AMQP frames and links (rhea)', is: ({ url }) => /\/rhea(-promise)?\//.test(url) },
  { part: 'the SDK', is: ({ url }) => /\/@azure\/|\/tslib\/|\/debug\//.test(url) },
  {
    part: 'traces, which are off',
    is: ({ url }) =>
      /@opentelemetry|observability\/(telemetry|span-names)|(batch|turn|call)-span|record-spans|host\/trace/.test(
        url,
      ),
  },
  {
    part: 'metrics',
    is: ({ url }) => /observability\/metrics\/|(host|task)\/metrics\./.test(url),
  },
  { part: 'ids and keys (sha256)', is: ({ url }) => /internal\/crypto|protocol\/ids/.test(url) },
  { part: 'bridge: lease, intake, batches, settling', is: ({ url }) => /src\/bridge\//.test(url) },
  { part: 'host: inbox, state, outbox, pool', is: ({ url }) => /src\/(actors|contract)\//.test(url) },
];
const REST = 'Node: event loop, promises, streams, timers';

export function microsecondsByPart({ nodes, samples, timeDeltas }: CpuProfile): ReadonlyMap<string, number> {
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)),
  );
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const partOf = (leaf: number): string => {
    for (let id: number | undefined = leaf; id !== undefined; id = parents.get(id)) {
      const frame = frames.get(id);
      const found = frame && PARTS.find(({ is }) => is(frame));
      if (found) return found.part;
    }
    return REST;
  };
  const known = new Map(nodes.map(({ id }) => [id, partOf(id)]));
  const sums = new Map<string, number>([...PARTS.map(({ part }) => part), REST].map((part) => [part, 0]));
  for (const [at, sample] of samples.entries()) {
    const part = known.get(sample) ?? REST;
    sums.set(part, (sums.get(part) ?? 0) + (timeDeltas[at] ?? 0));
  }
  return sums;
}
