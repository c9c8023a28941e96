import type { Json } from './json.ts';

/** A claim check: where a large JSON value lies. States and messages carry this instead of the value. */
export interface PayloadRef {
  readonly $payload: string;
  /** Bytes of the stored JSON text. */
  readonly bytes: number;
  /** Length, when the value is an array: a scatter fixes its count from it without reading the payload. */
  readonly count?: number;
}

export function isPayloadRef(value: unknown): value is PayloadRef {
  return typeof value === 'object' && value !== null && typeof (value as PayloadRef).$payload === 'string';
}

/** Content-addressed JSON values. `put` is idempotent: the same value gives the same reference. */
export interface PayloadStore {
  put(value: Json): Promise<PayloadRef>;
  get(ref: PayloadRef): Promise<Json>;
}

/** Results of tasks under their idempotency keys, stored before the reply leaves. */
export interface ResultStore {
  get(key: string): Promise<Json | undefined>;
  put(key: string, value: Json): Promise<void>;
}
