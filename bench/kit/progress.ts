// What a long bench says while it runs, on standard error.

export function say(line: string): void {
  process.stderr.write(`  ${line}\n`);
}

export function progressOf(what: string, total: number): (done: number) => void {
  const step = total / 10;
  let next = step;
  return (done) => {
    if (done < next) return;
    next = done + step;
    say(`${what}: ${done} of ${total}`);
  };
}
