// Sets a timer that it never waits for, and ends when it is told to.
import { setup } from 'xstate';

export const brief = setup({ delays: { long: 3_600_000 } }).createMachine({
  initial: 'open',
  states: { open: { after: { long: 'over' }, on: { end: 'over' } }, over: { type: 'final' } },
});
