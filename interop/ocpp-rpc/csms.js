'use strict';
// A CSMS for OCPP 1.6 on the npm package ocpp-rpc, moved by the trigger API of tzi-OCTT.

const { RPCServer, createRPCError } = require('ocpp-rpc');
const { Central, Refusal } = require('../node/central');
const control = require('../node/control');

async function main() {
  const chosen = control.options({ listen: '127.0.0.1:0', control: '127.0.0.1:0' });
  const central = Central.fromFile();
  const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true });

  server.auth((accept, reject, { identity }) => {
    if (central.knows(identity)) {
      accept();
    } else {
      reject(404, 'no such station');
    }
  });

  server.on('client', (client) => {
    if (!client.protocol) {
      client.close({ code: 1002, reason: 'no version in common' });
      return;
    }
    const link = (action, fields) => client.call(action, fields);
    central.links.set(client.identity, link);
    client.once('close', () => {
      if (central.links.get(client.identity) === link) {
        central.links.delete(client.identity);
      }
    });
    client.handle(({ method, params }) => {
      try {
        return central.answer(client.identity, method, params);
      } catch (error) {
        throw error instanceof Refusal ? createRPCError(error.code, error.message) : error;
      }
    });
  });

  const { host, port } = control.parts(chosen.listen);
  const listening = await server.listen(port, host);
  const url = await control.serve(central, chosen.control);
  control.announce({ url: `ws://${host}:${listening.address().port}/ocpp`, control: url });
}

main();
