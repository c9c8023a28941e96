// Fields of the configuration that are about the console (docs/console.md): where it listens, who may look, and whether it is told.

/** Part of the configuration. */
export interface ConsoleConfig {
  /** Port of the console; 0 = any free one, false = none. Default 0, in production false. Env QUORATE_CONSOLE_PORT. */
  readonly consolePort?: number | false;
  /** Where it listens. Default 127.0.0.1. Env QUORATE_CONSOLE_HOST. */
  readonly consoleHost?: string;
  /** Path that a proxy serves the console under, like `/quorate`. Default: none. Env QUORATE_CONSOLE_BASE_PATH. */
  readonly consoleBasePath?: string;
  /** Tokens of roles, `reader=…,operator=…,admin=…`. Default: made in the data folder. Env QUORATE_CONSOLE_TOKENS. */
  readonly consoleTokens?: string;
  /** 'entra': a proxy in front of the console has signed people in, and its header is trusted. Env QUORATE_CONSOLE_IDENTITY. */
  readonly consoleIdentity?: 'entra';
  /**
   * Each commit is told to the index of consoles, over the topic `records`: at most four messages a second. Default: with `quorate start`
   * on the embedded broker, and nowhere else. Env QUORATE_INDEX.
   */
  readonly index?: boolean;
}
