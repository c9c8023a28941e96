// Reads the text format of Prometheus (0.0.4) strictly: what it does not allow, or what scrapers would silently take for something else, is an error.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface TextFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\+Inf|-Inf|NaN)$/;
const TYPES = new Set(['counter', 'gauge', 'histogram']);

/** The same for the same labels in whatever order. */
export function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => JSON.stringify([label, value]));
  return [name, ...pairs.toSorted((a, b) => (a < b ? -1 : 1))].join();
}

export function parsePrometheusText(text: string): ReadonlyMap<string, TextFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  let current: string | undefined;
  let help: { readonly name: string; readonly text: string } | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    if (line.startsWith('# HELP ')) {
      const [, name = '', said = ''] = /^# HELP (\S+) (.+)$/.exec(line) ?? fail('no help');
      if (families.has(name)) fail('help comes a second time');
      help = { name, text: said };
      current = undefined;
    } else if (line.startsWith('# TYPE ')) {
      const [, name = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? fail('no type');
      if (help?.name !== name) fail('a type without its help');
      if (!TYPES.has(type)) fail('an unknown type');
      if (families.has(name)) fail('a family comes twice');
      if ((type === 'counter') !== name.endsWith('_total')) fail('only counters end with _total');
      families.set(name, { type, help: help?.text ?? '', samples: [] });
      current = name;
    } else {
      const sample = parseSample(line, fail);
      const family = families.get(current ?? '') ?? fail('a sample without a type');
      const base =
        family.type === 'histogram' ? sample.name.replace(/_(bucket|sum|count)$/, '') : sample.name;
      if (base !== current) fail('a sample of another family');
      const key = seriesKey(sample.name, sample.labels);
      if (seen.has(key)) fail('a series comes twice');
      seen.add(key);
      if (family.type !== 'gauge' && !(sample.value >= 0)) fail('less than nothing was counted');
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) {
    if (family.samples.length === 0) throw new Error(`${name} has no sample`);
    if (family.type === 'histogram') checkHistogram(name, family.samples);
  }
  return families;
}

function parseSample(line: string, fail: (why: string) => never): Sample {
  const name = NAME.exec(line)?.[0] ?? fail('no name');
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const [whole = '', label = '', value = ''] = LABEL.exec(rest) ?? fail('no label');
      if (Object.hasOwn(labels, label)) fail('a label comes twice');
      labels[label] = value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
      rest = rest.slice(whole.length);
      if (rest.startsWith('}')) break;
      if (!rest.startsWith(',')) fail('no comma');
      rest = rest.slice(1);
    }
    rest = rest.slice(1);
  }
  const number = rest.startsWith(' ') ? rest.slice(1) : fail('no space before the value');
  if (!NUMBER.test(number)) fail('no number');
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...own } = sample.labels;
    const key = JSON.stringify(own);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, all] of series) {
    const buckets = all.filter((sample) => sample.name.endsWith('_bucket'));
    const [sum, count] = ['sum', 'count'].map((end) => all.find((one) => one.name === `${name}_${end}`));
    const bounds = buckets.map(({ labels }) => Number((labels['le'] ?? '').replace('Inf', 'Infinity')));
    const rises = bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? bound));
    const grows = buckets.every(({ value }, at) => at === 0 || value >= (buckets[at - 1]?.value ?? value));
    const isWhole = sum !== undefined && bounds.at(-1) === Infinity && buckets.at(-1)?.value === count?.value;
    if (!rises || !grows || !isWhole) throw new Error(`${name}${key} is no histogram`);
  }
}

/** The value of one series; labels that are not named do not matter. NaN where there is none, an error where there are several. */
export function valueOf(
  families: ReadonlyMap<string, TextFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const found = (family?.samples ?? []).filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${name}: ${found.length} series fit`);
  return found[0]?.value ?? Number.NaN;
}
