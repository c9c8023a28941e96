// The steps of `npm run verify`, in the order in which they are quick to fail, and what to do about each that does.

export const STEPS: Readonly<Record<string, string>> = {
  'check:format': 'run `npm run format`',
  'check:lint': 'correct the lines that are named; `npm run check:lint` looks again',
  'check:types': 'correct the lines that are named; `npm run check:types` looks again',
  'check:imports':
    'move the import or the file: ARCHITECTURE.md says who may know whom, .dependency-cruiser.cjs why',
  'check:unused': 'remove what nobody uses, or name a new entry in knip.json',
  test: 'run the file that failed by itself: `npx vitest run <file>`; if it is green then, look whether the machine was busy',
  'check:api': 'if the change of public types is meant: `npm run build && npm run api`, and commit docs/api',
  'check:package': 'correct package.json as publint says',
  'check:package:broker': 'correct packages/broker/package.json as publint says',
  'check:package:otel': 'correct otel/package.json as publint says',
};
