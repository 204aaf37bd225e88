// Carries HTTP requests on with a token: for programs that know no credentials. One address of this machine before another.
import http from "node:http";

// Answers the new address's base once it listens.
export function carry(to, token) {
  const target = new URL(to);
  const server = http.createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const options = { host: target.hostname, port: target.port, path: request.url, method: request.method, headers };
    const onward = http.request(options, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve({ base: `http://localhost:${server.address().port}`, server }));
  });
}
