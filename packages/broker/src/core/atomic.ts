/** Several operations as one: all of them in one transaction of the store, or none. */
import type { ServiceError } from '../errors.ts';
import type { Change, Committer } from './committer.ts';
import type { Ack } from './outcome.ts';

/** Something that is done by a commit, and says then whether it was. */
export type Operation = (ack: Ack) => void;

export function atomically(committer: Committer, operations: readonly Operation[], done: Ack): void {
  let left = operations.length;
  let failed: ServiceError | undefined;
  const answered: Ack = (error) => {
    failed ??= error;
    left -= 1;
    if (left === 0) done(failed);
  };
  if (left === 0) return done();
  const changes = committer.gather(() => {
    for (const operation of operations) operation(answered);
  });
  // One was refused before anything was written: the others have not happened either.
  if (failed) for (const change of changes) change.refused(failed);
  else committer.add(joined(changes));
}

function joined(changes: readonly Change[]): Change {
  return {
    frees: changes.every(({ frees }) => frees),
    write(store) {
      for (const change of changes) change.write?.(store);
    },
    applied() {
      for (const change of changes) change.applied();
    },
    refused(error) {
      for (const change of changes) change.refused(error);
    },
  };
}
