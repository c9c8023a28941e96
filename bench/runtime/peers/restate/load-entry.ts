// The process that makes Restate's load: requests to its ingress over kept connections, as its clients send them.
import { Agent, request } from 'node:http';
import { serveJobs } from '../../jobs.ts';
import { timed } from '../../load-timed.ts';
import type { RestateJobs } from './restate.ts';

const [, , ingress = '', keys = '1'] = process.argv;
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

const jobs: RestateJobs = {
  ready: async () => null,
  steps: (count, width) => timed(width, count, (index) => call(`/key/${index % Number(keys)}/step`, {})),
  sagas: (count, width) => timed(width, count, () => call('/saga/run', {})),
  scatters: (items, count, width) =>
    timed(width, count, async () => {
      const answered = await call(
        '/scatter/run',
        Array.from({ length: items }, (_, at) => at),
      );
      if (answered !== items) throw new Error(`${String(answered)} of ${items} tasks were answered`);
    }),
};

function call(path: string, body: unknown): Promise<unknown> {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    const sent = request(`${ingress}${path}`, { method: 'POST', agent, headers }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (part: string) => (answer += part));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(answer));
        else reject(new Error(`${path}: ${response.statusCode} ${answer}`));
      });
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

serveJobs(jobs);
