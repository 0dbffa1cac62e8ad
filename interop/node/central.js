'use strict';
// What a CSMS for OCPP 1.6 does, whatever library carries its messages.

const fs = require('fs');
const path = require('path');

const VENDOR = 'com.example.interop';

/** A refusal that the station is told as CALLERROR. */
class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const now = () => new Date().toISOString();

class Central {
  constructor(site, interval = 300) {
    this.stations = new Map(site.stations.map((name) => [name, { boot: 'Accepted', registered: false }]));
    this.tokens = new Map(Object.entries(site.tokens).map(([name, token]) => [name.toUpperCase(), token]));
    this.interval = interval;
    this.transactions = [];
    this.nextTransaction = 1001;
    this.nextRequest = 1;
    /** Identity to a function that sends a call: (action, fields) => Promise of the answer. */
    this.links = new Map();
  }

  static fromFile(file = path.join(__dirname, '..', 'site.json')) {
    return new Central(JSON.parse(fs.readFileSync(file, 'utf8')));
  }

  knows(station) {
    return this.stations.has(station);
  }

  tagInfo(tag) {
    const token = this.tokens.get(tag.toUpperCase());
    if (!token) {
      return { status: 'Invalid' };
    }
    return token.group ? { status: token.status, parentIdTag: token.group } : { status: token.status };
  }

  /** The answer to a call of a station; throws a Refusal. */
  answer(station, action, fields) {
    const handler = this[`on${action}`];
    if (!handler) {
      throw new Refusal('NotSupported', `${action} is not for a CSMS`);
    }
    if (action !== 'BootNotification' && !this.stations.get(station).registered) {
      throw new Refusal('SecurityError', 'the station is not accepted yet');
    }
    return handler.call(this, station, fields);
  }

  onBootNotification(station) {
    const known = this.stations.get(station);
    known.registered = known.boot === 'Accepted';
    return { status: known.boot, currentTime: now(), interval: this.interval };
  }

  onHeartbeat() {
    return { currentTime: now() };
  }

  onAuthorize(station, { idTag }) {
    return { idTagInfo: this.tagInfo(idTag) };
  }

  onStartTransaction(station, fields) {
    // One that is told again, because its answer was lost, keeps its id.
    const facts = [station, fields.connectorId, fields.idTag, fields.meterStart, fields.timestamp].join('\n');
    let known = this.transactions.find((transaction) => transaction.facts === facts);
    if (!known) {
      known = { id: this.nextTransaction++, station, facts, running: true };
      this.transactions.push(known);
    }
    return { transactionId: known.id, idTagInfo: this.tagInfo(fields.idTag) };
  }

  onStopTransaction(station, { transactionId, idTag }) {
    const known = this.transactions.find((one) => one.id === transactionId && one.station === station);
    if (known) {
      known.running = false;
    }
    return idTag ? { idTagInfo: this.tagInfo(idTag) } : {};
  }

  onDataTransfer(station, { vendorId, messageId }) {
    if (vendorId !== VENDOR) {
      return { status: 'UnknownVendorId' };
    }
    return { status: messageId === 'ping' ? 'Accepted' : 'UnknownMessageId' };
  }

  onSignCertificate() {
    return { status: 'Rejected' };
  }

  /** What the operator left open. */
  completed(action, fields) {
    const open = {
      Reset: () => ({ type: 'Soft' }),
      SendLocalList: () => ({ updateType: 'Full', listVersion: this.nextRequest++ }),
      ReserveNow: () => ({ reservationId: this.nextRequest++ }),
      UpdateFirmware: () => ({ retrieveDate: now() }),
    }[action];
    return open ? { ...open(), ...fields } : fields;
  }

  /** Sends a call for the operator, and gives what came back. */
  async ask(station, action, fields) {
    const link = this.links.get(station);
    try {
      return await link(action, this.completed(action, fields));
    } catch (error) {
      // The call has been sent; a refusal or silence is the station's.
      return { sent: true, answer: String(error.message) };
    }
  }
}

for (const action of [
  'StatusNotification',
  'MeterValues',
  'DiagnosticsStatusNotification',
  'FirmwareStatusNotification',
  'LogStatusNotification',
  'SecurityEventNotification',
  'SignedFirmwareStatusNotification',
]) {
  Central.prototype[`on${action}`] = () => ({});
}

module.exports = { Central, Refusal };
