// Request targets that no URL is made of, for every server that is asked by HTTP.
import { request } from 'node:http';

export const MALFORMED_URLS = ['//', '/%', '/%zz', '/a/%E0%A4%A', '//[', 'http://[', '*', 'http://:99999/'];

/** As it stands; `fetch` would mend it. */
export function statusOf(port: number, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}
