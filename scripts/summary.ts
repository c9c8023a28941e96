// Prints what the last test run under CI came to, in one plain line.
import { readFileSync } from 'node:fs';

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

const RESULTS_FILE = 'coverage/test-results.json';

const results = JSON.parse(readFileSync(RESULTS_FILE, 'utf8')) as Results;
console.log(
  `${results.numPassedTests} passed, ${results.numFailedTests} failed, ${results.numPendingTests} skipped`,
);
