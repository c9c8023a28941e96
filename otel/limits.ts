/** A gather links to 128 replies at most; a batch send links to every task in it. The SDK alone would cut both at 128. */
export const LINK_LIMIT = 1_024;
