// What travels of a trace, as the W3C headers have it: on messages, in the state of an actor, to a worker thread.

/** Beside `traceparent`; empty where there is nothing. */
export interface Carried {
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** The context of an attempt. */
export interface TraceCarrier extends Carried {
  readonly traceparent: string;
}
