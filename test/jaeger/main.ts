// `npm run jaeger:check`: runs a small application against the Jaeger that listens, holds what Jaeger has of it to the rules of
// otel/lint, and makes each search that docs/observability.md names. Then it answers, from Jaeger alone, why a gather waited, which
// branch was slow, which attempt failed and why, and what it cost. Where none listens it says so in one line, and ends well.
import { readFile } from 'node:fs/promises';
import { env, exit } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { criticalPath, lintTrace } from '../../otel/lint.ts';
import { runApplication } from './application.ts';
import { isListening, type JaegerSpan, search } from './jaeger.ts';
import { documented, SEARCHES } from './searches.ts';

const query = env['JAEGER_QUERY_URL'] ?? 'http://127.0.0.1:16686';
const otlp = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? 'http://127.0.0.1:4318';
/** What a store needs until it finds what it was given. */
const STORED_MS = 2_000;

if (!(await isListening(query))) {
  console.log(`jaeger:check: no Jaeger at ${query}; docker compose -f otel/compose.yaml up -d starts one`);
  exit(0);
}
const service = `quorate-check-${Date.now().toString(36)}`;
await runApplication(otlp, service);
await sleep(STORED_MS);

const faults: string[] = [];
const check = (what: string, fault: string | undefined): void => {
  console.log(`${fault === undefined ? 'ok   ' : 'FAULT'} ${what}${fault === undefined ? '' : `: ${fault}`}`);
  if (fault !== undefined) faults.push(what);
};

const spans = (await search(query, service, {})).flat();
// The actor that is still open is exported when it ends: until then Jaeger shows what it did under a missing parent.
const openTraces = new Set(
  spans
    .filter(({ attributes }) => attributes['quorate.actor'] === 'gathering/open')
    .map(({ traceId }) => traceId),
);
const open = ({ traceId }: JaegerSpan): boolean => openTraces.has(traceId);
const findings = lintTrace(spans).filter(
  ({ rule, spanId }) =>
    !/^(unresolved|second-root|several-traces|stray)/.test(rule) ||
    !spans.some((span) => span.spanId === spanId && open(span)),
);
check(
  `${spans.length} spans break no rule`,
  findings.map(({ rule, name, message }) => `${rule} ${name} ${message}`).join('\n      ') || undefined,
);
// What was let go of runs on: nobody waits for it, and no clock is wrong.
const cancelled = (span: JaegerSpan): boolean => span.attributes['quorate.outcome'] === 'cancelled';
const warned = spans.filter((span) => span.warnings.length > 0 && !open(span) && !cancelled(span));
check(
  'Jaeger warns of nothing',
  warned.map(({ name, warnings }) => `${name}: ${warnings.join()}`).join('\n      ') || undefined,
);

const rows = documented(await readFile(new URL('../../docs/observability.md', import.meta.url), 'utf8'));
const both = [...new Set([...rows, ...Object.keys(SEARCHES)])];
for (const row of both) {
  const { judge, ...wanted } = SEARCHES[row] ?? {};
  const found =
    judge === undefined || !rows.includes(row) ? undefined : (await search(query, service, wanted)).flat();
  check(
    `search ${row}`,
    found === undefined || judge === undefined ? 'the page and the check differ' : judge(found),
  );
}

// The questions, answered by what a person sees.

const of = (actor: string): readonly JaegerSpan[] => {
  const { traceId } = spans.find(({ attributes }) => attributes['quorate.actor'] === actor) ?? {};
  return spans.filter((span) => span.traceId === traceId);
};
const ms = ({ start, end }: { readonly start: bigint; readonly end: bigint }): number =>
  Number((end - start) / 1_000_000n);

const slow = of('gathering/slow');
const gather = slow.find(({ name }) => name === 'gather reviews');
const path = criticalPath(slow);
const branch = path.find(({ span }) => span.attributes['quorate.branch'] !== undefined)?.span;
const isAsItWas =
  branch?.attributes['quorate.branch'] === 1 && Number(gather?.attributes['quorate.gather.missing']) === 1;
check(
  `the gather waited for branch ${String(branch?.attributes['quorate.branch'])}, the slow one, ${branch === undefined ? '?' : ms(branch)} ms long; ${String(gather?.attributes['quorate.gather.missing'])} was let go of`,
  isAsItWas ? undefined : 'the path leads elsewhere',
);
const failed = of('gathering/retried').find((span) => span.name === 'process agent.work' && span.failed);
check(
  `attempt ${String(failed?.attributes['quorate.attempt'])} of branch ${String(failed?.attributes['quorate.branch'])} failed: ${String(failed?.attributes['error.type'])}, ${failed?.message}`,
  failed?.attributes['error.type'] === 'AGENT_TIMEOUT' ? undefined : 'it is not there',
);
const cost = slow.reduce(
  (sum, { attributes }) => sum + Number(attributes['quorate.usage.micro_usd'] ?? 0),
  0,
);
check(
  `it cost ${(cost / 1e6).toFixed(6)} USD`,
  cost === 4_000 ? undefined : 'two calls of 2,000 micro-USD were made',
);

console.log(
  faults.length === 0
    ? `jaeger:check: all is well, service ${service} at ${query}`
    : `jaeger:check: ${faults.length} faults`,
);
exit(faults.length === 0 ? 0 : 1);
