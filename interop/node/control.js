'use strict';
// The trigger API of tzi-OCTT for a CSMS: JSON over HTTP POST.

const http = require('http');

const MOST = 1 << 20;

const pascal = (kebab) => kebab.split('-').map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');

async function read(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MOST) {
      throw new Error('too long');
    }
  }
  return text ? JSON.parse(text) : {};
}

async function carryOut(central, request) {
  const parts = new URL(request.url, 'http://localhost').pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const body = await read(request);
  if (parts[0] === 'alive') {
    return [200, { stations: [...central.links.keys()] }];
  }
  if (parts[0] === 'stations' && parts[2] === 'boot') {
    central.stations.get(parts[1]).boot = body.status;
    return [200, {}];
  }
  if (parts[0] !== 'api' || parts[1] !== 'octt') {
    return [404, { reason: 'there is no such thing to do' }];
  }
  if (parts[2] === 'create-token') {
    central.tokens.set(body.token_id.toUpperCase(), { status: body.status ?? 'Accepted' });
    return [200, {}];
  }
  if (parts[2] === '1.6' && parts.length === 5) {
    if (!central.links.has(parts[3])) {
      return [409, { reason: `${parts[3]} is not connected` }];
    }
    return [200, await central.ask(parts[3], pascal(parts[4]), body)];
  }
  return [501, { reason: 'this cannot be done here' }];
}

/** Serves at `HOST:PORT`; gives the URL. */
function serve(central, address) {
  const server = http.createServer(async (request, response) => {
    let [status, value] = [400, {}];
    try {
      [status, value] = await carryOut(central, request);
    } catch (error) {
      value = { reason: String(error.message) };
    }
    response.writeHead(status, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(JSON.stringify(value));
  });
  const { host, port } = parts(address);
  return new Promise((resolve) => {
    server.listen(port, host, () => resolve(`http://${host}:${server.address().port}`));
  });
}

function parts(address) {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

/** Reads `--name value` pairs. */
function options(defaults) {
  const chosen = { ...defaults };
  for (let at = 2; at + 1 < process.argv.length; at += 2) {
    chosen[process.argv[at].replace(/^--/, '')] = process.argv[at + 1];
  }
  return chosen;
}

/** Says on one line where everything is, and ends when it is told to. */
function announce(addresses) {
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.on(name, () => process.exit(0));
  }
  console.log(JSON.stringify(addresses));
}

module.exports = { announce, options, parts, serve };
