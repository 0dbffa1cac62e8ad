'use strict';
// A CSMS for OCPP 1.6 on the npm package ocpp-ts, moved by the trigger API of tzi-OCTT.

const net = require('net');
const { OcppServer } = require('ocpp-ts');
const { Central } = require('../node/central');
const control = require('../node/control');

const CALLS = [
  'Authorize',
  'BootNotification',
  'DataTransfer',
  'DiagnosticsStatusNotification',
  'FirmwareStatusNotification',
  'Heartbeat',
  'MeterValues',
  'StartTransaction',
  'StatusNotification',
  'StopTransaction',
];

/** The library does not tell the port it got, so one is looked for beforehand. */
function freePort(host) {
  return new Promise((resolve) => {
    const probe = net.createServer().listen(0, host, () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** The library sends as it is told; one call at a time is ours to see to. */
function oneAtATime(client) {
  let last = Promise.resolve();
  return (action, fields) => {
    const answer = last.then(() => client.callRequest(action, fields));
    last = answer.catch(() => {});
    return answer;
  };
}

async function main() {
  // What the library throws over one message is the matter of that message; the other stations are served on.
  process.on('uncaughtException', (error) => console.error(error));
  const chosen = control.options({ listen: '127.0.0.1:0', control: '127.0.0.1:0' });
  const central = Central.fromFile();
  const server = new OcppServer();

  server.on('authorization', (identity, request, done) => {
    done(central.knows(identity) ? undefined : new Error('no such station'));
  });

  server.on('connection', (client) => {
    const identity = client.getCpId();
    const link = oneAtATime(client);
    central.links.set(identity, link);
    client.on('error', () => {});
    client.on('close', () => {
      if (central.links.get(identity) === link) {
        central.links.delete(identity);
      }
    });
    for (const action of CALLS) {
      client.on(action, (fields, reply) => {
        reply(central.answer(identity, action, fields));
      });
    }
  });

  const { host, port } = control.parts(chosen.listen);
  const at = port || (await freePort(host));
  // Node takes an object where the library speaks of a port; so it binds to this host alone.
  server.listen({ host, port: at });
  const url = await control.serve(central, chosen.control);
  control.announce({ url: `ws://${host}:${at}/ocpp`, control: url });
}

main();
