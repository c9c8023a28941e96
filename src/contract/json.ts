/** A value that survives `JSON.stringify` and back unchanged: what states, messages and results are made of. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

/** An XState event as it crosses the wire. */
export type EventJson = { readonly type: string } & { readonly [key: string]: Json };
