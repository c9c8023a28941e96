// `quorate/testing`: crash-point testing and virtual time for one's own machines, under any test runner.
export type { ErrorCode } from '../contract/errors.ts';
export { QuorateError } from '../contract/errors.ts';
export { exploreCrashes } from './explore.ts';
export type { FaultName } from './faults.ts';
export type { Exploration, FaultReport } from './report.ts';
export type { ExploreOptions, Scenario, TestConfig, World } from './scenario.ts';
