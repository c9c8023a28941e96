// Hosts the actors that keep what all processes share: machines of Quorate under reserved types, all in one session queue. Which one
// a session is of stands in its id. Nobody sees them: not in lists, not in the inspector.
import { holdSession } from '../actors/host/hold.ts';
import type { ActorHost } from '../actors/host/host.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import { type ControlKind, controlAddress, kindOfSession } from '../contract/control.ts';
import { CONTROL } from '../contract/entities.ts';
import type { Bridge, InspectionSink, Pump } from '../contract/ports.ts';
import { SESSION_WINDOW } from '../contract/sizes.ts';
import type { MachineRef } from '../contract/turn.ts';
import { usesLanes } from './lanes.ts';

/** String URLs are not rewritten by the build: the modules have the extension that this file has. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
/** Those that this build has machines for: `control/<kind>/machine.ts` exports one under that name. */
const CONTROL_KINDS: readonly ControlKind[] = ['limit', 'lane', 'tenant', 'admission', 'asks', 'orders'];
/** What is configured that keeps something there: each kind says so by itself. */
const USES: readonly ((config: ResolvedConfig) => boolean)[] = [
  ({ limits }) => Object.keys(limits).length > 0,
  usesLanes,
  ({ admission }) => admission !== undefined,
  ({ budgets }) => Object.keys(budgets).length > 0,
  ({ atRunTime }) => atRunTime === true,
];

export function usesControl(config: ResolvedConfig): boolean {
  return USES.some((uses) => uses(config));
}

/** A change of what a machine's state means needs another version. */
const VERSION = '1';
/** Few, and each may be asked by many. */
const MAX_SESSIONS = 64;
const HOLD_QUANTUM_MS = 1_000;

const UNSEEN: InspectionSink = { actor: () => {}, step: () => {} };

export function controlMachineRef(kind: ControlKind): MachineRef {
  const { type } = controlAddress(kind, '');
  const module = new URL(`../control/${kind}/machine.${EXTENSION}`, import.meta.url).href;
  return { type, module, export: kind, version: VERSION, path: [] };
}

/** `base`: what hosts of all types here share. A kind that this build does not know is left to a host that does (I14). */
export function startControlPump(
  bridge: Pick<Bridge, 'pumpSessions'>,
  base: Omit<ActorHost, 'machine' | 'definition' | 'older' | 'onPoison' | 'inspection'>,
): Pump {
  const hosts = new Map<string, ActorHost>(
    CONTROL_KINDS.map((kind) => [
      kind,
      {
        ...base,
        machine: controlMachineRef(kind),
        definition: null,
        older: new Map(),
        onPoison: 'continue',
        inspection: UNSEEN,
      },
    ]),
  );
  return bridge.pumpSessions({
    entity: CONTROL,
    maxSessions: MAX_SESSIONS,
    window: SESSION_WINDOW,
    holdQuantumMs: HOLD_QUANTUM_MS,
    onSession: async (session) => {
      const host = hosts.get(kindOfSession(session.sessionId));
      if (host !== undefined) return holdSession(session, host);
      base.onForeignState(session.sessionId, 'this build has no machine for it');
      return 'refused';
    },
  });
}
