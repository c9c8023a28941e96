// What is shown in place of something: an error with its code and what to do, nothing found, or that it is being read.
import type { ComponentChildren } from 'preact';
import { ApiError } from '../api.ts';
import type { Loaded } from '../loaded.ts';

export function Problem({ error }: { readonly error: unknown }) {
  if (error === undefined) return null;
  const isApi = error instanceof ApiError;
  return (
    <div class="problem" role="alert">
      <strong>{isApi ? error.code : 'Error'}</strong> {error instanceof Error ? error.message : 'unknown'}
      {isApi && error.fix !== undefined ? <p>{error.fix}</p> : null}
    </div>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** The value once it is there; what stands for it until then. An error does not hide a value that was read before. */
export function Shown<T>({
  of: { value, error, isLoading },
  children,
}: {
  readonly of: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  return (
    <>
      <Problem error={error} />
      {value === undefined && isLoading ? <p class="soft">Reading …</p> : null}
      {value === undefined ? null : children(value)}
    </>
  );
}
